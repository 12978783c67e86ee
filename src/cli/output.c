#include "cli/output.h"

#include "base/memory.h"
#include "cli/print.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool output_fetch(struct session *session, const char *id, const char *stream, int fd, struct error *error)
{
  CLEANUP_FREE char *path = remote_path(id, stream);
  struct byte_printer *printer = byte_printer_create(fd);
  const struct client_request request = {.method = "GET", .path = path, .interrupts = -1};
  bool good = client_fetch(session->client, &request, byte_printer_write, printer, error);
  return byte_printer_finish(printer, good ? error : 0) && good;
}

static void omission_explain(const json_t *evaluation, const char *name)
{
  const json_t *stream = json_at(evaluation, name);
  json_int_t omitted = json_integer_value(json_at(stream, "omitted_bytes"));
  if (omitted > 0)
    fprintf(stderr, "assay: %s: %lld of %lld bytes are left out, between head and tail; see --output-limit\n", name,
            omitted, json_integer_value(json_at(stream, "bytes")));
}

void output_explain(const json_t *evaluation)
{
  omission_explain(evaluation, "stdout");
  omission_explain(evaluation, "stderr");
}
