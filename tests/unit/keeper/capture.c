#include "keeper/capture.h"

#include "base/fd.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A capture of two pipes whose writing ends the test holds, into a directory of its own. */
struct fixture {
  char path[64];
  int directory;
  int writer[STREAM_COUNT];
  struct capture capture;
  struct record record;
};

static void open_stream(struct fixture *fixture, enum stream stream)
{
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  fixture->writer[stream] = ends[1];
  capture_attach(&fixture->capture, stream, ends[0]);
}

static struct fixture *fixture_create(uint64_t limit)
{
  struct fixture *fixture = aligned_alloc(64, (sizeof *fixture + 63) / 64 * 64); /* XXH3's state is aligned so */
  memset(fixture, 0, sizeof *fixture);
  strcpy(fixture->path, "/tmp/assay-capture-XXXXXX");
  assert_non_null(mkdtemp(fixture->path));
  fixture->directory = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  fixture->record.step = STEP_RUN;
  capture_init(&fixture->capture, fixture->directory, limit);
  open_stream(fixture, STREAM_STDOUT);
  open_stream(fixture, STREAM_STDERR);
  fixture->writer[STREAM_COMPILE] = -1;
  return fixture;
}

static void fixture_destroy(struct fixture *fixture)
{
  static const char *const files[] = {"stdout", "stderr", "compile", "order", "ring"};
  capture_release(&fixture->capture);
  for (int i = 0; i < STREAM_COUNT; i++)
    fd_close(fixture->writer[i]);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    unlinkat(fixture->directory, files[i], 0);
  fd_close(fixture->directory);
  assert_int_equal(rmdir(fixture->path), 0);
  free(fixture);
}

static void put(struct fixture *fixture, enum stream stream, const char *text, size_t size)
{
  assert_true(fd_write_all(fixture->writer[stream], text, size));
}

static void finish(struct fixture *fixture)
{
  assert_true(capture_drain(&fixture->capture));
  capture_finish(&fixture->capture, &fixture->record);
}

static struct blob *file_of(struct fixture *fixture, const char *name)
{
  return file_read(fixture->directory, name, MIB(64), 0);
}

static void assert_file(struct fixture *fixture, const char *name, const void *expected, size_t size)
{
  CLEANUP_BLOB struct blob *found = file_of(fixture, name);
  assert_non_null(found);
  assert_int_equal(found->size, size);
  assert_memory_equal(found->data, expected, size);
}

static bool file_is_there(struct fixture *fixture, const char *name)
{
  return faccessat(fixture->directory, name, F_OK, 0) == 0;
}

/* What is to be kept of these bytes: by the definition in wire/record.h, not by how the ring turns. */
static size_t kept(const char *data, size_t size, size_t limit, char *ret)
{
  if (size <= limit) {
    memcpy(ret, data, size);
    return size;
  }
  size_t head = (limit + 1) / 2;
  memcpy(ret, data, head);
  memcpy(ret + head, data + size - (limit - head), limit - head);
  return limit;
}

static void a_stream_that_nobody_wrote_has_no_file(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(100);
  finish(fixture);
  assert_false(file_is_there(fixture, "stdout"));
  assert_false(file_is_there(fixture, "order"));
  assert_int_equal(fixture->record.stream[STREAM_STDOUT].bytes, 0);
  assert_int_equal(fixture->record.stream[STREAM_STDOUT].digest, digest_bytes("", 0));
  fixture_destroy(fixture);
}

/* Limits and sizes around every edge, written in pieces of every kind. */
static void head_and_tail_are_kept_whatever_the_pieces(void **state)
{
  (void)state;
  static const size_t limits[] = {1, 2, 3, 7, 8, 64, 101}, pieces[] = {1, 2, 5, 50, 333};
  char data[400], expected[400];
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (char)(i * 7 + i / 256);
  for (size_t l = 0; l < sizeof limits / sizeof *limits; l++)
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)
      for (size_t size = 1; size < sizeof data; size += size < 20 ? 1 : 37) {
        struct fixture *fixture = fixture_create(limits[l]);
        for (size_t done = 0; done < size; done += pieces[p]) {
          put(fixture, STREAM_STDOUT, data + done, pieces[p] < size - done ? pieces[p] : size - done);
          capture_drain(&fixture->capture);
        }
        finish(fixture);
        assert_file(fixture, "stdout", expected, kept(data, size, limits[l], expected));
        const struct stream_record *record = &fixture->record.stream[STREAM_STDOUT];
        assert_int_equal(record->bytes, size);
        assert_int_equal(record->omitted_bytes, size > limits[l] ? size - limits[l] : 0);
        assert_int_equal(record->digest, digest_bytes(data, size));
        fixture_destroy(fixture);
      }
}

/* Larger than what the keeper reads at a time, and turned by no round number. */
static void a_long_tail_is_put_in_order(void **state)
{
  (void)state;
  enum { LIMIT = 700001, SIZE = 2345678, PIECE = 60001 };
  CLEANUP_FREE char *data = xmalloc(SIZE), *expected = xmalloc(LIMIT);
  for (size_t i = 0; i < SIZE; i++)
    data[i] = (char)(i * 2654435761u >> 13);
  struct fixture *fixture = fixture_create(LIMIT);
  for (size_t done = 0, piece; done < SIZE; done += piece) {
    piece = SIZE - done < PIECE ? SIZE - done : PIECE;
    put(fixture, STREAM_STDOUT, data + done, piece);
    assert_true(capture_drain(&fixture->capture));
  }
  finish(fixture);
  assert_file(fixture, "stdout", expected, kept(data, SIZE, LIMIT, expected));
  fixture_destroy(fixture);
}

static void a_limit_of_nothing_keeps_nothing_and_counts(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(0);
  put(fixture, STREAM_STDOUT, "hello", 5);
  finish(fixture);
  assert_false(file_is_there(fixture, "stdout"));
  assert_int_equal(fixture->record.stream[STREAM_STDOUT].omitted_bytes, 5);
  assert_int_equal(fixture->record.evidence_errno, 0);
  fixture_destroy(fixture);
}

/* What a reader finds after the keeper was killed: the ring as it stood, and counters to turn it by. */
static void the_ring_file_tells_how_far_it_has_turned(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(10);
  put(fixture, STREAM_STDERR, "0123456789", 10);
  capture_drain(&fixture->capture);
  assert_false(file_is_there(fixture, "ring"));
  put(fixture, STREAM_STDERR, "abc", 3);
  capture_drain(&fixture->capture);
  CLEANUP_BLOB struct blob *ring = file_of(fixture, "ring");
  assert_non_null(ring);
  struct ring_counters counters;
  assert_int_equal(ring->size, sizeof counters);
  memcpy(&counters, ring->data, sizeof counters);
  assert_int_equal(counters.magic, RING_MAGIC);
  assert_int_equal(counters.stream[STREAM_STDERR].limit, 10);
  assert_int_equal(counters.stream[STREAM_STDERR].bytes, 13);
  assert_int_equal(counters.stream[STREAM_STDOUT].limit, 0);
  assert_file(fixture, "stderr", "01234abc89", 10);
  fixture_destroy(fixture);
}

static void what_lies_in_both_pipes_was_written_to_stderr_first(void **state)
{
  (void)state;
  static const unsigned char order[] = {1, 3, 0, 0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0};
  struct fixture *fixture = fixture_create(100);
  put(fixture, STREAM_STDOUT, "oo", 2);
  put(fixture, STREAM_STDERR, "eee", 3);
  capture_drain(&fixture->capture);
  put(fixture, STREAM_STDERR, "E", 1);
  finish(fixture);
  assert_file(fixture, "order", order, sizeof order);
  fixture_destroy(fixture);
}

static void writes_to_one_stream_are_one_run(void **state)
{
  (void)state;
  static const unsigned char order[] = {0, 4, 0, 0, 0, 1, 2, 0, 0, 0};
  struct fixture *fixture = fixture_create(2); /* a run counts what was written, kept or not */
  for (int i = 0; i < 4; i++) {
    put(fixture, STREAM_STDOUT, "x", 1);
    capture_drain(&fixture->capture);
  }
  assert_false(file_is_there(fixture, "order"));
  put(fixture, STREAM_STDERR, "yy", 2);
  finish(fixture);
  assert_file(fixture, "order", order, sizeof order);
  fixture_destroy(fixture);
}

static void an_order_with_too_many_runs_is_cut_and_says_so(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(1 << 20);
  for (int i = 0; i < ORDER_RUNS_MAX / 2 + 2; i++) {
    put(fixture, STREAM_STDOUT, "o", 1);
    capture_drain(&fixture->capture);
    put(fixture, STREAM_STDERR, "e", 1);
    capture_drain(&fixture->capture);
  }
  finish(fixture);
  CLEANUP_BLOB struct blob *order = file_of(fixture, "order");
  assert_int_equal(order->size, ORDER_RUNS_MAX * 5);
  assert_true(fixture->record.order_cut);
  assert_int_equal(fixture->record.stream[STREAM_STDOUT].bytes, ORDER_RUNS_MAX / 2 + 2);
  fixture_destroy(fixture);
}

static void output_of_a_failed_compilation_becomes_the_error_output(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(100);
  open_stream(fixture, STREAM_COMPILE);
  put(fixture, STREAM_COMPILE, "error: no", 9);
  fixture->record.step = STEP_COMPILE;
  finish(fixture);
  assert_file(fixture, "stderr", "error: no", 9);
  assert_false(file_is_there(fixture, "compile"));
  assert_int_equal(fixture->record.stream[STREAM_STDERR].bytes, 9);
  assert_int_equal(fixture->record.stream[STREAM_STDERR].digest, digest_bytes("error: no", 9));
  assert_int_equal(fixture->record.stream[STREAM_COMPILE].bytes, 0);
  assert_false(file_is_there(fixture, "order"));
  fixture_destroy(fixture);
}

static void a_pipe_handed_over_belongs_to_the_other_stream(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(100);
  open_stream(fixture, STREAM_COMPILE);
  put(fixture, STREAM_COMPILE, "note", 4);
  capture_drain(&fixture->capture);
  fd_close(fixture->capture.stream[STREAM_STDERR].pipe);
  capture_hand_over(&fixture->capture, STREAM_COMPILE, STREAM_STDERR);
  put(fixture, STREAM_COMPILE, "error", 5);
  finish(fixture);
  assert_file(fixture, "compile", "note", 4);
  assert_file(fixture, "stderr", "error", 5);
  fixture_destroy(fixture);
}

static void an_output_that_cannot_be_saved_is_counted_and_told(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(100);
  fd_close(fixture->capture.directory);
  fixture->capture.directory = -1; /* every file that it would make fails with EBADF */
  fixture->directory = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  put(fixture, STREAM_STDOUT, "lost", 4);
  finish(fixture);
  assert_int_equal(fixture->record.evidence_errno, EBADF);
  assert_int_equal(fixture->record.stream[STREAM_STDOUT].bytes, 4);
  fixture_destroy(fixture);
}

/* As on a full disk: a write is short, the next one fails. */
static void an_output_cut_short_is_counted_whole_and_told(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(100);
  struct rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  put(fixture, STREAM_STDOUT, "0123456789", 10);
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){8, before.rlim_max});
  capture_drain(&fixture->capture);
  setrlimit(RLIMIT_FSIZE, &before);
  put(fixture, STREAM_STDOUT, "more", 4);
  finish(fixture);
  assert_int_equal(fixture->record.evidence_errno, EFBIG);
  assert_int_equal(fixture->record.stream[STREAM_STDOUT].bytes, 14);
  assert_int_equal(fixture->record.stream[STREAM_STDOUT].digest, digest_bytes("0123456789more", 14));
  assert_file(fixture, "stdout", "01234567", 8); /* and nothing behind the gap */
  fixture_destroy(fixture);
}

static void beside_an_output_cut_short_a_ring_is_left_to_its_counters(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(10);
  struct rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  put(fixture, STREAM_STDOUT, "0123456789abc", 13);
  capture_drain(&fixture->capture);
  put(fixture, STREAM_STDERR, "error", 5);
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){4, before.rlim_max});
  capture_drain(&fixture->capture);
  setrlimit(RLIMIT_FSIZE, &before);
  finish(fixture);
  assert_int_equal(fixture->record.evidence_errno, EFBIG);
  assert_file(fixture, "stdout", "01234abc89", 10);
  assert_file(fixture, "stderr", "erro", 4);
  fixture_destroy(fixture);
}

static void a_closed_pipe_is_no_longer_open(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(100);
  assert_true(capture_is_open(&fixture->capture, STREAM_STDOUT));
  put(fixture, STREAM_STDOUT, "x", 1);
  fd_close(fixture->writer[STREAM_STDOUT]);
  fixture->writer[STREAM_STDOUT] = -1;
  finish(fixture);
  assert_false(capture_is_open(&fixture->capture, STREAM_STDOUT));
  assert_true(capture_is_open(&fixture->capture, STREAM_STDERR));
  fixture_destroy(fixture);
}

static void packet_mode_does_not_hide_what_is_left_in_a_pipe(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create(100);
  assert_int_equal(fcntl(fixture->writer[STREAM_STDOUT], F_SETFL, O_DIRECT), 0);
  for (int i = 0; i < 5; i++)
    put(fixture, STREAM_STDOUT, "ab", 2);
  finish(fixture);
  assert_file(fixture, "stdout", "ababababab", 10);
  fixture_destroy(fixture);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_stream_that_nobody_wrote_has_no_file),
    cmocka_unit_test(head_and_tail_are_kept_whatever_the_pieces),
    cmocka_unit_test(a_long_tail_is_put_in_order),
    cmocka_unit_test(a_limit_of_nothing_keeps_nothing_and_counts),
    cmocka_unit_test(the_ring_file_tells_how_far_it_has_turned),
    cmocka_unit_test(what_lies_in_both_pipes_was_written_to_stderr_first),
    cmocka_unit_test(writes_to_one_stream_are_one_run),
    cmocka_unit_test(an_order_with_too_many_runs_is_cut_and_says_so),
    cmocka_unit_test(output_of_a_failed_compilation_becomes_the_error_output),
    cmocka_unit_test(a_pipe_handed_over_belongs_to_the_other_stream),
    cmocka_unit_test(an_output_that_cannot_be_saved_is_counted_and_told),
    cmocka_unit_test(an_output_cut_short_is_counted_whole_and_told),
    cmocka_unit_test(beside_an_output_cut_short_a_ring_is_left_to_its_counters),
    cmocka_unit_test(a_closed_pipe_is_no_longer_open),
    cmocka_unit_test(packet_mode_does_not_hide_what_is_left_in_a_pipe),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
