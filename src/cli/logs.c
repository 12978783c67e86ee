#include "cli/command.h"

#include "cli/output.h"

#include <stdio.h>
#include <unistd.h>

/* Until the server can stream, following means to wait for the end and print all of it. */
bool command_logs(struct session *session, int *ret_status, struct error *error)
{
  const struct options *options = session->options;
  const char *id = options->operands.items[0];
  CLEANUP_JSON json_t *evaluation = 0;
  if (!session_open(session, error) || (options->follow && !remote_wait(session, id, &evaluation, error)))
    return false;
  *ret_status = 0;
  return output_fetch(session, id, options->stream ? options->stream : "output", STDOUT_FILENO, error);
}
