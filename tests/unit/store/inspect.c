/* A database that cannot be used is refused with a clear message, and stays as it is, byte for byte. */

#include "support.h"

#include "base/fd.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A state directory as a crash leaves it, with a log, or as a shutdown leaves it, without. */
static char *left_behind(bool crashed)
{
  struct fixture *fixture = fixture_create();
  for (unsigned i = 0; i < 60; i++) {
    struct evaluation *evaluation = evaluation_make(i);
    accept_now(fixture, evaluation);
    evaluation_destroy(evaluation);
  }
  if (!crashed)
    fixture_close(fixture);
  char *copy = directory_make();
  copy_directory(fixture->directory, copy);
  fixture_destroy(fixture);
  return copy;
}

static void overwrite(const char *path, off_t at, const void *bytes, size_t size)
{
  CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, bytes, size, at), size);
}

static off_t size_of(const char *path)
{
  struct stat status;
  return stat(path, &status) == 0 ? status.st_size : -1;
}

/* Opening fails with each of these words in the message, and neither changes, makes nor removes a file. */
static void assert_refused(const char *directory, const char *word, const char *advice)
{
  static const char *const names[] = {"assay.db", "assay.db-wal", "assay.db-shm", "assay.db-journal", "assay.db.new"};
  enum { NAMES = sizeof names / sizeof *names };
  uint64_t digests[NAMES];
  off_t sizes[NAMES];
  for (int i = 0; i < NAMES; i++) {
    CLEANUP_FREE char *path = path_in(directory, names[i]);
    digests[i] = file_digest(path);
    sizes[i] = size_of(path);
  }
  struct error error = {0};
  assert_null(store_open(&(struct store_config){.state_dir = directory}, &error));
  if (!strstr(error.message, word) || !strstr(error.message, advice) || !strstr(error.message, "assay.db"))
    fail_msg("another message: %s", error.message);
  for (int i = 0; i < NAMES; i++) {
    CLEANUP_FREE char *path = path_in(directory, names[i]);
    assert_int_equal(file_digest(path), digests[i]);
    assert_int_equal(size_of(path), sizes[i]);
  }
}

static void release(char *directory)
{
  directory_remove(directory);
  free(directory);
}

static void refuse_file(const char *bytes, size_t size, const char *word)
{
  char *directory = directory_make();
  CLEANUP_FREE char *path = path_in(directory, "assay.db");
  overwrite(path, 0, bytes, size);
  assert_refused(directory, word, "move both away");
  release(directory);
}

static void an_empty_file_is_not_taken_for_a_new_database(void **state)
{
  (void)state;
  refuse_file("", 0, "is not a database");
}

static void a_file_that_is_no_database_is_refused(void **state)
{
  (void)state;
  char text[5000];
  memset(text, 'x', sizeof text);
  refuse_file(text, sizeof text, "is not a database");
  refuse_file("SQLite format 3", 16, "is not a database");
}

static void a_directory_in_its_place_is_refused(void **state)
{
  (void)state;
  char *directory = directory_make();
  CLEANUP_FREE char *path = path_in(directory, "assay.db");
  mkdir(path, 0700);
  assert_refused(directory, "is not a database", "move both away");
  release(directory);
}

/* Runs `sql` on the database as another program would. */
static void tamper(const char *directory, const char *sql)
{
  CLEANUP_FREE char *path = path_in(directory, "assay.db");
  sqlite3 *handle = 0;
  assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
  assert_int_equal(sqlite3_exec(handle, sql, 0, 0, 0), SQLITE_OK);
  assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void a_database_of_another_program_is_refused(void **state)
{
  (void)state;
  char *directory = directory_make();
  tamper(directory, "CREATE TABLE t(x)");
  assert_refused(directory, "another program", "move both away");
  release(directory);
}

static void a_newer_database_is_refused(void **state)
{
  (void)state;
  char *directory = left_behind(false);
  tamper(directory, "PRAGMA user_version = 99");
  assert_refused(directory, "newer version", "start the newer version");
  release(directory);
}

static void a_newer_version_that_is_only_in_the_log_is_seen(void **state)
{
  (void)state;
  char *directory = left_behind(false);
  CLEANUP_FREE char *path = path_in(directory, "assay.db");
  sqlite3 *handle = 0;
  assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
  assert_int_equal(sqlite3_exec(handle, "PRAGMA user_version = 99", 0, 0, 0), SQLITE_OK);
  char *copy = directory_make();
  copy_directory(directory, copy);
  sqlite3_close(handle);
  CLEANUP_FREE char *shared = path_in(copy, "assay.db-shm");
  unlink(shared); /* of the other connection */
  assert_refused(copy, "newer version", "start the newer version");
  release(copy);
  release(directory);
}

/* Zeroes the second page, which is the root of the first table. */
static void refuse_damage(bool crashed)
{
  char *directory = left_behind(crashed);
  CLEANUP_FREE char *path = path_in(directory, "assay.db");
  static const char zeros[4096];
  overwrite(path, 4096, zeros, sizeof zeros);
  CLEANUP_FREE char *log = path_in(directory, "assay.db-wal");
  if (crashed)
    assert_int_equal(truncate(log, 3000), 0); /* without the frames that would cover it */
  assert_refused(directory, "is damaged", "put back a good copy");
  release(directory);
}

static void a_damaged_page_is_refused(void **state)
{
  (void)state;
  refuse_damage(false);
}

static void a_damaged_page_beside_a_log_is_refused(void **state)
{
  (void)state;
  refuse_damage(true);
}

static void a_truncated_database_is_refused(void **state)
{
  (void)state;
  char *directory = left_behind(false);
  CLEANUP_FREE char *path = path_in(directory, "assay.db");
  assert_int_equal(truncate(path, size_of(path) / 2 / 4096 * 4096), 0);
  assert_refused(directory, "is damaged", "put back a good copy");
  release(directory);
}

static void a_log_that_is_none_is_refused(void **state)
{
  (void)state;
  char *directory = left_behind(true);
  CLEANUP_FREE char *log = path_in(directory, "assay.db-wal");
  overwrite(log, 0, "nonsense", 8);
  assert_refused(directory, "is not a write-ahead log", "put back a good copy");
  release(directory);
}

/* What a crash may leave is not damage. */
static void assert_opens(char *directory)
{
  struct fixture fixture = {.wake_fd = -1};
  fixture_open(&fixture, directory);
  fixture_close(&fixture);
  release(directory);
}

static void a_truncated_log_is_recovered(void **state)
{
  (void)state;
  for (int part = 0; part < 8; part++) {
    char *directory = left_behind(true);
    CLEANUP_FREE char *log = path_in(directory, "assay.db-wal");
    assert_int_equal(truncate(log, size_of(log) * part / 8 + part), 0);
    assert_opens(directory);
  }
}

static void a_log_of_zeros_is_an_empty_one(void **state)
{
  (void)state;
  char *directory = left_behind(false);
  CLEANUP_FREE char *log = path_in(directory, "assay.db-wal");
  static const char zeros[4152];
  overwrite(log, 0, zeros, sizeof zeros);
  assert_opens(directory);
}

static void a_half_made_database_is_made_anew(void **state)
{
  (void)state;
  char *directory = directory_make();
  CLEANUP_FREE char *left = path_in(directory, "assay.db.new");
  overwrite(left, 0, "SQLite format 3", 16);
  assert_opens(directory);
}

static void a_database_that_another_process_uses_is_refused(void **state)
{
  (void)state;
  char *directory = left_behind(false);
  CLEANUP_FREE char *path = path_in(directory, "assay.db");
  int ready[2], end[2];
  assert_int_equal(pipe(ready) | pipe(end), 0);
  pid_t child = fork(); /* POSIX locks are a process's own */
  if (child == 0) {
    sqlite3 *handle = 0;
    sqlite3_open(path, &handle);
    int done = sqlite3_exec(handle, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE", 0, 0, 0);
    char byte = 0;
    if (done == SQLITE_OK && write(ready[1], &byte, 1) == 1)
      done = (int)read(end[0], &byte, 1);
    _exit(done);
  }
  char byte;
  close(ready[1]);
  assert_int_equal(read(ready[0], &byte, 1), 1);
  struct error error = {0};
  assert_null(store_open(&(struct store_config){.state_dir = directory}, &error));
  assert_non_null(strstr(error.message, "locked"));
  assert_int_equal(write(end[1], &byte, 1), 1);
  assert_int_equal(waitpid(child, 0, 0), child);
  close(ready[0]), close(end[0]), close(end[1]);
  release(directory);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_empty_file_is_not_taken_for_a_new_database),
    cmocka_unit_test(a_file_that_is_no_database_is_refused),
    cmocka_unit_test(a_directory_in_its_place_is_refused),
    cmocka_unit_test(a_database_of_another_program_is_refused),
    cmocka_unit_test(a_newer_database_is_refused),
    cmocka_unit_test(a_newer_version_that_is_only_in_the_log_is_seen),
    cmocka_unit_test(a_damaged_page_is_refused),
    cmocka_unit_test(a_damaged_page_beside_a_log_is_refused),
    cmocka_unit_test(a_truncated_database_is_refused),
    cmocka_unit_test(a_log_that_is_none_is_refused),
    cmocka_unit_test(a_truncated_log_is_recovered),
    cmocka_unit_test(a_log_of_zeros_is_an_empty_one),
    cmocka_unit_test(a_half_made_database_is_made_anew),
    cmocka_unit_test(a_database_that_another_process_uses_is_refused),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
