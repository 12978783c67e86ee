/* Outputs: byte-exact, in the database or in files, and durable with their verdict. */

#include "support.h"

#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct blob *pattern(size_t size)
{
  struct blob *blob = blob_create(0, size);
  for (size_t i = 0; i < size; i++)
    blob->data[i] = (unsigned char)(i * 31 + i / 251);
  return blob;
}

static void write_pattern(const char *path, size_t size)
{
  CLEANUP_BLOB struct blob *bytes = pattern(size);
  CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && fd_write_all(fd, bytes->data, bytes->size));
}

static void assert_pattern(const char *path, size_t size)
{
  CLEANUP_BLOB struct blob *expected = pattern(size), *found = file_read(AT_FDCWD, path, MIB(64), 0);
  assert_non_null(found);
  assert_int_equal(found->size, size);
  assert_memory_equal(found->data, expected->data, size);
}

/* An evaluation accepted and ended, with an empty set of outputs. */
static struct evaluation *ended(struct fixture *fixture)
{
  struct evaluation *evaluation = evaluation_make(1);
  accept_now(fixture, evaluation);
  evaluation_end(evaluation, VERDICT_FAILED);
  evaluation->outputs = outputs_create();
  return evaluation;
}

static void bytes_in_the_database_come_back_as_they_were(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = ended(fixture);
  CLEANUP_BLOB struct blob *bytes = pattern(OUTPUT_IN_DATABASE_BYTES_MAX);
  evaluation_print(evaluation, STREAM_STDOUT, bytes->data, bytes->size);
  evaluation_print(evaluation, STREAM_STDERR, "\xff\0\n", 3);
  evaluation_print(evaluation, STREAM_COMPILE, "warning", 7);
  evaluation->outputs->order = blob_create("\1\3\0\0\0", 5);
  finish_now(fixture, evaluation);

  struct fixture *after = fixture_crash(fixture);
  struct evaluation *found = get_now(after, evaluation->id);
  assert_same_evaluation(evaluation, found);
  for (int i = 0; i < STREAM_COUNT; i++)
    assert_null(found->outputs->stream[i].path);
  assert_int_equal(found->outputs->order->size, 5);
  assert_memory_equal(found->outputs->order->data, "\1\3\0\0\0", 5);
  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void empty_streams_come_back_empty(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = ended(fixture);
  evaluation_print(evaluation, STREAM_STDOUT, "", 0);
  finish_now(fixture, evaluation);
  struct evaluation *found = get_now(fixture, evaluation->id);
  assert_non_null(found->outputs);
  for (int i = 0; i < STREAM_COUNT; i++) {
    assert_int_equal(found->outputs->stream[i].bytes, 0);
    assert_null(found->outputs->stream[i].data);
    assert_null(found->outputs->stream[i].path);
  }
  assert_null(found->outputs->order);
  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

static void what_was_omitted_is_counted_also_where_nothing_was_kept(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = ended(fixture);
  evaluation->outputs->stream[STREAM_STDOUT] = (struct stream_output){.bytes = 5000000000, .omitted_bytes = 5000000000};
  finish_now(fixture, evaluation);
  struct evaluation *found = get_now(fixture, evaluation->id);
  assert_same_evaluation(evaluation, found);
  assert_null(found->outputs->stream[STREAM_STDOUT].path);
  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

enum { LARGE = 3000000 };

static void finish_with_file(struct fixture *fixture, struct evaluation *evaluation, const char *source)
{
  struct stream_output *stream = &evaluation->outputs->stream[STREAM_STDERR];
  *stream = (struct stream_output){.bytes = LARGE, .head_bytes = LARGE, .path = xstrdup(source)};
  assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
}

static void a_file_is_kept_beside_the_database_and_its_source_stays(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = ended(fixture);
  CLEANUP_FREE char *source = path_in(fixture->directory, "stderr");
  write_pattern(source, LARGE);
  finish_with_file(fixture, evaluation, source);
  assert_pattern(source, LARGE);

  struct fixture *after = fixture_crash(fixture);
  struct evaluation *found = get_now(after, evaluation->id);
  const struct stream_output *stream = &found->outputs->stream[STREAM_STDERR];
  assert_null(stream->data);
  assert_int_equal(strncmp(stream->path, after->directory, strlen(after->directory)), 0);
  assert_pattern(stream->path, LARGE);
  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void a_file_on_another_file_system_is_copied(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  char source[] = "/dev/shm/assay-store-XXXXXX";
  struct stat here, there;
  CLEANUP_FD int fd = mkstemp(source);
  if (fd < 0 || stat(fixture->directory, &here) < 0 || stat(source, &there) < 0 || here.st_dev == there.st_dev) {
    unlink(source);
    fixture_destroy(fixture);
    skip();
  }
  write_pattern(source, LARGE);
  struct evaluation *evaluation = ended(fixture);
  finish_with_file(fixture, evaluation, source);
  unlink(source);
  struct evaluation *found = get_now(fixture, evaluation->id);
  assert_pattern(found->outputs->stream[STREAM_STDERR].path, LARGE);
  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

static void a_file_left_by_a_daemon_that_died_before_its_commit_is_replaced(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = ended(fixture);
  CLEANUP_FREE char *left = xasprintf("%s/outputs/%s.stderr", fixture->directory, evaluation->id);
  write_pattern(left, 17);
  CLEANUP_FREE char *source = path_in(fixture->directory, "stderr");
  write_pattern(source, LARGE);
  finish_with_file(fixture, evaluation, source);
  assert_pattern(left, LARGE);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

static unsigned entries_in(const char *path)
{
  DIR *directory = opendir(path);
  assert_non_null(directory);
  unsigned count = 0;
  for (const struct dirent *entry; (entry = readdir(directory));)
    count += entry->d_name[0] != '.';
  closedir(directory);
  return count;
}

static void what_no_verdict_names_is_swept_at_the_next_start_and_nothing_else(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *open = evaluation_make(2), *finished = ended(fixture);
  CLEANUP_FREE char *source = path_in(fixture->directory, "stderr");
  write_pattern(source, LARGE);
  finish_with_file(fixture, finished, source);
  accept_now(fixture, open);
  CLEANUP_FREE char *linked = xasprintf("%s/outputs/%s.stdout", fixture->directory, open->id);
  CLEANUP_FREE char *half_copied = xasprintf("%s/outputs/%s.compile.new", fixture->directory, open->id);
  write_pattern(linked, 17);
  write_pattern(half_copied, 17);

  struct fixture *after = fixture_crash(fixture);
  CLEANUP_FREE char *directory = path_in(after->directory, "outputs");
  CLEANUP_FREE char *kept = xasprintf("%s/%s.stderr", directory, finished->id);
  assert_pattern(kept, LARGE);
  assert_int_equal(entries_in(directory), 1);
  evaluation_destroy(open);
  evaluation_destroy(finished);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void a_stream_too_large_for_the_database_becomes_a_file(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = ended(fixture);
  CLEANUP_BLOB struct blob *bytes = pattern(OUTPUT_IN_DATABASE_BYTES_MAX + 1);
  evaluation_print(evaluation, STREAM_STDOUT, bytes->data, bytes->size);
  assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
  struct evaluation *found = get_now(fixture, evaluation->id);
  assert_null(found->outputs->stream[STREAM_STDOUT].data);
  assert_pattern(found->outputs->stream[STREAM_STDOUT].path, bytes->size);
  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

static void an_output_that_cannot_be_kept_makes_no_verdict(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = ended(fixture);
  evaluation->outputs->stream[STREAM_STDOUT] =
    (struct stream_output){.bytes = 9, .path = xstrdup("/nonexistent/stdout")};
  assert_int_equal(finish_now(fixture, evaluation), STORE_FAILED);
  assert_int_equal(fixture->failures, 1);
  assert_non_null(strstr(fixture->failure, "/nonexistent/stdout"));
  struct fixture *after = fixture_crash(fixture);
  assert_int_equal(store_known(after->store, evaluation->id), STORE_OPEN);
  evaluation_destroy(evaluation);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytes_in_the_database_come_back_as_they_were),
    cmocka_unit_test(empty_streams_come_back_empty),
    cmocka_unit_test(what_was_omitted_is_counted_also_where_nothing_was_kept),
    cmocka_unit_test(a_file_is_kept_beside_the_database_and_its_source_stays),
    cmocka_unit_test(a_file_on_another_file_system_is_copied),
    cmocka_unit_test(a_file_left_by_a_daemon_that_died_before_its_commit_is_replaced),
    cmocka_unit_test(what_no_verdict_names_is_swept_at_the_next_start_and_nothing_else),
    cmocka_unit_test(a_stream_too_large_for_the_database_becomes_a_file),
    cmocka_unit_test(an_output_that_cannot_be_kept_makes_no_verdict),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
