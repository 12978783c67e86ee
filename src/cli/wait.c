#include "cli/command.h"

#include "cli/follow.h"
#include "cli/print.h"
#include "cli/remote.h"

/* The evaluation as a whole, its output included. */
static bool print_whole(struct session *session, const char *id, struct error *error)
{
  CLEANUP_JSON json_t *whole = 0;
  if (!remote_get(session, id, &whole, error))
    return false;
  print_json(whole);
  return true;
}

bool command_wait(struct session *session, int *ret_status, struct error *error)
{
  const char *id = session->options->operands.items[0];
  struct follow follow;
  const json_t *evaluation;
  if (!session_open(session, error))
    return false;
  follow_begin(&follow, session, id, -1, -1);
  bool good = follow_to_end(&follow, &evaluation, error);
  if (good && session->options->json)
    good = print_whole(session, id, error);
  else if (good)
    print_line(json_text_at(evaluation, "status"));
  if (good) {
    outcome_explain(evaluation);
    *ret_status = outcome_status(evaluation);
  }
  return follow_release(&follow, good ? error : 0) && good;
}
