#include "cli/command.h"

#include "base/memory.h"
#include "cli/inert.h"
#include "cli/print.h"
#include "cli/remote.h"

#include <stdio.h>

/* A server that cannot be reached has no version; that is an answer, not a failure. */
bool command_version(struct session *session, int *ret_status, struct error *error)
{
  if (!session_open(session, error))
    return false;
  CLEANUP_JSON json_t *report = 0;
  bool reached =
    client_call(session->client, &(struct client_request){"GET", "/v1/doctor", .interrupts = -1}, &report, error);
  const char *server = reached ? json_text_at(report, "version") : 0;
  if (session->options->json) {
    CLEANUP_JSON json_t *versions = json_pack("{s:s, s:s?}", "client", ASSAY_VERSION, "server", server);
    print_json(versions);
  } else {
    CLEANUP_FREE char *text =
      reached ? xasprintf("%s (%s)", server, client_server(session->client)) : xstrdup(error->message);
    CLEANUP_FREE char *inert = inert_line(text);
    printf("assay %s\nserver: %s\n", ASSAY_VERSION, inert);
  }
  *ret_status = 0;
  return true;
}
