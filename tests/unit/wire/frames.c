#include "wire/frames.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a decoder told, as text: "start@0 stdout@1+0:abc gap@2:1 repeated@0 damaged foreign:words". */
struct told {
  struct frames_decoder decoder;
  struct buffer text;
  bool refuse;
};

static const char *const words[] = {"stdout", "stderr", "compile", "order", "start", "record", "failure"};

static bool tell(void *context, const struct frames_event *event)
{
  struct told *told = context;
  const struct frame *frame = &event->frame;
  if (told->refuse)
    return false;
  switch (event->type) {
  case FRAMES_GAP:
    buffer_printf(&told->text, "gap@%d:%d ", (int)frame->number, (int)event->missing);
    break;
  case FRAMES_DAMAGED:
    buffer_puts(&told->text, "damaged ");
    break;
  case FRAMES_FOREIGN:
    buffer_printf(&told->text, "foreign:%.*s ", (int)event->text_size, event->text);
    break;
  default:
    buffer_printf(&told->text, "%s%s@%d+%d:%.*s ", event->type == FRAMES_REPEATED ? "repeated-" : "",
                  words[frame->kind], (int)frame->number, (int)frame->position, (int)frame->size,
                  frame->size ? (const char *)frame->data : "");
  }
  return true;
}

static void put(struct buffer *log, uint64_t number, enum frame_kind kind, uint64_t position, const char *text)
{
  const struct frame frame = {
    .kind = kind, .number = number, .at.ms = 1700000000000, .position = position, .data = text, .size = strlen(text)};
  frame_encode(&frame, log);
}

static void expect(const struct buffer *log, size_t cut, const char *expected)
{
  struct told told = {0};
  assert_true(frames_decode(&told.decoder, log->data, cut, tell, &told));
  assert_true(frames_decode(&told.decoder, log->data + cut, log->size - cut, tell, &told));
  assert_true(frames_end(&told.decoder, tell, &told));
  assert_string_equal(told.text.size ? told.text.data : "", expected);
  frames_decoder_release(&told.decoder);
  buffer_release(&told.text);
}

static void frames_survive_the_round_trip_at_every_cut(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer log = {0};
  put(&log, 0, FRAME_START, 0, "s");
  put(&log, 1, FRAME_STDOUT, 0, "ab");
  put(&log, 2, FRAME_STDERR, 7, "cde\n");
  put(&log, 3, FRAME_RECORD, 0, "");
  for (size_t cut = 0; cut <= log.size; cut++)
    expect(&log, cut, "start@0+0:s stdout@1+0:ab stderr@2+7:cde\n record@3+0: ");
}

static void a_frame_as_large_as_can_be_is_a_line_that_no_manager_splits(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer log = {0};
  CLEANUP_BLOB struct blob *bytes = blob_create(0, FRAME_DATA_BYTES_MAX);
  struct told told = {0};
  frame_encode(&(struct frame){.kind = FRAME_COMPILE,
                               .number = UINT64_MAX - 1,
                               .at.ms = INT64_MAX,
                               .position = INT64_MAX,
                               .data = bytes->data,
                               .size = bytes->size},
               &log);
  assert_true(log.size < 16384);
  frames_restart(&told.decoder, UINT64_MAX - 1);
  assert_true(frames_decode(&told.decoder, log.data, log.size, tell, &told));
  assert_non_null(strstr(told.text.data, "compile@"));
  frames_decoder_release(&told.decoder);
  buffer_release(&told.text);
}

static void every_changed_byte_is_noticed(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer log = {0};
  put(&log, 0, FRAME_STDOUT, 3, "abcdef");
  for (size_t i = 0; i + 1 < log.size; i++) {
    struct told told = {0};
    log.data[i] ^= 1;
    assert_true(frames_decode(&told.decoder, log.data, log.size, tell, &told));
    assert_true(!strncmp(told.text.data, "damaged", 7) || !strncmp(told.text.data, "foreign", 7));
    log.data[i] ^= 1;
    frames_decoder_release(&told.decoder);
    buffer_release(&told.text);
  }
}

static void what_is_missing_is_told_before_what_follows(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer log = {0};
  put(&log, 2, FRAME_STDOUT, 9, "x");
  put(&log, 3, FRAME_STDOUT, 10, "y");
  put(&log, 7, FRAME_RECORD, 0, "r");
  expect(&log, 0, "gap@0:2 stdout@2+9:x stdout@3+10:y gap@4:3 record@7+0:r ");
}

static void what_comes_twice_is_told_as_such(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer log = {0};
  put(&log, 0, FRAME_START, 0, "s");
  put(&log, 1, FRAME_STDOUT, 0, "a");
  put(&log, 0, FRAME_START, 0, "s");
  put(&log, 2, FRAME_STDOUT, 1, "b");
  expect(&log, 0, "start@0+0:s stdout@1+0:a repeated-start@0+0:s stdout@2+1:b ");
}

static void a_line_cut_off_is_damage_and_the_next_is_read(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer log = {0}, cut = {0};
  put(&log, 0, FRAME_STDOUT, 0, "abc");
  buffer_append(&cut, log.data, log.size / 2);
  buffer_puts(&cut, "\n");
  buffer_append(&cut, log.data, log.size);
  buffer_append(&cut, log.data, log.size / 2);
  expect(&cut, 0, "damaged stdout@0+0:abc damaged ");
}

static void an_error_text_in_the_place_of_a_log_is_none_of_our_lines(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer log = {0};
  buffer_puts(&log, "failed to try resolving symlinks in path: no such file\nassay2 0\n");
  expect(&log, 5, "foreign:failed to try resolving symlinks in path: no such file foreign:assay2 0 ");
}

static void a_line_without_end_takes_no_more_room_than_a_frame(void **state)
{
  (void)state;
  struct told told = {0};
  char piece[4096];
  memset(piece, 'x', sizeof piece);
  memcpy(piece, "assay1 ", 7);
  for (int i = 0; i < 100; i++)
    assert_true(frames_decode(&told.decoder, piece, sizeof piece, tell, &told));
  assert_true(told.decoder.line.size <= FRAME_LINE_BYTES_MAX);
  assert_true(frames_decode(&told.decoder, "\n", 1, tell, &told));
  assert_string_equal(told.text.data, "damaged ");
  frames_decoder_release(&told.decoder);
  buffer_release(&told.text);
}

static void who_cannot_take_a_frame_is_given_it_again(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer log = {0};
  struct told told = {.refuse = true};
  put(&log, 0, FRAME_STDOUT, 0, "abc");
  assert_false(frames_decode(&told.decoder, log.data, log.size, tell, &told));
  assert_int_equal(told.decoder.next, 0);
  told.refuse = false;
  frames_restart(&told.decoder, told.decoder.next);
  assert_true(frames_decode(&told.decoder, log.data, log.size, tell, &told));
  assert_string_equal(told.text.data, "stdout@0+0:abc ");
  frames_decoder_release(&told.decoder);
  buffer_release(&told.text);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(frames_survive_the_round_trip_at_every_cut),
    cmocka_unit_test(a_frame_as_large_as_can_be_is_a_line_that_no_manager_splits),
    cmocka_unit_test(every_changed_byte_is_noticed),
    cmocka_unit_test(what_is_missing_is_told_before_what_follows),
    cmocka_unit_test(what_comes_twice_is_told_as_such),
    cmocka_unit_test(a_line_cut_off_is_damage_and_the_next_is_read),
    cmocka_unit_test(an_error_text_in_the_place_of_a_log_is_none_of_our_lines),
    cmocka_unit_test(a_line_without_end_takes_no_more_room_than_a_frame),
    cmocka_unit_test(who_cannot_take_a_frame_is_given_it_again),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
