/* Deleting what is old: the oldest finished ones, never an open one, and nothing stays of what is deleted. */

#include "support.h"

#include "base/fd.h"
#include "store/sqlite/retention.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t DAY_MS = 24ll * 3600 * 1000;

/* One that was finished so long ago, with this many bytes of output. */
static void add_finished(struct fixture *fixture, unsigned number, int64_t age_ms, size_t bytes)
{
  struct evaluation *evaluation = evaluation_make(number);
  evaluation->labels = (free(evaluation->labels), xstrdup("{\"run\":\"1\",\"" STORE_LABEL_KEEP "\":\"program\"}"));
  accept_now(fixture, evaluation);
  evaluation_end(evaluation, VERDICT_COMPLETED);
  evaluation->entered_at[STATE_FINISHED].ms = wall_now().ms - age_ms;
  CLEANUP_BLOB struct blob *output = blob_create(0, bytes);
  memset(output->data, 'x', bytes);
  evaluation_print(evaluation, STREAM_STDOUT, output->data, bytes);
  assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
  evaluation_destroy(evaluation);
}

static void add_open(struct fixture *fixture, unsigned number)
{
  struct evaluation *evaluation = evaluation_make(number);
  assert_int_equal(accept_now(fixture, evaluation).result, STORE_DONE);
  evaluation_destroy(evaluation);
}

static bool is_there(struct fixture *fixture, unsigned number)
{
  struct evaluation *evaluation = evaluation_make(number);
  struct evaluation *found = get_now(fixture, evaluation->id);
  bool there = found;
  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  return there;
}

static bool file_is_there(const struct fixture *fixture, unsigned number)
{
  char name[64];
  struct evaluation *evaluation = evaluation_make(number);
  snprintf(name, sizeof name, "outputs/%s.stdout", evaluation->id);
  evaluation_destroy(evaluation);
  CLEANUP_FREE char *path = path_in(fixture->directory, name);
  return access(path, F_OK) == 0;
}

static int rows_in(const struct fixture *crashed, const char *table)
{
  CLEANUP_FREE char *path = path_in(crashed->directory, "assay.db");
  CLEANUP_FREE char *sql = xasprintf("SELECT count(*) FROM %s", table);
  sqlite3 *handle = 0;
  sqlite3_stmt *statement = 0;
  assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, 0), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, 0), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  int rows = sqlite3_column_int(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(handle);
  return rows;
}

static void what_is_older_goes_and_what_is_younger_or_open_stays(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  add_open(fixture, 1);
  add_finished(fixture, 2, 3 * DAY_MS, 10);
  add_finished(fixture, 3, DAY_MS, 10);
  add_finished(fixture, 4, 3 * DAY_MS, OUTPUT_IN_DATABASE_BYTES_MAX + 1);
  add_finished(fixture, 5, 0, OUTPUT_IN_DATABASE_BYTES_MAX + 1);
  assert_true(file_is_there(fixture, 4));
  struct retained retained = retain_now(fixture, (uint64_t)(2 * DAY_MS), 0);
  assert_int_equal(retained.removed, 2);
  assert_false(retained.more);
  assert_true(is_there(fixture, 1) && is_there(fixture, 3) && is_there(fixture, 5));
  assert_false(is_there(fixture, 2) || is_there(fixture, 4));
  assert_false(file_is_there(fixture, 4));
  assert_true(file_is_there(fixture, 5));
  assert_int_equal(store_stats(fixture->store).removed, 2);
  assert_int_equal(retain_now(fixture, (uint64_t)(2 * DAY_MS), 0).removed, 0);
  fixture_destroy(fixture);
}

static void nothing_of_it_stays_in_any_table(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  add_finished(fixture, 1, 2 * DAY_MS, 10);
  add_finished(fixture, 2, 2 * DAY_MS, 10);
  assert_int_equal(retain_now(fixture, (uint64_t)DAY_MS, 0).removed, 2);
  fixture_close(fixture);
  static const char *const tables[] = {"evaluations", "labels", "plans", "outputs"};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    if (rows_in(fixture, tables[i]))
      fail_msg("rows are left in %s", tables[i]);
  fixture_open(fixture, fixture->directory);
  fixture_destroy(fixture);
}

static void over_the_bound_of_bytes_the_oldest_go_until_it_is_kept(void **state)
{
  (void)state;
  enum { EACH = 1000000, COUNT = 8, BOUND = 3500000 };
  struct fixture *fixture = fixture_create();
  for (unsigned i = 1; i <= COUNT; i++)
    add_finished(fixture, i, 0, EACH);
  assert_int_equal(retain_now(fixture, 0, BOUND).removed, COUNT - 3);
  for (unsigned i = 1; i <= COUNT; i++)
    assert_int_equal(is_there(fixture, i), i > COUNT - 3);
  assert_int_equal(retain_now(fixture, 0, BOUND).removed, 0);
  /* What was counted is what there is, also after a start. */
  struct fixture *after = fixture_crash(fixture);
  assert_int_equal(retain_now(after, 0, BOUND).removed, 0);
  assert_int_equal(retain_now(after, 0, EACH / 2).removed, 3);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void a_transaction_takes_a_few_and_says_that_there_are_more(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  for (unsigned i = 1; i <= 2 * RETENTION_BATCH + 1; i++)
    add_finished(fixture, i, 2 * DAY_MS, 1);
  for (int i = 0; i < 2; i++) {
    struct retained retained = retain_now(fixture, (uint64_t)DAY_MS, 0);
    assert_int_equal(retained.removed, RETENTION_BATCH);
    assert_true(retained.more);
  }
  struct retained last = retain_now(fixture, (uint64_t)DAY_MS, 0);
  assert_int_equal(last.removed, 1);
  assert_false(last.more);
  fixture_destroy(fixture);
}

static void what_a_crash_left_is_settled_by_the_row_and_nothing_else_is_removed(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  add_finished(fixture, 1, 0, OUTPUT_IN_DATABASE_BYTES_MAX + 1);
  CLEANUP_FREE char *left = path_in(fixture->directory, "outputs/20200101_000000_00000001.stdout.deleted");
  CLEANUP_FREE char *foreign = path_in(fixture->directory, "outputs/20200101_000000_00000002.stdout");
  CLEANUP_FREE char *kept = path_in(fixture->directory, "outputs/20261122_195800_00000001.stdout");
  CLEANUP_FREE char *condemned = xasprintf("%s.deleted", kept);
  fd_close(open(left, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  fd_close(open(foreign, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  fixture_close(fixture);
  assert_int_equal(rename(kept, condemned), 0);
  fixture_open(fixture, fixture->directory);
  assert_int_not_equal(access(left, F_OK), 0);
  assert_int_equal(access(foreign, F_OK), 0);
  assert_true(file_is_there(fixture, 1));
  fixture_destroy(fixture);
}

static void a_key_whose_evaluation_was_deleted_is_free_again(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  evaluation->idempotency_key = xstrdup("key");
  accept_now(fixture, evaluation);
  evaluation_end(evaluation, VERDICT_COMPLETED);
  evaluation->entered_at[STATE_FINISHED].ms = wall_now().ms - 2 * DAY_MS;
  finish_now(fixture, evaluation);
  assert_int_equal(retain_now(fixture, (uint64_t)DAY_MS, 0).removed, 1);
  struct evaluation *again = evaluation_make(2);
  again->idempotency_key = xstrdup("key");
  struct accepted accepted = accept_now(fixture, again);
  assert_int_equal(accepted.result, STORE_DONE);
  assert_int_equal(accepted.sequence, 2); /* not given twice */
  evaluation_destroy(again);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_older_goes_and_what_is_younger_or_open_stays),
    cmocka_unit_test(nothing_of_it_stays_in_any_table),
    cmocka_unit_test(over_the_bound_of_bytes_the_oldest_go_until_it_is_kept),
    cmocka_unit_test(a_transaction_takes_a_few_and_says_that_there_are_more),
    cmocka_unit_test(what_a_crash_left_is_settled_by_the_row_and_nothing_else_is_removed),
    cmocka_unit_test(a_key_whose_evaluation_was_deleted_is_free_again),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("store/retention", tests, 0, 0);
}
