/* A backup is a state directory of one moment, whole or not there, made while others read and write. */

#include "support.h"

#include "base/memory.h"
#include "store/sqlite/retention.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct made {
  bool done;
  char *path;
  struct error error;
};

static void note(void *context, const char *path, const struct error *error)
{
  struct made *made = context;
  made->done = true;
  made->path = xstrdup(path);
  if (error)
    made->error = *error;
}

/* One of this second may be there. */
static char *backup_now(struct fixture *fixture)
{
  for (;;) {
    struct made made = {0};
    store_backup(fixture->store, note, &made);
    fixture_wait(fixture, &made.done);
    if (made.path || made.error.kind != ERROR_CONFLICT)
      return made.path;
    usleep(50000);
  }
}

static void finish(struct fixture *fixture, unsigned number, size_t bytes)
{
  struct evaluation *evaluation = evaluation_make(number);
  accept_now(fixture, evaluation);
  evaluation_end(evaluation, VERDICT_FAILED);
  CLEANUP_BLOB struct blob *output = blob_create(0, bytes);
  memset(output->data, (int)('a' + number % 26), bytes);
  evaluation_print(evaluation, STREAM_STDOUT, output->data, bytes);
  assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
  evaluation_destroy(evaluation);
}

/* What one store has of an evaluation, the other has. */
static void assert_same_in(struct fixture *one, struct fixture *other, unsigned number)
{
  struct evaluation *evaluation = evaluation_make(number);
  struct evaluation *expected = get_now(one, evaluation->id), *found = get_now(other, evaluation->id);
  assert_non_null(expected);
  assert_non_null(found);
  assert_int_equal(found->verdict.kind, expected->verdict.kind);
  assert_string_equal(found->labels, expected->labels);
  const char *paths[] = {expected->outputs ? expected->outputs->stream[STREAM_STDOUT].path : 0,
                         found->outputs ? found->outputs->stream[STREAM_STDOUT].path : 0};
  assert_int_equal(!paths[0], !paths[1]);
  if (paths[0]) {
    assert_string_not_equal(paths[0], paths[1]);
    assert_int_equal(file_digest(paths[0]), file_digest(paths[1]));
  }
  evaluation_destroy(found);
  evaluation_destroy(expected);
  evaluation_destroy(evaluation);
}

static void a_copy_has_everything_and_can_be_opened(void **state)
{
  (void)state;
  enum { COUNT = 40 };
  struct fixture *fixture = fixture_create();
  for (unsigned i = 1; i <= COUNT; i++)
    finish(fixture, i, i % 4 ? 30000 : OUTPUT_IN_DATABASE_BYTES_MAX + i);
  struct evaluation *open = evaluation_make(COUNT + 1);
  accept_now(fixture, open);
  CLEANUP_FREE char *path = backup_now(fixture);
  assert_non_null(path);
  struct fixture *copy = fixture_create_closed();
  fixture_open(copy, path);
  for (unsigned i = 1; i <= COUNT; i++)
    assert_same_in(fixture, copy, i);
  assert_int_equal(store_known(copy->store, open->id), STORE_OPEN);
  evaluation_destroy(open);
  fixture_destroy(copy);
  fixture_destroy(fixture);
}

static void what_is_written_meanwhile_is_whole_or_not_there(void **state)
{
  (void)state;
  enum { BEFORE = 100, DURING = 40 };
  struct fixture *fixture = fixture_create();
  for (unsigned i = 1; i <= BEFORE; i++)
    finish(fixture, i, 100000);
  struct made made = {0};
  store_backup(fixture->store, note, &made);
  for (unsigned i = BEFORE + 1; i <= BEFORE + DURING; i++)
    finish(fixture, i, i % 2 ? 100000 : OUTPUT_IN_DATABASE_BYTES_MAX + 1);
  fixture_wait(fixture, &made.done);
  CLEANUP_FREE char *path = made.path;
  assert_non_null(path);
  struct fixture *copy = fixture_create_closed();
  fixture_open(copy, path);
  for (unsigned i = 1; i <= BEFORE; i++)
    assert_same_in(fixture, copy, i);
  for (unsigned i = BEFORE + 1; i <= BEFORE + DURING; i++) {
    struct evaluation *evaluation = evaluation_make(i);
    if (store_known(copy->store, evaluation->id) == STORE_FINISHED)
      assert_same_in(fixture, copy, i);
    evaluation_destroy(evaluation);
  }
  fixture_destroy(copy);
  fixture_destroy(fixture);
}

static void note_retained(void *context, unsigned removed, bool more)
{
  (void)more;
  *(int *)context = (int)removed;
}

static void nothing_is_deleted_while_it_is_made(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  for (unsigned i = 1; i <= 60; i++)
    finish(fixture, i, 100000);
  struct made made = {0};
  int removed = -1;
  store_backup(fixture->store, note, &made);
  finish(fixture, 61, 1); /* by now it has begun */
  store_retain(fixture->store, &(struct store_retention){.bytes = 1}, note_retained, &removed);
  fixture_wait(fixture, &made.done);
  finish(fixture, 62, 1);
  assert_int_equal(removed, 0);
  CLEANUP_FREE char *path = made.path;
  store_retain(fixture->store, &(struct store_retention){.bytes = 1}, note_retained, &removed);
  finish(fixture, 63, 1);
  assert_int_equal(removed, RETENTION_BATCH);
  fixture_destroy(fixture);
}

static unsigned entries_of(const char *path)
{
  unsigned count = 0;
  DIR *directory = opendir(path);
  assert_non_null(directory);
  for (struct dirent *entry; (entry = readdir(directory));)
    count += entry->d_name[0] != '.';
  closedir(directory);
  return count;
}

static void a_store_that_closes_gives_it_up_and_leaves_nothing(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  for (unsigned i = 1; i <= 200; i++)
    finish(fixture, i, 100000);
  struct made made = {0};
  store_backup(fixture->store, note, &made);
  finish(fixture, 201, 1);
  fixture_close(fixture);
  assert_true(made.done);
  CLEANUP_FREE char *path = made.path; /* a quick disk may have had the time */
  CLEANUP_FREE char *backups = path_in(fixture->directory, "backups");
  assert_int_equal(entries_of(backups), made.path ? 1 : 0);
  if (!made.path)
    assert_int_equal(made.error.kind, ERROR_UNAVAILABLE);
  fixture_open(fixture, fixture->directory);
  fixture_destroy(fixture);
}

static void two_of_one_second_are_a_conflict_and_the_first_stays(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct made second = {0};
  char *first = 0;
  do { /* until both are of one second */
    free(first);
    free(second.path);
    first = backup_now(fixture);
    second = (struct made){0};
    store_backup(fixture->store, note, &second);
    fixture_wait(fixture, &second.done);
  } while (second.path);
  assert_int_equal(second.error.kind, ERROR_CONFLICT);
  assert_int_equal(access(first, F_OK), 0);
  free(first);
  fixture_destroy(fixture);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_copy_has_everything_and_can_be_opened),
    cmocka_unit_test(what_is_written_meanwhile_is_whole_or_not_there),
    cmocka_unit_test(nothing_is_deleted_while_it_is_made),
    cmocka_unit_test(a_store_that_closes_gives_it_up_and_leaves_nothing),
    cmocka_unit_test(two_of_one_second_are_a_conflict_and_the_first_stays),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("store/backup", tests, 0, 0);
}
