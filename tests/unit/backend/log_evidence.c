#include "backend/kubernetes/log_evidence.h"

#include "backend/directory.h"
#include "backend/evidence/evidence_read.h"
#include "base/fd.h"
#include "base/memory.h"
#include "wire/frames.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const unsigned char key[SEAL_KEY_BYTES] = "0123456789abcdef0123456789abcdef";

/* A log that grows, and the copy of the evidence that is made of it. */
struct site {
  char path[64];
  int evidence_fd;
  struct name name;
  struct log_evidence *copy;
  struct buffer log;
  uint64_t number;
  struct record record;
  struct evidence evidence;
};

static void open_copy(struct site *site)
{
  struct error error = {0};
  log_evidence_close(site->copy);
  site->copy = log_evidence_open(site->evidence_fd, site->name, key, &error);
  assert_non_null(site->copy);
}

static int set_up(void **state)
{
  struct site *site = xcalloc(1, sizeof *site);
  strcpy(site->path, "/tmp/assay-log-XXXXXX");
  assert_non_null(mkdtemp(site->path));
  site->name = name_make("20261122_195800_0123abcd", 1);
  site->evidence_fd = open(site->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  site->record = (struct record){.step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 1, .started_at.ms = 5};
  for (int i = 0; i < STREAM_COUNT; i++)
    site->record.stream[i].digest = digest_bytes("", 0);
  open_copy(site);
  *state = site;
  return 0;
}

static int tear_down(void **state)
{
  struct site *site = *state;
  evidence_release(&site->evidence);
  log_evidence_close(site->copy);
  assert_true(directory_remove(site->evidence_fd, site->name.text, DIRECTORY_OF_FILES));
  close(site->evidence_fd);
  assert_int_equal(rmdir(site->path), 0);
  buffer_release(&site->log);
  free(site);
  return 0;
}

static void put(struct site *site, enum frame_kind kind, uint64_t position, const void *data, size_t size)
{
  frame_encode(
    &(struct frame){
      .kind = kind, .number = site->number++, .at.ms = 1, .position = position, .data = data, .size = size},
    &site->log);
}

static void put_start(struct site *site, int64_t at_ms)
{
  CLEANUP_BUFFER struct buffer text = {0};
  start_marker_encode(&(struct start_marker){.at.ms = at_ms, .init_pid = 2}, &text);
  put(site, FRAME_START, 0, text.data, text.size);
}

static void put_text(struct site *site, enum frame_kind kind, uint64_t position, const char *text)
{
  put(site, kind, position, text, strlen(text));
}

static void put_record(struct site *site)
{
  CLEANUP_BUFFER struct buffer text = {0};
  seal_record(key, &site->record, &text);
  put(site, FRAME_RECORD, 0, text.data, text.size);
}

/* What the record says of a stream that was written as `text`, of which so much was left out. */
static void record_stream(struct site *site, enum stream stream, const char *text, uint64_t omitted_bytes)
{
  site->record.stream[stream] =
    (struct stream_record){strlen(text) + omitted_bytes, omitted_bytes, digest_bytes(text, strlen(text))};
}

static void feed(struct site *site)
{
  struct error error = {0};
  assert_true(log_evidence_feed(site->copy, site->log.data, site->log.size, &error));
}

static void feed_again(struct site *site)
{
  log_evidence_rewind(site->copy);
  feed(site);
}

static void seal(struct site *site, const char *message)
{
  struct error error = {0};
  assert_true(log_evidence_seal(site->copy, message, &error));
}

static const struct log_evidence_state *state_of(const struct site *site)
{
  return log_evidence_state(site->copy);
}

/* Forgets the frames from `from` up to `to` of the log. */
static void lose(struct site *site, unsigned from, unsigned to)
{
  char *begin = site->log.data, *end;
  for (unsigned i = 0; i < from; i++)
    begin = strchr(begin, '\n') + 1;
  end = begin;
  for (unsigned i = from; i < to; i++)
    end = strchr(end, '\n') + 1;
  const size_t rest = site->log.size - (size_t)(end - site->log.data);
  memmove(begin, end, rest + 1);
  site->log.size -= (size_t)(end - begin);
}

static struct evidence *look(struct site *site)
{
  evidence_release(&site->evidence);
  assert_true(evidence_read(site->evidence_fd, site->name, &site->evidence, 0));
  assert_true(evidence_read_outputs(site->evidence_fd, site->path, site->name, &site->evidence, 0));
  return &site->evidence;
}

static void expect_stream(struct site *site, enum stream stream, const char *kept, uint64_t head, uint64_t omitted,
                          uint64_t lost)
{
  const struct stream_output *output = &look(site)->outputs->stream[stream];
  assert_int_equal(stream_kept_bytes(output), strlen(kept));
  if (*kept)
    assert_memory_equal(output->data->data, kept, strlen(kept));
  assert_int_equal(output->head_bytes, head);
  assert_int_equal(output->omitted_bytes, omitted);
  assert_int_equal(output->lost_bytes, lost);
}

/* "abcdefghij" in five frames, and a word on the other stream. */
static void put_usual(struct site *site)
{
  static const unsigned char order[] = {STREAM_STDOUT, 4, 0, 0, 0, STREAM_STDERR, 3, 0, 0, 0};
  put_start(site, 7);
  put_text(site, FRAME_STDOUT, 0, "ab");
  put_text(site, FRAME_STDOUT, 2, "cd");
  put(site, FRAME_ORDER, 0, order, sizeof order);
  put_text(site, FRAME_STDERR, 0, "err");
  put_text(site, FRAME_STDOUT, 4, "ef");
  put_text(site, FRAME_STDOUT, 6, "gh");
  put_text(site, FRAME_STDOUT, 8, "ij");
  record_stream(site, STREAM_STDOUT, "abcdefghij", 0);
  record_stream(site, STREAM_STDERR, "err", 0);
  put_record(site);
}

static void expect_usual(struct site *site)
{
  const struct evidence *evidence = look(site);
  assert_true(evidence->started && evidence->marked && evidence->recorded);
  assert_int_equal(evidence->marker.at.ms, 7);
  assert_int_equal(evidence->record.exit_code, 1);
  assert_string_equal(evidence->problem, "");
  expect_stream(site, STREAM_STDOUT, "abcdefghij", 10, 0, 0);
  expect_stream(site, STREAM_STDERR, "err", 3, 0, 0);
  CLEANUP_BUFFER struct buffer merged = {0};
  outputs_merge(site->evidence.outputs, &merged);
  assert_string_equal(merged.data, "abcderrefghij");
}

static void a_whole_log_is_whole_evidence_wherever_it_is_cut(void **state)
{
  struct site *site = *state;
  put_usual(site);
  for (size_t i = 0; i < site->log.size; i++)
    assert_true(log_evidence_feed(site->copy, site->log.data + i, 1, 0));
  assert_true(state_of(site)->recorded && state_of(site)->started && !state_of(site)->gap);
  expect_usual(site);
}

static void a_daemon_that_starts_again_goes_on_where_it_was(void **state)
{
  struct site *site = *state;
  put_usual(site);
  for (size_t cut = 0; cut < site->log.size; cut += 17) {
    assert_true(log_evidence_feed(site->copy, site->log.data, cut, 0));
    open_copy(site);
    feed(site);
    expect_usual(site);
    log_evidence_close(site->copy);
    site->copy = 0;
    assert_true(directory_remove(site->evidence_fd, site->name.text, DIRECTORY_OF_FILES));
    open_copy(site);
  }
}

static void while_it_runs_nothing_behind_a_gap_is_shown(void **state)
{
  struct site *site = *state;
  put_usual(site);
  lose(site, 2, 3);
  feed(site);
  assert_true(state_of(site)->gap && !state_of(site)->recorded);
  expect_stream(site, STREAM_STDOUT, "ab", 2, 0, 0);
  assert_false(site->evidence.recorded);
}

static void what_was_missing_is_filled_in_from_a_log_read_again(void **state)
{
  struct site *site = *state;
  put_usual(site);
  CLEANUP_BUFFER struct buffer whole = {0};
  buffer_append(&whole, site->log.data, site->log.size);
  lose(site, 2, 5);
  feed(site);
  assert_true(state_of(site)->gap);
  buffer_clear(&site->log);
  buffer_append(&site->log, whole.data, whole.size);
  feed_again(site);
  assert_true(!state_of(site)->gap && state_of(site)->recorded);
  expect_usual(site);
}

static void what_never_comes_is_counted_as_lost_and_the_verdict_stands(void **state)
{
  struct site *site = *state;
  put_usual(site);
  lose(site, 5, 6);
  feed(site);
  feed_again(site);
  seal(site, 0);
  expect_stream(site, STREAM_STDOUT, "abcdghij", 4, 2, 2);
  assert_true(site->evidence.recorded && site->evidence.record.order_cut);
  assert_string_equal(site->evidence.problem, "");
  expect_stream(site, STREAM_STDERR, "err", 3, 0, 0);
}

static void of_several_gaps_head_and_tail_are_kept(void **state)
{
  struct site *site = *state;
  put_usual(site);
  lose(site, 2, 3);
  lose(site, 5, 6); /* "ab", then "ef" alone, then "ij" */
  feed(site);
  seal(site, 0);
  expect_stream(site, STREAM_STDOUT, "abij", 2, 6, 6);
}

static void a_log_that_was_rotated_keeps_its_tail(void **state)
{
  struct site *site = *state;
  put_usual(site);
  lose(site, 0, 6);
  feed(site);
  seal(site, 0);
  assert_true(look(site)->recorded && site->evidence.started);
  expect_stream(site, STREAM_STDOUT, "ghij", 0, 6, 6);
  expect_stream(site, STREAM_STDERR, "", 0, 3, 3);
}

static void a_rotated_log_goes_on_what_was_copied_before(void **state)
{
  struct site *site = *state;
  put_usual(site);
  const char *half = strstr(site->log.data, "assay1 5");
  assert_true(log_evidence_feed(site->copy, site->log.data, (size_t)(half - site->log.data), 0));
  open_copy(site);
  lose(site, 0, 4);
  feed(site);
  expect_usual(site);
}

static void a_loss_beside_what_was_left_out_is_one_gap_with_it(void **state)
{
  static const struct {
    unsigned from, to;
    const char *kept;
    uint64_t head, lost;
  } cases[] = {
    {1, 2, "fghij", 0, 5},    /* of the head: "ab" */
    {2, 3, "abfghij", 2, 3},  /* "cde" */
    {3, 4, "abcdehij", 5, 2}, /* of the tail: "fg" */
    {4, 5, "abcde", 5, 5},    /* its end: then nothing behind the gap is known to be the tail */
    {1, 5, "", 0, 10},
  };
  struct site *site = *state;
  put_start(site, 7);
  put_text(site, FRAME_STDOUT, 0, "ab");
  put_text(site, FRAME_STDOUT, 2, "cde");
  put_text(site, FRAME_STDOUT, 5, "fg");
  put_text(site, FRAME_STDOUT, 7, "hij");
  record_stream(site, STREAM_STDOUT, "abcdefghij", 100);
  put_record(site);
  CLEANUP_BUFFER struct buffer whole = {0};
  buffer_append(&whole, site->log.data, site->log.size);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    buffer_clear(&site->log);
    buffer_append(&site->log, whole.data, whole.size);
    lose(site, cases[i].from, cases[i].to);
    feed(site);
    seal(site, 0);
    expect_stream(site, STREAM_STDOUT, cases[i].kept, cases[i].head, 100 + cases[i].lost, cases[i].lost);
    log_evidence_close(site->copy);
    site->copy = 0;
    assert_true(directory_remove(site->evidence_fd, site->name.text, DIRECTORY_OF_FILES));
    open_copy(site);
  }
}

static void without_a_log_the_termination_message_has_the_verdict(void **state)
{
  struct site *site = *state;
  CLEANUP_BUFFER struct buffer message = {0};
  record_stream(site, STREAM_STDERR, "Traceback", 0);
  seal_record(key, &site->record, &message);
  buffer_puts(&site->log, "failed to try resolving symlinks in path\n");
  feed(site);
  seal(site, message.data);
  assert_int_equal(state_of(site)->foreign_lines, 1);
  assert_string_equal(state_of(site)->foreign, "failed to try resolving symlinks in path");
  assert_true(look(site)->recorded && site->evidence.started && site->evidence.marker.at.ms == 5);
  expect_stream(site, STREAM_STDERR, "", 0, 9, 9);
}

static void a_message_that_the_program_wrote_is_not_believed(void **state)
{
  static const unsigned char guessed[SEAL_KEY_BYTES] = "";
  struct site *site = *state;
  CLEANUP_BUFFER struct buffer message = {0};
  seal_record(guessed, &site->record, &message);
  put_start(site, 7);
  feed(site);
  seal(site, message.data);
  assert_true(state_of(site)->forged && !state_of(site)->recorded);
  assert_true(look(site)->started && !site->evidence.recorded);
}

static void a_message_that_is_the_whole_log_is_as_good_as_the_log(void **state)
{
  struct site *site = *state;
  struct error error = {0};
  put_usual(site);
  CLEANUP_FREE char *message = xstrndup(site->log.data, site->log.size);
  lose(site, 4, 9);
  feed(site); /* some of it came before */
  assert_true(log_evidence_feed_message(site->copy, message, &error));
  assert_true(state_of(site)->recorded);
  expect_usual(site);
}

static void nothing_is_taken_from_a_message_whose_record_is_not_its_keepers(void **state)
{
  static const unsigned char guessed[SEAL_KEY_BYTES] = "";
  struct site *site = *state;
  struct error error = {0};
  CLEANUP_BUFFER struct buffer record = {0};
  put_start(site, 7);
  put_text(site, FRAME_STDOUT, 0, "never written");
  CLEANUP_FREE char *unfinished = xstrndup(site->log.data, site->log.size);
  seal_record(guessed, &site->record, &record);
  put(site, FRAME_RECORD, 0, record.data, record.size);
  CLEANUP_FREE char *forged = xstrndup(site->log.data, site->log.size);
  assert_true(log_evidence_feed_message(site->copy, unfinished, &error));
  assert_false(state_of(site)->forged);
  assert_true(log_evidence_feed_message(site->copy, forged, &error));
  assert_true(state_of(site)->forged && !state_of(site)->recorded && !state_of(site)->started);
  seal(site, forged);
  assert_false(look(site)->recorded || site->evidence.started);
  expect_stream(site, STREAM_STDOUT, "", 0, 0, 0);
}

static void without_a_record_there_is_none_and_what_came_is_kept(void **state)
{
  struct site *site = *state;
  put_usual(site);
  lose(site, 8, 9);
  lose(site, 5, 6);
  feed(site);
  seal(site, "");
  assert_false(look(site)->recorded);
  expect_stream(site, STREAM_STDOUT, "abcd", 4, 0, 0);
}

static void the_log_of_another_start_is_not_mixed_in(void **state)
{
  struct site *site = *state;
  put_usual(site);
  const char *half = strstr(site->log.data, "assay1 4");
  assert_true(log_evidence_feed(site->copy, site->log.data, (size_t)(half - site->log.data), 0));
  buffer_clear(&site->log);
  site->number = 0;
  put_start(site, 8);
  put_text(site, FRAME_STDOUT, 0, "other output, much of it");
  for (int i = 0; i < 8; i++)
    put_text(site, FRAME_STDOUT, 24 + 5 * (uint64_t)i, "other");
  put_record(site);
  feed_again(site);
  assert_true(state_of(site)->another_start && !state_of(site)->recorded);
  expect_stream(site, STREAM_STDOUT, "abcd", 4, 0, 0);
}

static void why_nothing_was_started_is_told_by_log_and_by_message(void **state)
{
  struct site *site = *state;
  put_text(site, FRAME_FAILURE, 0, "cannot \x1b[1m");
  feed(site);
  assert_string_equal(state_of(site)->failure, "cannot ?[1m");
  seal(site, "assay-failure cannot open the plan");
  assert_string_equal(state_of(site)->failure, "cannot open the plan");
  assert_false(look(site)->started || site->evidence.recorded);
}

static void a_seal_that_was_cut_short_is_made_again(void **state)
{
  struct site *site = *state;
  put_usual(site);
  lose(site, 5, 6);
  feed(site);
  seal(site, 0);
  CLEANUP_FD int directory = openat(site->evidence_fd, site->name.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal(unlinkat(directory, "exit", 0), 0);
  open_copy(site);
  feed(site);
  seal(site, 0);
  expect_stream(site, STREAM_STDOUT, "abcdghij", 4, 2, 2);
}

/* After a power cut nothing that was not synced is worth anything. */
static void a_copy_from_before_this_host_was_started_is_made_anew(void **state)
{
  struct site *site = *state;
  put_usual(site);
  feed(site);
  assert_true(look(site)->recorded);
  CLEANUP_FD int directory = openat(site->evidence_fd, site->name.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  log_evidence_forget_older(site->evidence_fd, site->name);
  assert_true(look(site)->recorded);

  CLEANUP_FD int boot = openat(directory, "boot", O_WRONLY | O_TRUNC | O_CLOEXEC);
  assert_true(fd_write_all(boot, "another", 7));
  CLEANUP_FD int torn = openat(directory, "stdout", O_WRONLY | O_TRUNC | O_CLOEXEC);
  assert_true(torn >= 0);
  log_evidence_forget_older(site->evidence_fd, site->name);
  assert_false(look(site)->recorded || site->evidence.started);
  open_copy(site);
  feed(site);
  expect_usual(site);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    T(a_whole_log_is_whole_evidence_wherever_it_is_cut),
    T(a_daemon_that_starts_again_goes_on_where_it_was),
    T(while_it_runs_nothing_behind_a_gap_is_shown),
    T(what_was_missing_is_filled_in_from_a_log_read_again),
    T(what_never_comes_is_counted_as_lost_and_the_verdict_stands),
    T(of_several_gaps_head_and_tail_are_kept),
    T(a_log_that_was_rotated_keeps_its_tail),
    T(a_rotated_log_goes_on_what_was_copied_before),
    T(a_loss_beside_what_was_left_out_is_one_gap_with_it),
    T(without_a_log_the_termination_message_has_the_verdict),
    T(a_message_that_the_program_wrote_is_not_believed),
    T(a_message_that_is_the_whole_log_is_as_good_as_the_log),
    T(nothing_is_taken_from_a_message_whose_record_is_not_its_keepers),
    T(without_a_record_there_is_none_and_what_came_is_kept),
    T(the_log_of_another_start_is_not_mixed_in),
    T(why_nothing_was_started_is_told_by_log_and_by_message),
    T(a_seal_that_was_cut_short_is_made_again),
    T(a_copy_from_before_this_host_was_started_is_made_anew),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
