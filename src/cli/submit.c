#include "cli/command.h"

#include "cli/print.h"
#include "cli/submission.h"

bool command_submit(struct session *session, int *ret_status, struct error *error)
{
  CLEANUP_JSON json_t *submission = 0, *evaluation = 0;
  if (!session_open(session, error) || !submission_make(session, &submission, error) ||
      !remote_submit(session, submission, &evaluation, error))
    return false;
  if (session->options->json)
    print_json(evaluation);
  else
    print_line(evaluation_id(evaluation));
  *ret_status = 0;
  return true;
}
