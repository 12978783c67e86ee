/*
 * SQLite's memory runs out: the n-th time that it asks for some it gets none, for every n, and then there is memory again.
 * What was acknowledged is there afterwards and whole, what was not is not there by half, and a read tells the truth or
 * that it failed.
 */

#include "support.h"

#include "base/memory.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The store's thread allocates too: atomic. */
static int left = -1; /* allocations before the one that fails; negative: none will */
static sqlite3_mem_methods real;

static bool strikes(void)
{
  return __atomic_load_n(&left, __ATOMIC_SEQ_CST) >= 0 && __atomic_fetch_sub(&left, 1, __ATOMIC_SEQ_CST) == 0;
}

static void *scarce_malloc(int size)
{
  return strikes() ? 0 : real.xMalloc(size);
}

static void *scarce_realloc(void *pointer, int size)
{
  return strikes() ? 0 : real.xRealloc(pointer, size);
}

static void fail_allocation(int number)
{
  __atomic_store_n(&left, number, __ATOMIC_SEQ_CST);
}

/* Whether it came to the one that fails; from now on all is well again. */
static bool has_failed(void)
{
  return __atomic_exchange_n(&left, -1, __ATOMIC_SEQ_CST) < 0;
}

static int configure(void **state)
{
  (void)state;
  sqlite3_shutdown();
  bool good = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) == SQLITE_OK;
  sqlite3_mem_methods scarce = real;
  scarce.xMalloc = scarce_malloc;
  scarce.xRealloc = scarce_realloc;
  /* Without lookaside, so that every small allocation is one that may fail. */
  good = good && sqlite3_config(SQLITE_CONFIG_MALLOC, &scarce) == SQLITE_OK &&
         sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK;
  return good ? 0 : -1;
}

/* Number 1 is finished, 2 and 3 are open, 4 is not there yet. */

enum { FINISHED = 1, OPEN, TO_FINISH, TO_ACCEPT, PLAN_BYTES = 20000 };

static struct evaluation *make_number(unsigned number)
{
  struct evaluation *evaluation = evaluation_make(number);
  char key[16];
  snprintf(key, sizeof key, "key-%u", number);
  evaluation->idempotency_key = xstrdup(key);
  free(evaluation->labels);
  evaluation->labels = xstrdup("{\"team\":\"a\"}");
  blob_unref(evaluation->plan);
  evaluation->plan = blob_create(0, PLAN_BYTES); /* more than a page */
  return evaluation;
}

static struct evaluation *make_finished(unsigned number)
{
  static const char text[3 * PLAN_BYTES];
  struct evaluation *evaluation = make_number(number);
  evaluation->sequence = number;
  evaluation_end(evaluation, VERDICT_FAILED);
  evaluation_print(evaluation, STREAM_STDOUT, text, sizeof text);
  evaluation_print(evaluation, STREAM_STDERR, "x", 1);
  return evaluation;
}

static void fill(struct fixture *fixture)
{
  for (unsigned number = FINISHED; number < TO_ACCEPT; number++) {
    struct evaluation *evaluation = make_number(number);
    assert_int_equal(accept_now(fixture, evaluation).result, STORE_DONE);
    evaluation_destroy(evaluation);
  }
  struct evaluation *finished = make_finished(FINISHED);
  assert_int_equal(finish_now(fixture, finished), STORE_DONE);
  evaluation_destroy(finished);
}

static void assert_is(struct evaluation *found, struct evaluation *expected)
{
  assert_non_null(found);
  assert_same_evaluation(found, expected);
  evaluation_destroy(found);
  evaluation_destroy(expected);
}

/* Reads that may fail: then with words. */

struct told {
  bool done;
};

static void check_got(void *context, struct evaluation *evaluation, const struct error *error)
{
  ((struct told *)context)->done = true;
  if (error)
    assert_true(!evaluation && *error->message);
  else
    assert_is(evaluation, make_finished(FINISHED));
}

static void check_listed(void *context, struct evaluation **evaluations, size_t count, bool more,
                         const struct error *error)
{
  ((struct told *)context)->done = true;
  if (error)
    assert_true(*error->message && !count);
  else
    assert_true(count >= TO_ACCEPT - FINISHED && !more);
  for (size_t i = 0; i < count; i++) {
    assert_string_equal(evaluations[i]->labels, "{\"team\":\"a\"}");
    assert_string_equal(evaluations[i]->runtime, "python");
    evaluation_destroy(evaluations[i]);
  }
  free(evaluations);
}

static void read_all(struct fixture *fixture)
{
  struct told got = {0}, listed = {0};
  store_get(fixture->store, "20261122_195800_00000001", check_got, &got);
  fixture_wait(fixture, &got.done);
  const struct store_filter filter = {.label_key = "team", .label_value = "a", .limit = 10};
  store_list(fixture->store, &filter, check_listed, &listed);
  fixture_wait(fixture, &listed.done);
}

/* What was acknowledged. */
struct acknowledged {
  bool accepted, finished, cancelled;
};

static struct acknowledged work(struct fixture *fixture)
{
  struct acknowledged acknowledged;
  struct evaluation *accepted = make_number(TO_ACCEPT), *finished = make_finished(TO_FINISH),
                    *again = make_number(OPEN);
  acknowledged.accepted = accept_now(fixture, accepted).result == STORE_DONE;
  read_all(fixture);
  acknowledged.finished = finish_now(fixture, finished) == STORE_DONE;
  acknowledged.cancelled = cancel_now(fixture, again->id, 1234) == STORE_DONE;
  snprintf(again->id, sizeof again->id, "20261122_195800_000000ff");
  struct accepted repeated = accept_now(fixture, again);
  assert_true(repeated.result == STORE_FAILED || repeated.result == STORE_STANDS);
  if (repeated.result == STORE_STANDS)
    assert_string_equal(repeated.standing_id, "20261122_195800_00000002");
  evaluation_destroy(accepted);
  evaluation_destroy(finished);
  evaluation_destroy(again);
  return acknowledged;
}

static void note_open(void *context, struct evaluation *evaluation)
{
  (void)context;
  assert_true(evaluation->plan && evaluation->plan->size == PLAN_BYTES);
  assert_string_equal(evaluation->labels, "{\"team\":\"a\"}");
  evaluation_destroy(evaluation);
}

static void assert_kept(struct fixture *fixture, const struct acknowledged *acknowledged)
{
  struct error error;
  assert_is(get_now(fixture, "20261122_195800_00000001"), make_finished(FINISHED));
  struct evaluation *open = get_now(fixture, "20261122_195800_00000002");
  assert_true(open && (!acknowledged->cancelled || open->cancelled_at.ms == 1234));
  evaluation_destroy(open);
  struct evaluation *finished = get_now(fixture, "20261122_195800_00000003");
  assert_true(finished && (!acknowledged->finished || finished->state == STATE_FINISHED));
  if (finished->state == STATE_FINISHED)
    assert_is(finished, make_finished(TO_FINISH));
  else
    evaluation_destroy(finished);
  struct evaluation *accepted = get_now(fixture, "20261122_195800_00000004");
  assert_true(accepted || !acknowledged->accepted);
  if (accepted)
    assert_is(accepted, make_number(TO_ACCEPT));
  assert_true(store_each_open(fixture->store, note_open, 0, &error));
}

/* Every one of the first, then ever fewer; all of them where there is time. */
static int next_after(int number)
{
  return number + 1 + (getenv("ASSAY_TORTURE") ? 0 : number / 16);
}

static void without_memory_at_work_nothing_is_lost_nor_half_there(void **state)
{
  (void)state;
  struct fixture *origin = fixture_create();
  fill(origin);
  fixture_close(origin);
  bool failed = true;
  int number = 0;
  for (; failed; number = next_after(number)) {
    struct fixture *fixture = fixture_crash(origin);
    fail_allocation(number);
    struct acknowledged acknowledged = work(fixture);
    failed = has_failed();
    if (!failed)
      assert_true(acknowledged.accepted && acknowledged.finished && acknowledged.cancelled);
    fixture_close(fixture);
    fixture_open(fixture, fixture->directory);
    assert_kept(fixture, &acknowledged);
    fixture_destroy(fixture);
  }
  assert_true(number > 100); /* it does allocate */
  fixture_destroy(origin);
}

static void without_memory_at_the_start_the_store_opens_whole_or_says_why_not(void **state)
{
  (void)state;
  struct fixture *origin = fixture_create();
  fill(origin);
  fixture_close(origin);
  bool failed = true;
  int number = 0;
  for (; failed; number = next_after(number)) {
    struct error error = {0};
    fail_allocation(number);
    bool opened = fixture_try_open(origin, origin->directory, &error);
    bool read = opened && store_each_open(origin->store, note_open, 0, &error);
    failed = has_failed();
    if (!read && (!failed || error.kind != ERROR_UNAVAILABLE)) /* and never that it were damaged */
      fail_msg("allocation %d: %s", number, error.message);
    fixture_close(origin);
  }
  assert_true(number > 100);
  fixture_open(origin, origin->directory);
  assert_kept(origin, &(struct acknowledged){0});
  fixture_destroy(origin);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_memory_at_work_nothing_is_lost_nor_half_there),
    cmocka_unit_test(without_memory_at_the_start_the_store_opens_whole_or_says_why_not),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, configure, 0);
}
