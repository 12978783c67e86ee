#include "cli/command.h"

#include "cli/output.h"
#include "cli/print.h"
#include "cli/submission.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Ctrl-C ends the evaluation, and its verdict and output are still awaited; a second one gives that up. */
static bool wait_or_cancel(struct session *session, const char *id, json_t **ret, struct error *error)
{
  if (remote_wait(session, id, ret, error))
    return true;
  if (error->code != EINTR)
    return false;
  fprintf(stderr, "assay: cancelling %s; interrupt once more to leave it alone\n", id);
  CLEANUP_JSON json_t *cancelled = 0;
  return remote_cancel(session, id, &cancelled, error) && remote_wait(session, id, ret, error);
}

/* A person at a terminal should know; a script finds it in the JSON, and its standard error stays the program's. */
static void isolation_explain(const json_t *evaluation)
{
  const char *isolation = json_text_at(evaluation, "isolation");
  if (*isolation && strcmp(isolation, "full") != 0 && isatty(STDERR_FILENO))
    fprintf(stderr, "assay: isolation was %s; see assay doctor\n", isolation);
}

static bool run_to_end(struct session *session, json_t **ret, struct error *error)
{
  CLEANUP_JSON json_t *submission = 0, *accepted = 0;
  return submission_make(session, &submission, error) && session_take_interrupts(session, error) &&
         remote_submit(session, submission, &accepted, error) &&
         wait_or_cancel(session, evaluation_id(accepted), ret, error);
}

bool command_run(struct session *session, int *ret_status, struct error *error)
{
  CLEANUP_JSON json_t *evaluation = 0;
  if (!session_open_or_start(session, error) || !run_to_end(session, &evaluation, error))
    return false;
  if (session->options->json)
    print_json(evaluation);
  else if (!output_replay(session, evaluation, error))
    return false;
  outcome_explain(evaluation);
  if (session->daemon && strcmp(json_text_at(evaluation, "verdict.fault"), "platform") == 0)
    private_daemon_print_log(session->daemon);
  isolation_explain(evaluation);
  *ret_status = outcome_status(evaluation);
  return true;
}
