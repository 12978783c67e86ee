/* Lists: order, cursors, filters; and that no statement walks through a table. */

#include "support.h"

#include "store/sqlite/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOTAL = 120 };

/* Numbers 0 … TOTAL-1: every third failed, every third completed, the rest open; label "run" is number % 4, every tenth
 * has a label whose key and value need escapes in JSON. */
static struct fixture *filled(void)
{
  struct fixture *fixture = fixture_create();
  struct accepted accepted = {0};
  for (unsigned i = 0; i < TOTAL; i++) {
    struct evaluation *evaluation = evaluation_make(i);
    free(evaluation->labels);
    evaluation->labels = xasprintf("{\"run\":\"%u\"%s}", i % 4, i % 10 ? "" : ",\"q\\\"\\u00e9\":\"a\\nb\"");
    store_accept(fixture->store, evaluation, accepted_note, &accepted);
    evaluation_destroy(evaluation);
  }
  for (unsigned i = 0; i < TOTAL; i++) {
    struct evaluation *evaluation = evaluation_make(i);
    evaluation_end(evaluation, i % 3 ? VERDICT_FAILED : VERDICT_COMPLETED);
    evaluation_print(evaluation, STREAM_STDOUT, "12345", 5);
    if (i % 3 != 2)
      assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
    evaluation_destroy(evaluation);
  }
  return fixture;
}

static unsigned number_of(const struct evaluation *evaluation)
{
  return (unsigned)strtoul(strrchr(evaluation->id, '_') + 1, 0, 16);
}

/* The numbers for which `matches` holds, newest first, are what the pages of this filter hold, each once. */
static void assert_pages(struct fixture *fixture, struct store_filter filter, bool (*matches)(unsigned number))
{
  unsigned next = TOTAL;
  for (bool more = true; more;) {
    struct listed page = list_now(fixture, &filter);
    assert_in_range(page.count, more ? 0 : 1, filter.limit);
    for (size_t i = 0; i < page.count; i++) {
      do
        assert_in_range(next, 1, TOTAL);
      while (!matches(--next));
      assert_int_equal(number_of(page.items[i]), next);
      filter.before_sequence = page.items[i]->sequence;
    }
    more = page.more;
    if (more)
      assert_int_equal(page.count, filter.limit);
    listed_release(&page);
  }
  while (next)
    assert_false(matches(--next));
}

static bool is_any(unsigned number)
{
  (void)number;
  return true;
}

static bool is_failed(unsigned number)
{
  return number % 3 == 1;
}

static bool is_run_2(unsigned number)
{
  return number % 4 == 2;
}

static bool is_failed_run_2(unsigned number)
{
  return is_failed(number) && is_run_2(number);
}

static bool is_tenth(unsigned number)
{
  return number % 10 == 0;
}

static bool is_none(unsigned number)
{
  (void)number;
  return false;
}

static void pages_hold_each_evaluation_once_newest_first(void **state)
{
  struct fixture *fixture = *state;
  for (unsigned limit = 1; limit <= TOTAL + 1; limit += 17)
    assert_pages(fixture, (struct store_filter){.limit = limit}, is_any);
  assert_pages(fixture, (struct store_filter){.limit = TOTAL / 2}, is_any); /* ends with a page */
}

static void a_verdict_filters(void **state)
{
  assert_pages(*state, (struct store_filter){.status = "failed", .limit = 7}, is_failed);
  assert_pages(*state, (struct store_filter){.status = "lost", .limit = 7}, is_none);
}

static void open_states_are_not_the_stores(void **state)
{
  assert_pages(*state, (struct store_filter){.status = "queued", .limit = 7}, is_none);
}

static void a_label_filters_with_its_value(void **state)
{
  assert_pages(*state, (struct store_filter){.label_key = "run", .label_value = "2", .limit = 7}, is_run_2);
  assert_pages(*state, (struct store_filter){.label_key = "run", .label_value = "9", .limit = 7}, is_none);
  assert_pages(*state, (struct store_filter){.label_key = "q\"é", .label_value = "a\nb", .limit = 7}, is_tenth);
}

static void a_label_and_a_verdict_filter_together(void **state)
{
  struct store_filter filter = {.status = "failed", .label_key = "run", .label_value = "2", .limit = 3};
  assert_pages(*state, filter, is_failed_run_2);
}

static void a_list_has_sizes_but_neither_bytes_nor_plans(void **state)
{
  struct listed page = list_now(*state, &(struct store_filter){.limit = LIST_LIMIT_MAX});
  assert_int_equal(page.count, TOTAL);
  for (size_t i = 0; i < page.count; i++) {
    const struct evaluation *evaluation = page.items[i];
    bool open = number_of(evaluation) % 3 == 2;
    assert_null(evaluation->plan);
    assert_int_equal(!evaluation->outputs, open);
    assert_int_equal(evaluation->state, open ? STATE_QUEUED : STATE_FINISHED);
    if (open)
      continue;
    assert_int_equal(evaluation->outputs->stream[STREAM_STDOUT].bytes, 5);
    assert_null(evaluation->outputs->stream[STREAM_STDOUT].data);
  }
  listed_release(&page);
}

static void no_statement_walks_through_a_table(void **state)
{
  (void)state;
  struct error error;
  struct database database = {0};
  CLEANUP_FREE char *directory = directory_make();
  if (!database_open(&database, directory, &error))
    fail_msg("%s", error.message);
  for (int i = 0; i < STATEMENT_COUNT; i++) {
    CLEANUP_FREE char *sql =
      xasprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(database_statement(&database, (enum statement)i)));
    sqlite3_stmt *plan = 0;
    assert_int_equal(sqlite3_prepare_v2(database.handle, sql, -1, &plan, 0), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
      const char *step = (const char *)sqlite3_column_text(plan, 3);
      /* The one exception is an evaluation's own few labels; and the open ones, by an index that holds nothing else. */
      bool bounded = strstr(step, "SCAN json_each") || strstr(step, "SCAN e USING INDEX evaluations_open");
      if (strstr(step, "SCAN") && !bounded)
        fail_msg("%s: %s", sql, step);
      if (strstr(step, "TEMP B-TREE"))
        fail_msg("%s: sorts: %s", sql, step);
    }
    sqlite3_finalize(plan);
  }
  database_close(&database);
  directory_remove(directory);
}

static int set_up(void **state)
{
  *state = filled();
  return 0;
}

static int tear_down(void **state)
{
  fixture_destroy(*state);
  return 0;
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(pages_hold_each_evaluation_once_newest_first),
    cmocka_unit_test(a_verdict_filters),
    cmocka_unit_test(open_states_are_not_the_stores),
    cmocka_unit_test(a_label_filters_with_its_value),
    cmocka_unit_test(a_label_and_a_verdict_filter_together),
    cmocka_unit_test(a_list_has_sizes_but_neither_bytes_nor_plans),
    cmocka_unit_test(no_statement_walks_through_a_table),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
