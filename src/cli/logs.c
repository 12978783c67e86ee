#include "cli/command.h"

#include "cli/follow.h"
#include "cli/output.h"

#include <string.h>
#include <unistd.h>

static bool prints(const char *wanted, const char *stream)
{
  return strcmp(wanted, "output") == 0 || strcmp(wanted, stream) == 0;
}

static bool follow_logs(struct session *session, const char *id, const char *wanted, struct error *error)
{
  struct follow follow;
  const json_t *evaluation;
  follow_begin(&follow, session, id, prints(wanted, "stdout") ? STDOUT_FILENO : -1,
               prints(wanted, "stderr") ? STDOUT_FILENO : -1);
  bool good = follow_to_end(&follow, &evaluation, error);
  return follow_release(&follow, good ? error : 0) && good;
}

bool command_logs(struct session *session, int *ret_status, struct error *error)
{
  const struct options *options = session->options;
  const char *id = options->operands.items[0], *wanted = options->stream ? options->stream : "output";
  bool is_told_at_the_end = strcmp(wanted, "compile") == 0;
  if (!session_open(session, error) || (options->follow && !follow_logs(session, id, wanted, error)))
    return false;
  *ret_status = 0;
  return (options->follow && !is_told_at_the_end) || output_fetch(session, id, wanted, STDOUT_FILENO, error);
}
