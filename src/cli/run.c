#include "cli/command.h"

#include "base/memory.h"
#include "cli/follow.h"
#include "cli/inert.h"
#include "cli/output.h"
#include "cli/print.h"
#include "cli/submission.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Ctrl-C ends the evaluation, and its verdict and output are still awaited; a second one gives that up. */
static bool follow_or_cancel(struct follow *follow, const json_t **ret, struct error *error)
{
  if (follow_to_end(follow, ret, error))
    return true;
  if (error->code != EINTR)
    return false;
  fprintf(stderr, "assay: cancelling %s; interrupt once more to leave it alone\n", follow->id);
  CLEANUP_JSON json_t *cancelled = 0;
  return remote_cancel(follow->session, follow->id, &cancelled, error) && follow_to_end(follow, ret, error);
}

/* A person at a terminal should know; a script finds it in the JSON, and its standard error stays the program's. */
static void isolation_explain(const json_t *evaluation)
{
  const char *isolation = json_text_at(evaluation, "isolation");
  if (!*isolation || strcmp(isolation, "full") == 0 || !isatty(STDERR_FILENO))
    return;
  CLEANUP_FREE char *inert = inert_line(isolation);
  fprintf(stderr, "assay: isolation was %s; see assay doctor\n", inert);
}

static bool submit(struct session *session, json_t **ret, struct error *error)
{
  CLEANUP_JSON json_t *submission = 0;
  return submission_make(session, &submission, error) && session_take_interrupts(session, error) &&
         remote_submit(session, submission, ret, error);
}

/* The program's output goes where it would if it ran here, as it comes; as JSON it is told at the end. */
static bool run_to_end(struct session *session, const char *id, json_t **ret, struct error *error)
{
  bool json = session->options->json;
  struct follow follow;
  const json_t *evaluation;
  follow_begin(&follow, session, id, json ? -1 : STDOUT_FILENO, json ? -1 : STDERR_FILENO);
  bool good = follow_or_cancel(&follow, &evaluation, error);
  if (good && json)
    good = remote_get(session, id, ret, error);
  else if (good)
    *ret = json_deep_copy(evaluation);
  return follow_release(&follow, good ? error : 0) && good;
}

bool command_run(struct session *session, int *ret_status, struct error *error)
{
  CLEANUP_JSON json_t *accepted = 0, *evaluation = 0;
  if (!session_open_or_start(session, error) || !submit(session, &accepted, error) ||
      !run_to_end(session, evaluation_id(accepted), &evaluation, error))
    return false;
  if (session->options->json)
    print_json(evaluation);
  else
    output_explain(evaluation);
  outcome_explain(evaluation);
  if (session->daemon && strcmp(json_text_at(evaluation, "verdict.fault"), "platform") == 0)
    private_daemon_print_log(session->daemon);
  isolation_explain(evaluation);
  *ret_status = outcome_status(evaluation);
  return true;
}
