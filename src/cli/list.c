#include "cli/command.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "cli/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static char *show_exit(const json_t *evaluation)
{
  CLEANUP_FREE char *code = show_plain(json_at(evaluation, "verdict.exit_code"));
  return *code ? TAKE_PTR(code) : show_plain(json_at(evaluation, "verdict.signal"));
}

/* Why it ended as it did, or what it waits for. */
static char *show_reason(const json_t *evaluation)
{
  if (strcmp(json_text_at(evaluation, "status"), "preparing") == 0)
    return show_preparing(json_at(evaluation, "timeline"));
  return show_plain(json_at(evaluation, "verdict.reason"));
}

static void row_add(struct table *table, const json_t *evaluation)
{
  CLEANUP_FREE char *wall_time = show_duration(json_at(evaluation, "usage.wall_time_ms"));
  CLEANUP_FREE char *exit = show_exit(evaluation);
  CLEANUP_FREE char *reason = show_reason(evaluation);
  table_row(table, (const char *const[]){
                     json_text_at(evaluation, "id"),
                     json_text_at(evaluation, "status"),
                     json_text_at(evaluation, "runtime"),
                     json_text_at(evaluation, "created_at"),
                     wall_time,
                     exit,
                     reason,
                   });
}

static void print_table(const json_t *evaluations)
{
  static const struct column columns[] = {
    {"ID", COLUMN_LEFT},    {"STATUS", COLUMN_LEFT}, {"RUNTIME", COLUMN_LEFT}, {"CREATED", COLUMN_LEFT},
    {"TIME", COLUMN_RIGHT}, {"EXIT", COLUMN_RIGHT},  {"REASON", COLUMN_CUT},
  };
  struct table *table = table_create(columns, sizeof columns / sizeof *columns, true);
  for (size_t i = 0; i < json_array_size(evaluations); i++)
    row_add(table, json_array_get(evaluations, i));
  table_print(table);
  table_destroy(table);
}

static void query_add(struct buffer *path, const char *key, const char *value)
{
  CLEANUP_FREE char *encoded = url_encode(value);
  buffer_printf(path, "%c%s=%s", memchr(path->data, '?', path->size) ? '&' : '?', key, encoded);
}

/* `cursor` NULL: the first page. */
static char *page_path(const struct options *options, const char *cursor)
{
  struct buffer path = {0};
  buffer_puts(&path, "/v1/evaluations");
  if (options->status)
    query_add(&path, "status", options->status);
  for (size_t i = 0; i < options->labels.count; i++)
    query_add(&path, "label", options->labels.items[i]);
  if (options->limit.given || options->all) {
    CLEANUP_FREE char *limit = xasprintf("%" PRIu64, options->limit.given ? options->limit.value : LIST_LIMIT_MAX);
    query_add(&path, "limit", limit);
  }
  if (cursor)
    query_add(&path, "cursor", cursor);
  return buffer_take(&path, 0);
}

static bool page_get(struct session *session, const char *cursor, json_t **ret, struct error *error)
{
  CLEANUP_FREE char *path = page_path(session->options, cursor);
  return session_call(session, &(struct client_request){"GET", path, .interrupts = -1}, ret, error);
}

/* Appends the pages behind the first to it, so that --json prints one list in any case. */
static bool pages_append(struct session *session, json_t *list, struct error *error)
{
  while (*json_text_at(list, "next_cursor")) {
    CLEANUP_JSON json_t *page = 0;
    if (!page_get(session, json_text_at(list, "next_cursor"), &page, error))
      return false;
    json_t *more = json_object_get(page, "evaluations");
    if (!json_array_size(more))
      break; /* a server that goes on for ever with nothing */
    json_array_extend(json_object_get(list, "evaluations"), more);
    json_object_set(list, "next_cursor", json_object_get(page, "next_cursor"));
  }
  return json_object_set_new(list, "next_cursor", json_null()), true;
}

bool command_list(struct session *session, int *ret_status, struct error *error)
{
  CLEANUP_JSON json_t *list = 0;
  if (!session_open(session, error) || !page_get(session, 0, &list, error) ||
      (session->options->all && !pages_append(session, list, error)))
    return false;
  if (session->options->json)
    print_json(list);
  else
    print_table(json_object_get(list, "evaluations"));
  *ret_status = 0;
  return true;
}
