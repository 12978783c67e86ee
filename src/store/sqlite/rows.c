#include "store/sqlite/rows.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* Binding fails for a wrong index, which is ours, or for want of memory, which is the end in any case. */
static void bind_integer(sqlite3_stmt *statement, int index, uint64_t value)
{
  ASSERT(sqlite3_bind_int64(statement, index, (sqlite3_int64)value) == SQLITE_OK);
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
  ASSERT(sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC) == SQLITE_OK); /* NULL binds NULL */
}

static void read_array(sqlite3_stmt *statement, int column, char *ret, size_t size)
{
  const unsigned char *text = sqlite3_column_text(statement, column);
  snprintf(ret, size, "%s", text ? (const char *)text : "");
}

static enum limit_kind read_limit(sqlite3_stmt *statement, int column)
{
  const unsigned char *name = sqlite3_column_text(statement, column);
  return name ? limit_from_name((const char *)name) : LIMIT_NONE;
}

static int read_exit_code(sqlite3_stmt *statement, int column)
{
  return sqlite3_column_type(statement, column) == SQLITE_NULL ? -1 : sqlite3_column_int(statement, column);
}

/* NULL while it is open. */
static enum verdict_kind read_verdict(sqlite3_stmt *statement, int column)
{
  const unsigned char *name = sqlite3_column_text(statement, column);
  return name ? verdict_from_name((const char *)name) : VERDICT_NONE;
}

/* One macro for each kind of column. Binding counts `index` up, reading `column`. */
#define BIND_INTEGER(place) bind_integer(statement, index++, (uint64_t)(place));
#define BIND_EXIT_CODE(place) BIND_INTEGER(place)
#define BIND_ARRAY(place) bind_text(statement, index++, place);
#define BIND_TEXT(place) bind_text(statement, index++, place);
#define BIND_VERDICT(place) bind_text(statement, index++, verdict_name(place));
#define BIND_LIMIT(place) bind_text(statement, index++, (place) == LIMIT_NONE ? 0 : limit_name(place));
#define BIND_COLUMN(kind, name, place) BIND_##kind(place)
#define BIND_COLUMN_LIMIT(field, name, standard, least, most) BIND_INTEGER(evaluation->limits.field)

#define READ_INTEGER(place) place = (typeof(place))sqlite3_column_int64(statement, column++);
#define READ_EXIT_CODE(place) place = read_exit_code(statement, column++);
#define READ_ARRAY(place) read_array(statement, column++, place, sizeof(place));
#define READ_TEXT(place) place = xstrdup((const char *)sqlite3_column_text(statement, column++));
#define READ_VERDICT(place) place = read_verdict(statement, column++);
#define READ_LIMIT(place) place = read_limit(statement, column++);
#define READ_COLUMN(kind, name, place) READ_##kind(place)
#define READ_COLUMN_LIMIT(field, name, standard, least, most) READ_INTEGER(evaluation->limits.field)

void row_bind_intent(sqlite3_stmt *statement, const struct evaluation *evaluation)
{
  int index = 1;
  INTENT_COLUMNS(BIND_COLUMN)
  ASSERT(index == sqlite3_bind_parameter_count(statement) + 1);
}

void row_bind_result(sqlite3_stmt *statement, uint64_t sequence, const struct evaluation *evaluation)
{
  static const struct outputs nothing;
  const struct outputs *outputs = evaluation->outputs ? evaluation->outputs : &nothing;
  int index = 1;
  BIND_INTEGER(sequence)
  BIND_INTEGER(evaluation->attempt)
  RESULT_COLUMNS(BIND_COLUMN)
  ASSERT(index == sqlite3_bind_parameter_count(statement) + 1);
}

struct evaluation *row_read(sqlite3_stmt *statement)
{
  struct evaluation *evaluation = evaluation_create();
  struct outputs *outputs = outputs_create();
  int column = 0;
  READ_INTEGER(evaluation->sequence)
  INTENT_COLUMNS(READ_COLUMN)
  RESULT_COLUMNS(READ_COLUMN)
  ADDED_COLUMNS(READ_COLUMN)
  bool finished = evaluation->verdict.kind != VERDICT_NONE;
  evaluation->state = finished ? STATE_FINISHED : STATE_QUEUED;
  if (finished)
    evaluation->outputs = outputs;
  else
    outputs_unref(outputs);
  return evaluation;
}

struct delivery *delivery_read(sqlite3_stmt *statement)
{
  struct delivery *delivery = delivery_create();
  int column = sqlite3_column_count(statement) - DELIVERY_COLUMN_COUNT;
  READ_TEXT(delivery->url)
  const unsigned char *state = sqlite3_column_text(statement, column++);
  delivery->state = delivery_state_from_name(state ? (const char *)state : "");
  READ_INTEGER(delivery->attempts)
  READ_INTEGER(delivery->asked_at.ms)
  READ_INTEGER(delivery->due_at.ms)
  READ_INTEGER(delivery->tried_at.ms)
  READ_INTEGER(delivery->status)
  READ_ARRAY(delivery->message)
  return delivery;
}

void delivery_bind(sqlite3_stmt *statement, uint64_t sequence, const struct delivery *delivery)
{
  int index = 1;
  BIND_INTEGER(sequence)
  bind_text(statement, index++, delivery_state_name(delivery->state));
  BIND_INTEGER(delivery->attempts)
  if (delivery->state == DELIVERY_PENDING)
    bind_integer(statement, index, (uint64_t)delivery->due_at.ms);
  index++; /* else NULL: nothing is to be done */
  BIND_INTEGER(delivery->tried_at.ms)
  BIND_INTEGER(delivery->status)
  BIND_ARRAY(delivery->message)
  ASSERT(index == sqlite3_bind_parameter_count(statement) + 1);
}
