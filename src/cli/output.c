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
  bool good = client_fetch(session->client, path, byte_printer_write, printer, error);
  return byte_printer_finish(printer, good ? error : 0) && good;
}

/* The text in the answer, if it is exactly the bytes that were kept: not lossy, not cut, not encoded. */
static const json_t *exact_text(const json_t *stream, json_int_t kept_bytes)
{
  const json_t *text = json_at(stream, "text");
  bool exact = text && strcmp(json_text_at(stream, "encoding"), "utf8") == 0 &&
               !json_is_true(json_at(stream, "lossy")) && json_string_length(text) == (size_t)kept_bytes;
  return exact ? text : 0;
}

static bool stream_replay(struct session *session, const json_t *evaluation, const char *name, int fd,
                          struct error *error)
{
  const json_t *stream = json_at(evaluation, name);
  json_int_t bytes = json_integer_value(json_at(stream, "bytes"));
  json_int_t omitted = json_integer_value(json_at(stream, "omitted_bytes"));
  if (bytes == omitted)
    return true;
  const json_t *text = exact_text(stream, bytes - omitted);
  if (!text)
    return output_fetch(session, evaluation_id(evaluation), name, fd, error);
  struct byte_printer *printer = byte_printer_create(fd);
  bool good = byte_printer_write(printer, json_string_value(text), json_string_length(text), error);
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

bool output_replay(struct session *session, const json_t *evaluation, struct error *error)
{
  if (!stream_replay(session, evaluation, "stdout", STDOUT_FILENO, error) ||
      !stream_replay(session, evaluation, "stderr", STDERR_FILENO, error))
    return false;
  omission_explain(evaluation, "stdout");
  omission_explain(evaluation, "stderr");
  return true;
}
