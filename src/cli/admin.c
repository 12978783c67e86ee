#include "cli/command.h"

#include "base/memory.h"
#include "cli/inert.h"
#include "cli/print.h"
#include "cli/remote.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BACKUP_SECONDS_MAX = 24 * 3600 };

/* What there is to be administered: for now, a backup. */
bool command_admin(struct session *session, int *ret_status, struct error *error)
{
  const char *what = session->options->operands.items[0];
  if (strcmp(what, "backup") != 0)
    return error_set(error, ERROR_INVALID, EINVAL, "%s is not something to administer; there is: backup", what);
  if (!session_open(session, error))
    return false;
  const struct client_request request = {
    .method = "POST", .path = "/v1/admin/backup", .wait_seconds = BACKUP_SECONDS_MAX, .interrupts = -1};
  CLEANUP_JSON json_t *answer = 0;
  if (!client_call(session->client, &request, &answer, error))
    return false;
  if (session->options->json) {
    print_json(answer);
  } else {
    CLEANUP_FREE char *path = inert_line(json_text_at(answer, "path"));
    puts(path);
  }
  *ret_status = 0;
  return true;
}
