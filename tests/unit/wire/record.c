#include "wire/record.h"

#include "wire/isolation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct record some_record(void)
{
  return (struct record){
    .step = STEP_RUN,
    .kind = EXIT_CODE,
    .exit_code = 3,
    .killed = KILLED_CPU_TIME,
    .evidence_errno = 28,
    .leftover = true,
    .order_cut = true,
    .started_at = {1795377480123},
    .ended_at = {1795377480456},
    .wall_time_us = 333000,
    .cpu_time_us = 1,
    .memory_peak_bytes = UINT64_MAX,
    .processes_peak = 2,
    .oom_kills = 3,
    .pids_refused = 4,
    .isolation = (1u << ISOLATION_FEATURE_COUNT) - 1,
    .stream = {{10, 5, 111}, {20, 20, 222}, {30, 0, UINT64_MAX}},
    .message = "100 % of it,\nall of it",
  };
}

static void put_end(struct buffer *text)
{
  buffer_printf(text, "end %llu\n", (unsigned long long)digest_bytes(text->data, text->size));
}

/* The lines of some_record() without the end. */
static void put_lines(struct buffer *text)
{
  struct record record = some_record();
  record_encode(&record, text);
  char *end = strstr(text->data, "\nend ");
  assert_non_null(end);
  text->size = (size_t)(end + 1 - text->data);
  *(end + 1) = 0;
}

/* some_record() with the line that starts with `key` replaced by `line` ("": dropped), and with an end that agrees. */
static void put_changed(struct buffer *text, const char *key, const char *line)
{
  CLEANUP_BUFFER struct buffer lines = {0};
  put_lines(&lines);
  size_t key_length = strlen(key);
  bool found = false;
  for (char *next = lines.data; *next;) {
    char *newline = strchr(next, '\n');
    if (!strncmp(next, key, key_length) && next[key_length] == ' ') {
      buffer_puts(text, line);
      found = true;
    } else {
      buffer_append(text, next, (size_t)(newline + 1 - next));
    }
    next = newline + 1;
  }
  assert_true(found);
  put_end(text);
}

static bool decode(const struct buffer *text, struct record *ret, struct error *error)
{
  char *copy = malloc(text->size ? text->size : 1);
  memcpy(copy, text->data, text->size);
  bool decoded = record_decode(copy, text->size, ret, error);
  free(copy);
  return decoded;
}

static void assert_refused(const struct buffer *text, const char *named)
{
  struct error error = {0};
  struct record record = {.exit_code = 12345};
  if (decode(text, &record, &error))
    fail_msg("accepted: %s", text->data);
  assert_int_equal(record.exit_code, 12345);
  assert_int_equal(error.kind, ERROR_INVALID);
  if (!strstr(error.message, named))
    fail_msg("\"%s\" does not name \"%s\"", error.message, named);
}

static void a_record_survives_the_round_trip(void **state)
{
  (void)state;
  struct record record = some_record(), got;
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(&record, &text);
  struct error error = {0};
  assert_true(decode(&text, &got, &error));
  CLEANUP_BUFFER struct buffer again = {0};
  record_encode(&got, &again);
  assert_string_equal(text.data, again.data);
  assert_int_equal(got.step, STEP_RUN);
  assert_int_equal(got.kind, EXIT_CODE);
  assert_int_equal(got.exit_code, 3);
  assert_int_equal(got.killed, KILLED_CPU_TIME);
  assert_int_equal(got.evidence_errno, 28);
  assert_true(got.leftover && got.order_cut);
  assert_int_equal(got.started_at.ms, record.started_at.ms);
  assert_int_equal(got.ended_at.ms, record.ended_at.ms);
  assert_int_equal(got.wall_time_us, 333000);
  assert_int_equal(got.cpu_time_us, 1);
  assert_true(got.memory_peak_bytes == UINT64_MAX);
  assert_int_equal(got.processes_peak, 2);
  assert_int_equal(got.oom_kills, 3);
  assert_int_equal(got.pids_refused, 4);
  assert_int_equal(got.isolation, record.isolation);
  assert_memory_equal(got.stream, record.stream, sizeof got.stream);
  assert_string_equal(got.message, record.message);
}

static void every_word_survives_the_round_trip(void **state)
{
  (void)state;
  for (unsigned step = 0; step < STEP_COUNT; step++)
    for (unsigned kind = 0; kind < EXIT_KINDS; kind++)
      for (unsigned killed = 0; killed < KILL_REASON_COUNT; killed++) {
        struct record record = {.step = step, .kind = kind, .killed = killed, .signal = kind == EXIT_SIGNAL ? 9 : 0};
        struct record got;
        CLEANUP_BUFFER struct buffer text = {0};
        record_encode(&record, &text);
        assert_true(decode(&text, &got, 0));
        assert_memory_equal(&record, &got, sizeof got);
      }
}

static void a_member_that_means_nothing_for_the_kind_is_written_as_zero(void **state)
{
  (void)state;
  struct record record = {.kind = EXIT_SIGNAL, .signal = 11, .exit_code = -1, .exec_errno = -1}, got;
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(&record, &text);
  assert_true(decode(&text, &got, 0));
  assert_int_equal(got.signal, 11);
  assert_int_equal(got.exit_code, 0);
  assert_int_equal(got.exec_errno, 0);
}

static void a_message_stays_on_one_line_and_comes_back_byte_for_byte(void **state)
{
  (void)state;
  struct record record = {.kind = EXIT_NOT_STARTED}, got;
  for (unsigned c = 1; c < REASON_SIZE; c++)
    record.message[c - 1] = (char)c;
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(&record, &text);
  char *message = strstr(text.data, "\nmessage ");
  assert_non_null(message);
  assert_memory_equal(strchr(message + 1, '\n'), "\nend ", 5);
  assert_null(memchr(text.data, '\r', text.size));
  assert_null(memchr(text.data, 0x1b, text.size));
  assert_true(decode(&text, &got, 0));
  assert_memory_equal(got.message, record.message, REASON_SIZE);
}

static void every_missing_line_is_refused_by_name(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer lines = {0};
  put_lines(&lines);
  for (char *next = lines.data; *next; next = strchr(next, '\n') + 1) {
    CLEANUP_FREE char *key = xstrndup(next, strcspn(next, " "));
    CLEANUP_BUFFER struct buffer text = {0};
    put_changed(&text, key, "");
    assert_refused(&text, key);
  }
}

static void every_doubled_line_is_refused(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer lines = {0};
  put_lines(&lines);
  for (char *next = lines.data; *next; next = strchr(next, '\n') + 1) {
    size_t length = strcspn(next, "\n") + 1;
    CLEANUP_FREE char *key = xstrndup(next, strcspn(next, " "));
    CLEANUP_FREE char *twice = xasprintf("%.*s%.*s", (int)length, next, (int)length, next);
    CLEANUP_BUFFER struct buffer text = {0};
    put_changed(&text, key, twice);
    assert_refused(&text, "is missing where it belongs");
  }
}

static void each_value_is_checked(void **state)
{
  (void)state;
  static const struct {
    const char *key, *line, *named;
  } wrong[] = {
    {"record", "record 2\n", "version"},
    {"record", "start 1\n", "record"},
    {"step", "step \n", "step"},
    {"step", "step 1\n", "step"},
    {"step", "step running\n", "step"},
    {"step", "step  run\n", "step"},
    {"step", "step run \n", "step"},
    {"step", "step\n", "step"},
    {"step", "Step run\n", "step"},
    {"kind", "kind signal\n", "exit_code"},
    {"kind", "kind not_started\n", "exit_code"},
    {"kind", "kind exited\n", "kind"},
    {"exit_code", "exit_code 256\n", "exit_code"},
    {"exit_code", "exit_code -1\n", "exit_code"},
    {"exit_code", "exit_code 3.0\n", "exit_code"},
    {"exit_code", "exit_code \n", "exit_code"},
    {"exit_code", "exit_code 0x3\n", "exit_code"},
    {"exit_code", "exit_code 3\r\n", "exit_code"},
    {"signal", "signal 9\n", "signal"},
    {"signal", "signal 65\n", "signal"},
    {"exec_errno", "exec_errno 2\n", "exec_errno"},
    {"exec_errno", "exec_errno 4096\n", "exec_errno"},
    {"killed", "killed wall time\n", "killed"},
    {"evidence_errno", "evidence_errno 4096\n", "evidence_errno"},
    {"leftover", "leftover 2\n", "leftover"},
    {"leftover", "leftover yes\n", "leftover"},
    {"order_cut", "order_cut 2\n", "order_cut"},
    {"started_at_ms", "started_at_ms 9223372036854775808\n", "started_at_ms"},
    {"ended_at_ms", "ended_at_ms -1\n", "ended_at_ms"},
    {"wall_time_us", "wall_time_us 18446744073709551616\n", "wall_time_us"},
    {"isolation", "isolation 8192\n", "isolation"},
    {"stdout_omitted_bytes", "stdout_omitted_bytes 11\n", "stdout_omitted_bytes"},
    {"stderr_omitted_bytes", "stderr_omitted_bytes 21\n", "stderr_omitted_bytes"},
    {"message", "message a%\n", "message"},
    {"message", "message a%0\n", "message"},
    {"message", "message a%0g\n", "message"},
    {"message", "message a%0a\n", "message"},
    {"message", "message a%00\n", "message"},
    {"message", "message a%41\n", "message"},
    {"message", "message a\033[2J\n", "message"},
    {"message", "message a\nmore b\n", "end"},
  };
  assert_int_equal(1u << ISOLATION_FEATURE_COUNT, 8192);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CLEANUP_BUFFER struct buffer text = {0};
    put_changed(&text, wrong[i].key, wrong[i].line);
    assert_refused(&text, wrong[i].named);
  }
}

static void a_message_longer_than_its_room_is_refused(void **state)
{
  (void)state;
  char line[REASON_SIZE + 16] = "message ";
  memset(line + 8, 'a', REASON_SIZE);
  line[8 + REASON_SIZE] = '\n';
  CLEANUP_BUFFER struct buffer too_long = {0};
  put_changed(&too_long, "message", line);
  assert_refused(&too_long, "message");
  strcpy(line + 8 + REASON_SIZE - 1, "\n");
  CLEANUP_BUFFER struct buffer just_right = {0};
  put_changed(&just_right, "message", line);
  struct record record;
  assert_true(decode(&just_right, &record, 0));
  assert_int_equal(strlen(record.message), REASON_SIZE - 1);
}

static void lines_in_another_order_are_refused(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer text = {0};
  put_changed(&text, "step", "kind code\nstep run\n");
  assert_refused(&text, "step");
}

static void every_truncation_is_refused(void **state)
{
  (void)state;
  struct record record = some_record();
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(&record, &text);
  for (size_t size = 0; size < text.size; size++) {
    struct buffer cut = {.data = text.data, .size = size};
    assert_refused(&cut, "");
  }
}

static void every_changed_byte_is_refused(void **state)
{
  (void)state;
  struct record record = some_record();
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(&record, &text);
  for (size_t i = 0; i < text.size; i++) {
    text.data[i] ^= 1;
    assert_refused(&text, "");
    text.data[i] ^= 1;
  }
}

static void nothing_may_follow_the_end(void **state)
{
  (void)state;
  struct record record = some_record();
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(&record, &text);
  buffer_puts(&text, "\n");
  assert_refused(&text, "behind the end");
}

static void a_record_is_bounded_in_size(void **state)
{
  (void)state;
  struct record record;
  struct error error = {0};
  assert_false(record_decode("record 1\n", RECORD_BYTES_MAX + 1, &record, &error));
  assert_non_null(strstr(error.message, "at most"));
}

static void a_start_marker_survives_the_round_trip(void **state)
{
  (void)state;
  struct start_marker marker = {.at = {1795377480123},
                                .boot_id_hash = UINT64_MAX,
                                .init_pid = 4711,
                                .init_start_ticks = 123456789,
                                .cgroup = "slot-12.5f3a9c"},
                      got;
  CLEANUP_BUFFER struct buffer text = {0};
  start_marker_encode(&marker, &text);
  assert_true(start_marker_decode(text.data, text.size, &got, 0));
  assert_memory_equal(&marker, &got, sizeof got);
  for (size_t size = 0; size < text.size; size++) {
    struct error error = {0};
    assert_false(start_marker_decode(text.data, size, &got, &error));
  }
}

/* It becomes part of a path. */
static void a_start_marker_names_a_leaf_and_nothing_else(void **state)
{
  (void)state;
  static const char *const wrong[] = {"..", ".", "a/b", "/", "UPPER", "a b", "a_b"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct start_marker marker = {.at = {1}}, got;
    CLEANUP_BUFFER struct buffer text = {0};
    snprintf(marker.cgroup, sizeof marker.cgroup, "%s", wrong[i]);
    start_marker_encode(&marker, &text);
    assert_false(start_marker_decode(text.data, text.size, &got, 0));
  }
}

static void a_start_marker_is_no_record_and_the_other_way_round(void **state)
{
  (void)state;
  struct start_marker marker = {0};
  struct record record = some_record();
  CLEANUP_BUFFER struct buffer start_text = {0}, record_text = {0};
  start_marker_encode(&marker, &start_text);
  record_encode(&record, &record_text);
  assert_false(record_decode(start_text.data, start_text.size, &record, 0));
  assert_false(start_marker_decode(record_text.data, record_text.size, &marker, 0));
}

static void the_head_is_the_larger_half_of_the_limit(void **state)
{
  (void)state;
  assert_int_equal(head_bytes(0), 0);
  assert_int_equal(head_bytes(1), 1);
  assert_int_equal(head_bytes(2), 1);
  assert_int_equal(head_bytes(5), 3);
  assert_true(head_bytes(UINT64_MAX) == 1ull << 63);
}

static void the_head_stays_in_place_and_the_rest_turns_behind_it(void **state)
{
  (void)state;
  static const uint64_t offsets[] = {0, 1, 2, 3, 4, 3, 4, 3, 4, 3};
  for (uint64_t position = 0; position < 10; position++)
    assert_int_equal(ring_offset(5, position), offsets[position]);
}

static void the_ring_holds_exactly_the_head_and_the_last_bytes(void **state)
{
  (void)state;
  for (uint64_t limit = 2; limit < 20; limit++)
    for (uint64_t written = 0; written < 100; written++) {
      uint64_t file[20];
      for (uint64_t position = 0; position < written; position++) {
        assert_true(ring_offset(limit, position) < limit);
        file[ring_offset(limit, position)] = position;
      }
      uint64_t head = head_bytes(limit), tail = limit - head;
      for (uint64_t position = 0; position < written; position++)
        if (position < head || position + tail >= written)
          assert_int_equal(file[ring_offset(limit, position)], position);
    }
}

static void a_limit_without_a_tail_keeps_nothing_behind_its_head(void **state)
{
  (void)state;
  assert_int_equal(ring_offset(0, 0), 0);
  assert_int_equal(ring_offset(1, 0), 0);
  assert_int_equal(ring_offset(1, 1), 1);
  assert_int_equal(ring_offset(1, 1000), 1);
}

static void the_digest_is_xxh3(void **state)
{
  (void)state;
  assert_true(digest_bytes("", 0) == 0x2d06800538d394c2ull);
  assert_true(digest_bytes("a", 1) != digest_bytes("b", 1));
}

static void streams_and_kill_reasons_have_names(void **state)
{
  (void)state;
  assert_string_equal(stream_name(STREAM_STDOUT), "stdout");
  assert_string_equal(stream_name(STREAM_STDERR), "stderr");
  assert_string_equal(stream_name(STREAM_COMPILE), "compile");
  assert_string_equal(kill_reason_name(KILLED_NONE), "none");
  assert_string_equal(kill_reason_name(KILLED_DEADLINE), "deadline");
}

static void a_copy_marker_survives_the_round_trip(void **state)
{
  (void)state;
  const struct copy_marker marker = {.next_frame = 9, .stream = {{1, 2}, {INT64_MAX, 3}, {0, INT64_MAX}}};
  struct copy_marker again;
  CLEANUP_BUFFER struct buffer text = {0};
  copy_marker_encode(&marker, &text);
  assert_true(copy_marker_decode(text.data, text.size, &again, 0));
  assert_memory_equal(&marker, &again, sizeof marker);
  text.data[7] ^= 1;
  assert_false(copy_marker_decode(text.data, text.size, &again, 0));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_record_survives_the_round_trip),
    cmocka_unit_test(every_word_survives_the_round_trip),
    cmocka_unit_test(a_member_that_means_nothing_for_the_kind_is_written_as_zero),
    cmocka_unit_test(a_message_stays_on_one_line_and_comes_back_byte_for_byte),
    cmocka_unit_test(every_missing_line_is_refused_by_name),
    cmocka_unit_test(every_doubled_line_is_refused),
    cmocka_unit_test(each_value_is_checked),
    cmocka_unit_test(a_message_longer_than_its_room_is_refused),
    cmocka_unit_test(lines_in_another_order_are_refused),
    cmocka_unit_test(every_truncation_is_refused),
    cmocka_unit_test(every_changed_byte_is_refused),
    cmocka_unit_test(nothing_may_follow_the_end),
    cmocka_unit_test(a_record_is_bounded_in_size),
    cmocka_unit_test(a_start_marker_survives_the_round_trip),
    cmocka_unit_test(a_start_marker_names_a_leaf_and_nothing_else),
    cmocka_unit_test(a_start_marker_is_no_record_and_the_other_way_round),
    cmocka_unit_test(the_head_is_the_larger_half_of_the_limit),
    cmocka_unit_test(the_head_stays_in_place_and_the_rest_turns_behind_it),
    cmocka_unit_test(the_ring_holds_exactly_the_head_and_the_last_bytes),
    cmocka_unit_test(a_limit_without_a_tail_keeps_nothing_behind_its_head),
    cmocka_unit_test(the_digest_is_xxh3),
    cmocka_unit_test(a_copy_marker_survives_the_round_trip),
    cmocka_unit_test(streams_and_kill_reasons_have_names),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
