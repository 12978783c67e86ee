#include "keeper/log_writer.h"

#include "base/fd.h"
#include "base/memory.h"
#include "wire/pod.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A capture whose pipes the test fills, a log that the test takes, and what a reader makes of it. */
struct scene {
  struct capture capture;
  int writer[STREAM_COUNT], log;
  struct log_writer told;
  struct record record;
  struct frames_decoder decoder;
  struct buffer file[LOG_FILES];
  unsigned frames;
  bool recorded;
};

static struct scene *begin(uint64_t limit)
{
  struct scene *scene = aligned_alloc(64, (sizeof *scene + 63) / 64 * 64); /* XXH3's state is aligned so */
  int ends[2];
  memset(scene, 0, sizeof *scene);
  capture_init(&scene->capture, -1, limit);
  scene->capture.in_memory = true;
  scene->record.step = STEP_RUN;
  for (int i = 0; i < STREAM_COUNT; i++) {
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    scene->writer[i] = ends[1];
    if (i == STREAM_COMPILE)
      close(ends[0]);
    else
      capture_attach(&scene->capture, (enum stream)i, ends[0]);
  }
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  fcntl(ends[1], F_SETPIPE_SZ, 4096);
  scene->log = ends[0];
  log_writer_init(&scene->told, ends[1]);
  return scene;
}

static void end(struct scene *scene)
{
  for (int i = 0; i < STREAM_COUNT; i++)
    close(scene->writer[i]);
  for (int i = 0; i < LOG_FILES; i++)
    buffer_release(&scene->file[i]);
  fd_close(scene->log);
  capture_release(&scene->capture);
  log_writer_release(&scene->told);
  frames_decoder_release(&scene->decoder);
  free(scene);
}

static void put(struct scene *scene, enum stream stream, const char *data, size_t size)
{
  assert_true(fd_write_all(scene->writer[stream], data, size));
  assert_true(capture_drain(&scene->capture));
}

static bool take_frame(void *context, const struct frames_event *event)
{
  struct scene *scene = context;
  assert_int_equal(event->type, FRAMES_FRAME);
  scene->frames++;
  if (event->frame.kind > FRAME_ORDER) {
    scene->recorded |= event->frame.kind == FRAME_RECORD;
    return true;
  }
  struct buffer *file = &scene->file[event->frame.kind];
  assert_int_equal(event->frame.position, file->size);
  buffer_append(file, event->frame.data, event->frame.size);
  return true;
}

/* Takes what is in the log now. */
static bool take(struct scene *scene)
{
  char piece[4096];
  const ssize_t got = read(scene->log, piece, sizeof piece);
  return got > 0 && frames_decode(&scene->decoder, piece, (size_t)got, take_frame, scene);
}

static void finish(struct scene *scene)
{
  capture_finish(&scene->capture, &scene->record);
  log_writer_finish(&scene->told, &scene->capture, &scene->record, "sealed", 6);
  capture_release(&scene->capture);
  do
    log_writer_advance(&scene->told, 0);
  while (take(scene) || !log_writer_is_done(&scene->told));
  assert_true(scene->recorded);
}

static void expect(const struct scene *scene, enum frame_kind kind, const char *text)
{
  assert_int_equal(scene->file[kind].size, strlen(text));
  assert_memory_equal(scene->file[kind].data ? scene->file[kind].data : "", text, strlen(text));
}

static void what_is_written_is_told_in_order_and_then_the_record(void **state)
{
  (void)state;
  struct scene *scene = begin(100);
  put(scene, STREAM_STDOUT, "out", 3);
  put(scene, STREAM_STDERR, "error", 5);
  put(scene, STREAM_STDOUT, "more", 4);
  finish(scene);
  expect(scene, FRAME_STDOUT, "outmore");
  expect(scene, FRAME_STDERR, "error");
  assert_int_equal(scene->file[FRAME_ORDER].size, 15);
  end(scene);
}

static void what_it_told_is_kept_as_long_as_it_is_short(void **state)
{
  (void)state;
  static const char long_text[POD_MESSAGE_BYTES_MAX] = "long";
  struct scene *scene = begin(1 << 20);
  put(scene, STREAM_STDOUT, "out", 3);
  log_writer_advance(&scene->told, &scene->capture);
  assert_null(log_writer_text(&scene->told)); /* there may be more */
  finish(scene);
  const struct buffer *text = log_writer_text(&scene->told);
  struct frames_decoder decoder = {0};
  const unsigned frames = scene->frames;
  scene->frames = 0;
  buffer_clear(&scene->file[FRAME_STDOUT]);
  buffer_clear(&scene->file[FRAME_ORDER]);
  assert_non_null(text);
  assert_true(frames_decode(&decoder, text->data, text->size, take_frame, scene));
  frames_decoder_release(&decoder);
  assert_int_equal(scene->frames, frames);
  expect(scene, FRAME_STDOUT, "out");
  end(scene);
  scene = begin(1 << 20);
  put(scene, STREAM_STDERR, long_text, sizeof long_text);
  finish(scene);
  assert_null(log_writer_text(&scene->told));
  end(scene);
}

static void a_head_is_told_while_it_runs_and_a_tail_at_the_end(void **state)
{
  (void)state;
  struct scene *scene = begin(8);
  put(scene, STREAM_STDOUT, "abcdefghijklmnop", 16);
  log_writer_advance(&scene->told, &scene->capture);
  assert_true(take(scene));
  expect(scene, FRAME_STDOUT, "abcd");
  finish(scene);
  expect(scene, FRAME_STDOUT, "abcdmnop");
  end(scene);
}

static void many_small_pieces_go_together(void **state)
{
  (void)state;
  struct scene *scene = begin(1 << 20);
  for (int i = 0; i < 1000; i++) {
    put(scene, STREAM_STDOUT, "x", 1);
    log_writer_advance(&scene->told, &scene->capture);
    take(scene);
  }
  finish(scene);
  assert_int_equal(scene->file[FRAME_STDOUT].size, 1000);
  assert_true(scene->frames < 500);
  end(scene);
}

static void a_log_that_nobody_takes_makes_nobody_wait_and_nothing_is_lost(void **state)
{
  (void)state;
  struct scene *scene = begin(1 << 20);
  CLEANUP_BLOB struct blob *bytes = blob_create(0, 60000);
  for (int i = 0; i < 10; i++) {
    put(scene, STREAM_STDOUT, (const char *)bytes->data, bytes->size);
    log_writer_advance(&scene->told, &scene->capture);
  }
  assert_true(log_writer_waits(&scene->told));
  assert_true(scene->told.pending.size <= FRAME_LINE_BYTES_MAX);
  finish(scene);
  assert_int_equal(scene->file[FRAME_STDOUT].size, 600000);
  end(scene);
}

static void the_output_of_a_compiler_that_failed_is_the_error_output(void **state)
{
  (void)state;
  struct scene *scene = begin(100);
  capture_hand_over(&scene->capture, STREAM_STDERR, STREAM_COMPILE);
  put(scene, STREAM_STDERR, "bad code", 8);
  log_writer_advance(&scene->told, &scene->capture);
  assert_false(take(scene));
  scene->record.step = STEP_COMPILE;
  finish(scene);
  expect(scene, FRAME_STDERR, "bad code");
  expect(scene, FRAME_COMPILE, "");
  end(scene);
}

static void a_log_that_is_gone_ends_the_telling(void **state)
{
  (void)state;
  struct scene *scene = begin(100);
  signal(SIGPIPE, SIG_IGN);
  close(scene->log);
  scene->log = -1;
  put(scene, STREAM_STDOUT, "out", 3);
  log_writer_advance(&scene->told, &scene->capture);
  assert_true(log_writer_is_done(&scene->told));
  assert_false(log_writer_waits(&scene->told));
  end(scene);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_written_is_told_in_order_and_then_the_record),
    cmocka_unit_test(what_it_told_is_kept_as_long_as_it_is_short),
    cmocka_unit_test(a_head_is_told_while_it_runs_and_a_tail_at_the_end),
    cmocka_unit_test(many_small_pieces_go_together),
    cmocka_unit_test(a_log_that_nobody_takes_makes_nobody_wait_and_nothing_is_lost),
    cmocka_unit_test(the_output_of_a_compiler_that_failed_is_the_error_output),
    cmocka_unit_test(a_log_that_is_gone_ends_the_telling),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
