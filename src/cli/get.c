#include "cli/command.h"

#include "cli/print.h"
#include "cli/remote.h"
#include "cli/show.h"

static const struct field {
  const char *title, *path;
  show_function *show;
} fields[] = {
  {"id", "id", show_plain},
  {"status", "status", show_plain},
  {"reason", "verdict.reason", show_plain},
  {"fault", "verdict.fault", show_plain},
  {"exit code", "verdict.exit_code", show_plain},
  {"signal", "verdict.signal", show_plain},
  {"limit hit", "verdict.limit.name", show_plain},
  {"runtime", "runtime", show_plain},
  {"image", "image", show_plain},
  {"preparing", "timeline", show_preparing},
  {"created", "created_at", show_plain},
  {"started", "started_at", show_plain},
  {"finished", "finished_at", show_plain},
  {"wall time", "usage.wall_time_ms", show_duration},
  {"CPU time", "usage.cpu_time_ms", show_duration},
  {"memory peak", "usage.memory_peak_bytes", show_size},
  {"processes peak", "usage.processes_peak", show_plain},
  {"stdout", "stdout.bytes", show_size},
  {"stdout left out", "stdout.omitted_bytes", show_size},
  {"stderr", "stderr.bytes", show_size},
  {"stderr left out", "stderr.omitted_bytes", show_size},
  {"attempt", "attempt", show_plain},
  {"backend", "backend", show_plain},
  {"isolation", "isolation", show_plain},
  {"labels", "labels", show_pairs},
};

static void print_fields(const json_t *evaluation)
{
  static const struct column columns[] = {{"", COLUMN_LEFT}, {"", COLUMN_WRAPPED}};
  struct table *table = table_create(columns, 2, false);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    CLEANUP_FREE char *value = fields[i].show(json_at(evaluation, fields[i].path));
    if (*value)
      table_row(table, (const char *const[]){fields[i].title, value});
  }
  table_print(table);
  table_destroy(table);
}

bool command_get(struct session *session, int *ret_status, struct error *error)
{
  CLEANUP_JSON json_t *evaluation = 0;
  if (!session_open(session, error) || !remote_get(session, session->options->operands.items[0], &evaluation, error))
    return false;
  if (session->options->json)
    print_json(evaluation);
  else
    print_fields(evaluation);
  *ret_status = 0;
  return true;
}
