#include "cli/command.h"

#include "cli/print.h"
#include "cli/remote.h"

#include <stdio.h>

bool command_wait(struct session *session, int *ret_status, struct error *error)
{
  CLEANUP_JSON json_t *evaluation = 0;
  if (!session_open(session, error) || !remote_wait(session, session->options->operands.items[0], &evaluation, error))
    return false;
  if (session->options->json)
    print_json(evaluation);
  else
    puts(json_text_at(evaluation, "status"));
  outcome_explain(evaluation);
  *ret_status = outcome_status(evaluation);
  return true;
}
