#include "backend/evidence/evidence_read.h"

#include "../scarce_memory.h"
#include "backend/directory.h"
#include "backend/native/cleanup.h"
#include "base/fd.h"

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

/* An evidence directory with one attempt in it. */
struct site {
  char path[64];
  int evidence_fd, attempt_fd;
  struct name name;
  struct record record;
  struct evidence evidence;
};

static int set_up(void **state)
{
  struct site *site = xcalloc(1, sizeof *site);
  strcpy(site->path, "/tmp/assay-evidence-XXXXXX");
  assert_non_null(mkdtemp(site->path));
  site->name = name_make("20261122_195800_0123abcd", 1);
  site->evidence_fd = open(site->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal(mkdirat(site->evidence_fd, site->name.text, 0700), 0);
  site->attempt_fd = openat(site->evidence_fd, site->name.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  site->record = (struct record){.step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 1};
  for (int i = 0; i < STREAM_COUNT; i++)
    site->record.stream[i].digest = digest_bytes("", 0);
  *state = site;
  return 0;
}

static int tear_down(void **state)
{
  struct site *site = *state;
  struct cgroup_layout none = {0};
  evidence_release(&site->evidence);
  assert_true(attempt_remove(site->evidence_fd, &none, site->name));
  assert_int_equal(rmdir(site->path), 0);
  close(site->attempt_fd);
  close(site->evidence_fd);
  free(site);
  return 0;
}

static void put_file(const struct site *site, const char *file, const void *data, size_t size)
{
  CLEANUP_FD int fd = openat(site->attempt_fd, file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0 && fd_write_all(fd, data, size));
}

/* Writes a stream, and what the record has to say of it. */
static void put_stream(struct site *site, enum stream stream, const void *data, size_t size)
{
  put_file(site, stream_name(stream), data, size);
  site->record.stream[stream] = (struct stream_record){.bytes = size, .digest = digest_bytes(data, size)};
}

static void put_record(const struct site *site)
{
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(&site->record, &text);
  put_file(site, "exit", text.data, text.size);
}

static void put_ring(const struct site *site, enum stream stream, uint64_t limit, uint64_t bytes)
{
  struct ring_counters ring = {.magic = RING_MAGIC};
  ring.stream[stream].limit = limit;
  ring.stream[stream].bytes = bytes;
  put_file(site, "ring", &ring, sizeof ring);
}

/* As the keeper's ring leaves the file: every byte where ring_offset() puts it, later ones over earlier ones. */
static void put_turning(const struct site *site, const char *written, size_t size, size_t limit)
{
  char file[64] = {0};
  for (size_t i = 0; i < size; i++)
    file[ring_offset(limit, i)] = written[i];
  put_file(site, "stdout", file, limit);
  put_ring(site, STREAM_STDOUT, limit, size);
}

static const struct stream_output *read_all(struct site *site, enum stream stream)
{
  struct error error;
  assert_true(evidence_read(site->evidence_fd, site->name, &site->evidence, &error));
  assert_true(evidence_read_outputs(site->evidence_fd, site->path, site->name, &site->evidence, &error));
  return &site->evidence.outputs->stream[stream];
}

/* The same where a marker says that a boot has passed since. */
static const struct stream_output *read_after_reboot(struct site *site, enum stream stream)
{
  CLEANUP_BUFFER struct buffer text = {0};
  struct error error;
  start_marker_encode(&(struct start_marker){.at = {1}, .boot_id_hash = 1}, &text);
  put_file(site, "start", text.data, text.size);
  assert_true(evidence_read(site->evidence_fd, site->name, &site->evidence, &error));
  evidence_doubt_after_reboot(&site->evidence);
  assert_true(evidence_read_outputs(site->evidence_fd, site->path, site->name, &site->evidence, &error));
  return &site->evidence.outputs->stream[stream];
}

static void assert_data(const struct stream_output *stream, const char *text)
{
  assert_non_null(stream->data);
  assert_int_equal(stream->data->size, strlen(text));
  assert_memory_equal(stream->data->data, text, strlen(text));
}

static void no_directory_is_no_evidence(void **state)
{
  struct site *site = *state;
  struct evidence evidence;
  assert_true(evidence_read(site->evidence_fd, name_make("20261122_195800_0123abcd", 2), &evidence, 0));
  assert_false(evidence.found || evidence.started || evidence.recorded);
}

static void what_cannot_be_read_is_not_called_absent(void **state)
{
  struct site *site = *state;
  struct evidence evidence;
  struct error error;
  assert_int_equal(mkdirat(site->attempt_fd, "exit", 0700), 0);
  assert_false(evidence_read(site->evidence_fd, site->name, &evidence, &error));
}

static void a_start_marker_is_read(void **state)
{
  struct site *site = *state;
  CLEANUP_BUFFER struct buffer text = {0};
  start_marker_encode(&(struct start_marker){{1795377480123}, 7, 42, 99, "slot-0.1f"}, &text);
  put_file(site, "start", text.data, text.size);
  assert_true(evidence_read(site->evidence_fd, site->name, &site->evidence, 0));
  assert_true(site->evidence.started && site->evidence.marked);
  assert_int_equal(site->evidence.marker.init_pid, 42);
  assert_int_equal(site->evidence.marker.at.ms, 1795377480123);
}

static void an_empty_start_marker_still_means_started(void **state)
{
  struct site *site = *state;
  put_file(site, "start", "", 0);
  assert_true(evidence_read(site->evidence_fd, site->name, &site->evidence, 0));
  assert_true(site->evidence.started);
  assert_false(site->evidence.marked);
}

static void a_whole_record_with_whole_streams_counts(void **state)
{
  struct site *site = *state;
  put_stream(site, STREAM_STDOUT, "out\0\xff", 5);
  put_stream(site, STREAM_STDERR, "err", 3);
  put_record(site);
  const struct stream_output *out = read_all(site, STREAM_STDOUT);
  assert_true(site->evidence.recorded);
  assert_string_equal(site->evidence.problem, "");
  assert_int_equal(out->bytes, 5);
  assert_int_equal(out->head_bytes, 5);
  assert_memory_equal(out->data->data, "out\0\xff", 5);
  assert_data(&site->evidence.outputs->stream[STREAM_STDERR], "err");
  assert_null(site->evidence.outputs->stream[STREAM_COMPILE].data);
}

/* Also the small files are read into memory that may be missing: whichever it is, nothing is said of the attempt. */
static void without_memory_it_cannot_be_told_and_later_it_can(void **state)
{
  struct site *site = *state;
  static const unsigned char order[] = {0, 3, 0, 0, 0};
  put_stream(site, STREAM_STDOUT, "out", 3);
  put_stream(site, STREAM_STDERR, "err", 3);
  put_file(site, "order", order, sizeof order);
  put_record(site);
  int before = 0;
  for (bool failed = true; failed; before += failed) {
    struct error error = {0};
    scarce_memory(before);
    bool told = evidence_read(site->evidence_fd, site->name, &site->evidence, &error) &&
                evidence_read_outputs(site->evidence_fd, site->path, site->name, &site->evidence, &error);
    failed = scarce_memory_failed();
    assert_int_equal(told, !failed);
    if (failed)
      assert_int_equal(error.kind, ERROR_UNAVAILABLE);
  }
  assert_int_equal(before, 4); /* exit, two streams, order */
  assert_true(site->evidence.recorded);
  assert_data(&site->evidence.outputs->stream[STREAM_STDOUT], "out");
}

static void assert_damaged(struct site *site, const char *what)
{
  assert_false(site->evidence.recorded);
  assert_ptr_equal(strstr(site->evidence.problem, "evidence damaged: "), site->evidence.problem);
  assert_non_null(strstr(site->evidence.problem, what));
}

static void a_record_without_its_end_line_is_none(void **state)
{
  struct site *site = *state;
  CLEANUP_BUFFER struct buffer text = {0};
  put_stream(site, STREAM_STDOUT, "kept", 4);
  record_encode(&site->record, &text);
  *strstr(text.data, "\nend ") = 0;
  put_file(site, "exit", text.data, strlen(text.data) + 1);
  assert_data(read_all(site, STREAM_STDOUT), "kept");
  assert_damaged(site, "exit");
}

static void an_empty_record_is_none(void **state)
{
  struct site *site = *state;
  put_file(site, "exit", "", 0);
  read_all(site, STREAM_STDOUT);
  assert_damaged(site, "exit");
}

static void a_stream_with_another_digest_makes_the_record_worthless_and_is_delivered(void **state)
{
  struct site *site = *state;
  put_stream(site, STREAM_STDOUT, "right", 5);
  put_record(site);
  put_file(site, "stdout", "wrong", 5);
  assert_data(read_all(site, STREAM_STDOUT), "wrong");
  assert_damaged(site, "stdout: its digest");
}

static void a_truncated_stream_makes_the_record_worthless_and_is_delivered(void **state)
{
  struct site *site = *state;
  put_stream(site, STREAM_STDERR, "a whole line\n", 13);
  put_record(site);
  put_file(site, "stderr", "a whole", 7);
  assert_data(read_all(site, STREAM_STDERR), "a whole");
  assert_damaged(site, "stderr: 7 bytes where the record says 13");
}

static void a_missing_stream_makes_the_record_worthless(void **state)
{
  struct site *site = *state;
  put_stream(site, STREAM_STDOUT, "gone", 4);
  put_record(site);
  assert_int_equal(unlinkat(site->attempt_fd, "stdout", 0), 0);
  read_all(site, STREAM_STDOUT);
  assert_damaged(site, "stdout: missing");
}

static void a_record_that_owns_up_to_a_failed_save_counts_without_its_bytes(void **state)
{
  struct site *site = *state;
  put_stream(site, STREAM_STDOUT, "ten bytes!", 10);
  site->record.evidence_errno = 28;
  put_record(site);
  put_file(site, "stdout", "ten", 3);
  const struct stream_output *out = read_all(site, STREAM_STDOUT);
  assert_true(site->evidence.recorded);
  assert_data(out, "ten");
  assert_int_equal(out->bytes, 10);
  assert_int_equal(out->omitted_bytes, 7);
}

static void an_omitted_middle_is_told_by_head_and_counts(void **state)
{
  struct site *site = *state;
  put_file(site, "stdout", "headtail!", 9);
  site->record.stream[STREAM_STDOUT] = (struct stream_record){.bytes = 109, .omitted_bytes = 100, .digest = 1};
  put_record(site);
  const struct stream_output *out = read_all(site, STREAM_STDOUT);
  assert_true(site->evidence.recorded);
  assert_int_equal(out->head_bytes, 5);
  assert_int_equal(out->omitted_bytes, 100);
  assert_data(out, "headtail!");
}

static void without_a_record_what_was_written_is_delivered(void **state)
{
  struct site *site = *state;
  put_file(site, "stdout", "partial", 7);
  const struct stream_output *out = read_all(site, STREAM_STDOUT);
  assert_int_equal(out->bytes, 7);
  assert_int_equal(out->omitted_bytes, 0);
  assert_data(out, "partial");
}

static void after_a_reboot_nothing_is_believed_that_no_digest_vouches_for(void **state)
{
  struct site *site = *state;
  static const unsigned char order[] = {0, 5, 0, 0, 0};
  put_file(site, "stdout", "par\0\0", 5);
  put_file(site, "order", order, sizeof order);
  const struct stream_output *out = read_after_reboot(site, STREAM_STDOUT);
  assert_int_equal(out->bytes, 5);
  assert_int_equal(out->omitted_bytes, 5);
  assert_int_equal(stream_kept_bytes(out), 0);
  assert_null(out->data);
  assert_null(site->evidence.outputs->order);
}

static void a_marker_that_a_reboot_tore_is_as_doubtful_as_one_of_another_boot(void **state)
{
  struct site *site = *state;
  put_file(site, "start", "", 0);
  assert_true(evidence_read(site->evidence_fd, site->name, &site->evidence, 0));
  evidence_doubt_after_reboot(&site->evidence);
  assert_true(site->evidence.doubtful);
}

static void after_a_reboot_a_digest_still_vouches_for_its_stream(void **state)
{
  struct site *site = *state;
  put_stream(site, STREAM_STDOUT, "whole", 5);
  put_record(site);
  assert_data(read_after_reboot(site, STREAM_STDOUT), "whole");
  assert_true(site->evidence.recorded);
}

static void after_a_reboot_a_stream_without_its_middle_makes_the_record_worthless(void **state)
{
  struct site *site = *state;
  put_file(site, "stdout", "headtail!", 9);
  site->record.stream[STREAM_STDOUT] = (struct stream_record){.bytes = 109, .omitted_bytes = 100, .digest = 1};
  put_record(site);
  assert_int_equal(stream_kept_bytes(read_after_reboot(site, STREAM_STDOUT)), 0);
  assert_damaged(site, "stdout: the host was restarted before it was known to be saved");
}

static void after_a_reboot_what_owns_up_to_a_failed_save_is_counted_only(void **state)
{
  struct site *site = *state;
  put_stream(site, STREAM_STDOUT, "ten bytes!", 10);
  site->record.evidence_errno = 28;
  put_record(site);
  put_file(site, "stdout", "ten", 3);
  const struct stream_output *out = read_after_reboot(site, STREAM_STDOUT);
  assert_true(site->evidence.recorded);
  assert_int_equal(out->bytes, 10);
  assert_int_equal(out->omitted_bytes, 10);
}

static void a_ring_that_has_not_wrapped_is_put_in_order(void **state)
{
  struct site *site = *state;
  put_turning(site, "abcdefghijkl", 12, 10); /* head abcde, then fghij, of which k and l have overwritten f and g */
  const struct stream_output *out = read_all(site, STREAM_STDOUT);
  assert_data(out, "abcdehijkl");
  assert_int_equal(out->bytes, 12);
  assert_int_equal(out->omitted_bytes, 2);
  assert_int_equal(out->head_bytes, 5);
}

static void a_ring_that_has_wrapped_often_is_put_in_order(void **state)
{
  struct site *site = *state;
  put_turning(site, "0123456789abcdefghijklmnopqrstuvwxyz", 36, 7);
  const struct stream_output *out = read_all(site, STREAM_STDOUT);
  assert_data(out, "0123xyz");
  assert_int_equal(out->omitted_bytes, 29);
  assert_int_equal(out->head_bytes, 4);
}

static void a_ring_at_the_start_of_a_turn_is_in_order_already(void **state)
{
  struct site *site = *state;
  put_turning(site, "0123456789abcde", 15, 10); /* the tail has been overwritten exactly once */
  assert_data(read_all(site, STREAM_STDOUT), "01234abcde");
}

static void limits_too_small_for_a_tail_have_no_ring(void **state)
{
  struct site *site = *state;
  put_file(site, "stdout", "a", 1);
  put_ring(site, STREAM_STDOUT, 1, 500);
  const struct stream_output *out = read_all(site, STREAM_STDOUT);
  assert_data(out, "a");
  assert_int_equal(out->bytes, 500);
  assert_int_equal(out->omitted_bytes, 499);
}

static void a_ring_with_nonsense_in_it_changes_nothing(void **state)
{
  struct site *site = *state;
  put_file(site, "stdout", "partial", 7);
  put_file(site, "ring", "nonsense", 8);
  assert_data(read_all(site, STREAM_STDOUT), "partial");
  evidence_release(&site->evidence);
  put_ring(site, STREAM_STDOUT, 7, UINT64_MAX); /* more than anybody could have written */
  assert_int_equal(read_all(site, STREAM_STDOUT)->bytes, 7);
  put_ring(site, STREAM_STDOUT, 1000, 5000); /* of a file that has not even reached its limit */
  evidence_release(&site->evidence);
  assert_data(read_all(site, STREAM_STDOUT), "partial");
}

static void the_order_is_kept_as_far_as_it_makes_sense(void **state)
{
  struct site *site = *state;
  put_stream(site, STREAM_STDOUT, "ac", 2);
  put_stream(site, STREAM_STDERR, "b", 1);
  put_record(site);
  put_file(site, "order", "\0\1\0\0\0\1\1\0\0\0\0\1\0", 13); /* and a run that was cut off */
  read_all(site, STREAM_STDOUT);
  assert_true(site->evidence.recorded);
  assert_int_equal(site->evidence.outputs->order->size, 10);
  CLEANUP_BUFFER struct buffer merged = {0};
  outputs_merge(site->evidence.outputs, &merged);
  assert_string_equal(merged.data, "abc");
}

static void an_order_of_unknown_streams_is_dropped(void **state)
{
  struct site *site = *state;
  put_file(site, "order", "\7\1\0\0\0", 5);
  read_all(site, STREAM_STDOUT);
  assert_int_equal(site->evidence.outputs->order->size, 0);
}

static char *large_text(size_t size)
{
  char *text = xmalloc(size);
  for (size_t i = 0; i < size; i++)
    text[i] = (char)(i * 31 % 251);
  return text;
}

static void assert_file(const struct stream_output *stream, const char *text, size_t size)
{
  assert_null(stream->data);
  CLEANUP_BLOB struct blob *bytes = file_read(AT_FDCWD, stream->path, MIB(64), 0);
  assert_non_null(bytes);
  assert_int_equal(bytes->size, size);
  assert_memory_equal(bytes->data, text, size);
}

static void a_large_stream_is_delivered_as_a_file_and_stays_evidence_when_that_is_taken_away(void **state)
{
  struct site *site = *state;
  size_t size = OUTPUT_IN_DATABASE_BYTES_MAX + 1;
  CLEANUP_FREE char *text = large_text(size);
  put_stream(site, STREAM_STDOUT, text, size);
  put_record(site);
  const struct stream_output *out = read_all(site, STREAM_STDOUT);
  assert_file(out, text, size);
  assert_int_equal(unlink(out->path), 0);

  evidence_release(&site->evidence);
  out = read_all(site, STREAM_STDOUT);
  assert_true(site->evidence.recorded);
  assert_file(out, text, size);
  evidence_release(&site->evidence); /* and again, with the file of the last time still there */
  assert_file(read_all(site, STREAM_STDOUT), text, size);
}

static void a_large_ring_is_delivered_in_order(void **state)
{
  struct site *site = *state;
  size_t limit = OUTPUT_IN_DATABASE_BYTES_MAX + 2, bytes = limit + 1000, head = head_bytes(limit);
  CLEANUP_FREE char *text = large_text(bytes);
  CLEANUP_FREE char *file = xmalloc(limit);
  for (size_t i = 0; i < bytes; i++)
    file[ring_offset(limit, i)] = text[i];
  put_file(site, "stdout", file, limit);
  put_ring(site, STREAM_STDOUT, limit, bytes);
  memmove(text + head, text + head + 1000, limit - head); /* as it should be: head and tail */
  assert_file(read_all(site, STREAM_STDOUT), text, limit);
}

static void removing_leaves_nothing_and_can_be_repeated(void **state)
{
  struct site *site = *state;
  struct cgroup_layout none = {0};
  put_stream(site, STREAM_STDOUT, "x", 1);
  assert_int_equal(symlinkat("/etc", site->attempt_fd, "link"), 0);
  assert_int_equal(mkdirat(site->attempt_fd, "directory", 0700), 0);
  assert_true(attempt_remove(site->evidence_fd, &none, site->name));
  assert_int_equal(faccessat(site->evidence_fd, site->name.text, F_OK, 0), -1);
  assert_int_equal(access("/etc/passwd", F_OK), 0);
  assert_true(attempt_remove(site->evidence_fd, &none, site->name));
}

static void count_name(void *count, struct name name)
{
  (void)name;
  ++*(int *)count;
}

static void only_our_names_are_listed(void **state)
{
  struct site *site = *state;
  int count = 0;
  assert_int_equal(mkdirat(site->evidence_fd, "assay-something-else", 0700), 0);
  directory_each_attempt(site->evidence_fd, count_name, &count);
  assert_int_equal(count, 1);
  assert_int_equal(unlinkat(site->evidence_fd, "assay-something-else", AT_REMOVEDIR), 0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(no_directory_is_no_evidence),
    TEST(what_cannot_be_read_is_not_called_absent),
    TEST(a_start_marker_is_read),
    TEST(an_empty_start_marker_still_means_started),
    TEST(a_whole_record_with_whole_streams_counts),
    TEST(without_memory_it_cannot_be_told_and_later_it_can),
    TEST(a_record_without_its_end_line_is_none),
    TEST(an_empty_record_is_none),
    TEST(a_stream_with_another_digest_makes_the_record_worthless_and_is_delivered),
    TEST(a_truncated_stream_makes_the_record_worthless_and_is_delivered),
    TEST(a_missing_stream_makes_the_record_worthless),
    TEST(a_record_that_owns_up_to_a_failed_save_counts_without_its_bytes),
    TEST(an_omitted_middle_is_told_by_head_and_counts),
    TEST(without_a_record_what_was_written_is_delivered),
    TEST(after_a_reboot_nothing_is_believed_that_no_digest_vouches_for),
    TEST(a_marker_that_a_reboot_tore_is_as_doubtful_as_one_of_another_boot),
    TEST(after_a_reboot_a_digest_still_vouches_for_its_stream),
    TEST(after_a_reboot_a_stream_without_its_middle_makes_the_record_worthless),
    TEST(after_a_reboot_what_owns_up_to_a_failed_save_is_counted_only),
    TEST(a_ring_that_has_not_wrapped_is_put_in_order),
    TEST(a_ring_that_has_wrapped_often_is_put_in_order),
    TEST(a_ring_at_the_start_of_a_turn_is_in_order_already),
    TEST(limits_too_small_for_a_tail_have_no_ring),
    TEST(a_ring_with_nonsense_in_it_changes_nothing),
    TEST(the_order_is_kept_as_far_as_it_makes_sense),
    TEST(an_order_of_unknown_streams_is_dropped),
    TEST(a_large_stream_is_delivered_as_a_file_and_stays_evidence_when_that_is_taken_away),
    TEST(a_large_ring_is_delivered_in_order),
    TEST(removing_leaves_nothing_and_can_be_repeated),
    TEST(only_our_names_are_listed),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
