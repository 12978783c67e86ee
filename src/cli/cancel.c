#include "cli/command.h"

#include "cli/print.h"
#include "cli/remote.h"

/* The status may still be that of an open evaluation: it ends in a moment, as cancelled unless it ended by itself
 * first. */
bool command_cancel(struct session *session, int *ret_status, struct error *error)
{
  CLEANUP_JSON json_t *evaluation = 0;
  if (!session_open(session, error) || !remote_cancel(session, session->options->operands.items[0], &evaluation, error))
    return false;
  if (session->options->json)
    print_json(evaluation);
  else
    print_line(json_text_at(evaluation, "status"));
  *ret_status = 0;
  return true;
}
