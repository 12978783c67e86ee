/* A database of an older version is brought up to the present one, with all that is in it. */

#include "support.h"

#include "base/fd.h"
#include "store/sqlite/schema.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* A directory with the database that the SQL makes. */
static struct fixture *with_database(const char *sql_path)
{
  struct fixture *fixture = fixture_create_closed();
  CLEANUP_FREE char *path = path_in(fixture->directory, "assay.db");
  CLEANUP_BLOB struct blob *sql = file_read(AT_FDCWD, sql_path, MIB(1), 0);
  assert_non_null(sql);
  CLEANUP_FREE char *text = xstrndup((const char *)sql->data, sql->size);
  sqlite3 *handle = 0;
  assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
  if (sqlite3_exec(handle, text, 0, 0, 0) != SQLITE_OK)
    fail_msg("%s", sqlite3_errmsg(handle));
  assert_int_equal(sqlite3_close(handle), SQLITE_OK);
  return fixture;
}

static struct evaluation *the_open_one(void)
{
  struct evaluation *evaluation = evaluation_make(1);
  free(evaluation->image);
  evaluation->image = 0;
  free(evaluation->token);
  evaluation->token = 0;
  free(evaluation->traceparent);
  evaluation->traceparent = 0;
  free(evaluation->tracestate);
  evaluation->tracestate = 0;
  free(evaluation->labels);
  evaluation->labels = xstrdup("{\"run\":\"42\"}");
  evaluation->idempotency_key = xstrdup("a key");
  evaluation->body_digest = 12345;
  evaluation->attempt = 2;
  evaluation->attempts_max = 3;
  evaluation->priority = -7;
  return evaluation;
}

static void take(void *context, struct evaluation *evaluation)
{
  struct evaluation **taken = context;
  assert_null(*taken);
  *taken = evaluation;
}

static void what_was_open_is_open_with_its_plan(void **state)
{
  (void)state;
  struct fixture *fixture = with_database(VERSION_1_SQL);
  fixture_open(fixture, fixture->directory);
  struct evaluation *expected = the_open_one(), *found = 0;
  assert_true(store_each_open(fixture->store, take, &found, 0));
  assert_non_null(found);
  assert_same_evaluation(expected, found);
  assert_int_equal(found->plan->size, 6);

  /* and ends like any other */
  assert_int_equal(cancel_now(fixture, found->id, 1790000000009), STORE_DONE);
  evaluation_end(expected, VERDICT_CANCELLED);
  evaluation_print(expected, STREAM_STDOUT, "so far", 6);
  expected->cancelled_at.ms = 1790000000009;
  assert_int_equal(finish_now(fixture, expected), STORE_DONE);
  evaluation_destroy(found);
  found = get_now(fixture, expected->id);
  assert_same_evaluation(expected, found);
  evaluation_destroy(found);
  evaluation_destroy(expected);
  fixture_destroy(fixture);
}

static void what_was_finished_says_what_it_said(void **state)
{
  (void)state;
  struct fixture *fixture = with_database(VERSION_1_SQL);
  fixture_open(fixture, fixture->directory);
  struct evaluation *found = get_now(fixture, "20261122_195800_00000002");
  assert_int_equal(found->state, STATE_FINISHED);
  assert_int_equal(found->verdict.kind, VERDICT_FAILED);
  assert_string_equal(found->verdict.reason, "exited with code 1");
  assert_int_equal(found->entered_at[STATE_PREPARING].ms, 0);
  assert_int_equal(found->entered_at[STATE_FINISHED].ms, 1790000000006);
  assert_string_equal(found->progress, "");
  assert_null(found->image);
  assert_int_equal(found->cancelled_at.ms, 0);
  assert_memory_equal(found->outputs->stream[STREAM_STDERR].data->data, "oop", 3);
  evaluation_destroy(found);
  fixture_destroy(fixture);
}

static void lists_hold_both_kinds(void **state)
{
  (void)state;
  struct fixture *fixture = with_database(VERSION_1_SQL);
  fixture_open(fixture, fixture->directory);
  struct evaluation *evaluation = evaluation_make(3);
  free(evaluation->labels);
  evaluation->labels = xstrdup("{\"run\":\"42\"}");
  assert_int_equal(accept_now(fixture, evaluation).result, STORE_DONE);
  evaluation_destroy(evaluation);
  struct listed listed =
    list_now(fixture, &(struct store_filter){.label_key = "run", .label_value = "42", .limit = 10});
  assert_int_equal(listed.count, 3);
  assert_string_equal(listed.items[0]->image, "python:3.12");
  assert_null(listed.items[2]->image);
  assert_string_equal(listed.items[0]->token, "ci");
  assert_null(listed.items[2]->token);
  listed_release(&listed);
  fixture_destroy(fixture);
}

static void it_is_brought_up_once(void **state)
{
  (void)state;
  struct fixture *fixture = with_database(VERSION_1_SQL);
  for (int i = 0; i < 2; i++) {
    fixture_open(fixture, fixture->directory);
    fixture_close(fixture);
  }
  CLEANUP_FREE char *path = path_in(fixture->directory, "assay.db");
  sqlite3 *handle = 0;
  sqlite3_stmt *statement = 0;
  assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &statement, 0), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  assert_int_equal(sqlite3_column_int(statement, 0), schema_version_newest());
  sqlite3_finalize(statement);
  sqlite3_close(handle);
  fixture_destroy(fixture);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_open_is_open_with_its_plan),
    cmocka_unit_test(what_was_finished_says_what_it_said),
    cmocka_unit_test(lists_hold_both_kinds),
    cmocka_unit_test(it_is_brought_up_once),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
