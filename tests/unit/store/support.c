#include "support.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS_MAX = 20000 };

char *directory_make(void)
{
  const char *parent = getenv("TMPDIR");
  char *path = xasprintf("%s/assay-store-XXXXXX", parent && *parent ? parent : "/tmp");
  assert_non_null(mkdtemp(path));
  return path;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
  (void)status;
  (void)type;
  (void)position;
  return remove(path);
}

void directory_remove(const char *path)
{
  nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

char *path_in(const char *directory, const char *name)
{
  return xasprintf("%s/%s", directory, name);
}

static void copy_file(const char *from, const char *to)
{
  CLEANUP_BLOB struct blob *bytes = file_read(AT_FDCWD, from, SIZE_MAX / 4, 0);
  assert_non_null(bytes);
  CLEANUP_FD int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && fd_write_all(fd, bytes->data, bytes->size));
}

void copy_directory(const char *from, const char *to)
{
  assert_true(mkdir(to, 0700) == 0 || errno == EEXIST);
  DIR *directory = opendir(from);
  assert_non_null(directory);
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (entry->d_name[0] == '.')
      continue;
    CLEANUP_FREE char *source = path_in(from, entry->d_name);
    CLEANUP_FREE char *target = path_in(to, entry->d_name);
    if (entry->d_type == DT_DIR)
      copy_directory(source, target);
    else
      copy_file(source, target);
  }
  closedir(directory);
}

uint64_t file_digest(const char *path)
{
  CLEANUP_BLOB struct blob *bytes = file_read(AT_FDCWD, path, SIZE_MAX / 4, 0);
  return bytes ? digest_bytes(bytes->data, bytes->size) : 0;
}

static void wake(void *context)
{
  struct fixture *fixture = context;
  eventfd_write(fixture->wake_fd, 1);
}

static void note_failure(void *context, const char *what)
{
  struct fixture *fixture = context;
  fixture->failures++;
  snprintf(fixture->failure, sizeof fixture->failure, "%s", what);
}

struct fixture *fixture_create_closed(void)
{
  struct fixture *fixture = xcalloc(1, sizeof *fixture);
  fixture->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  fixture->directory = directory_make();
  return fixture;
}

bool fixture_try_open(struct fixture *fixture, const char *directory, struct error *error)
{
  struct store_config config = {.state_dir = directory, .wake = wake, .failed = note_failure, .context = fixture};
  fixture->store = store_open(&config, error);
  return fixture->store;
}

void fixture_open(struct fixture *fixture, const char *directory)
{
  struct error error = {0};
  if (!fixture_try_open(fixture, directory, &error))
    fail_msg("%s", error.message);
}

struct fixture *fixture_create(void)
{
  struct fixture *fixture = fixture_create_closed();
  fixture_open(fixture, fixture->directory);
  return fixture;
}

void fixture_close(struct fixture *fixture)
{
  store_close(fixture->store);
  fixture->store = 0;
}

void fixture_destroy(struct fixture *fixture)
{
  fixture_close(fixture);
  directory_remove(fixture->directory);
  free(fixture->directory);
  fd_close(fixture->wake_fd);
  free(fixture);
}

struct fixture *fixture_crash(const struct fixture *fixture)
{
  struct fixture *after = fixture_create_closed();
  copy_directory(fixture->directory, after->directory);
  fixture_open(after, after->directory);
  return after;
}

void fixture_wait(struct fixture *fixture, const bool *done)
{
  while (!*done) {
    struct pollfd waiting = {.fd = fixture->wake_fd, .events = POLLIN};
    if (poll(&waiting, 1, WAIT_MS_MAX) <= 0)
      fail_msg("no answer from the store");
    eventfd_t count;
    eventfd_read(fixture->wake_fd, &count);
    store_dispatch(fixture->store);
  }
}

struct evaluation *evaluation_make(unsigned number)
{
  struct evaluation *evaluation = evaluation_create();
  snprintf(evaluation->id, sizeof evaluation->id, "20261122_195800_%08x", number);
  snprintf(evaluation->backend, sizeof evaluation->backend, "native");
  snprintf(evaluation->runtime, sizeof evaluation->runtime, "python");
  evaluation->image = xstrdup("python:3.12");
  evaluation->token = xstrdup("ci");
  evaluation->traceparent = xstrdup("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  evaluation->tracestate = xstrdup("rojo=1");
  evaluation->labels = xstrdup("{}");
  evaluation->plan = blob_create("a plan", 6);
  evaluation->entered_at[STATE_QUEUED] = (struct wall){1790000000000 + number};
  return evaluation;
}

void evaluation_end(struct evaluation *evaluation, enum verdict_kind kind)
{
  evaluation->state = STATE_SEALING;
  for (int state = STATE_PREPARING; state <= STATE_FINISHED; state++)
    evaluation->entered_at[state] = (struct wall){evaluation->entered_at[STATE_QUEUED].ms + state};
  snprintf(evaluation->progress, sizeof evaluation->progress, "pulled in 3 s");
  evaluation->started_at = (struct wall){evaluation->entered_at[STATE_QUEUED].ms + 1};
  evaluation->verdict = (struct verdict){.kind = kind, .exit_code = kind == VERDICT_COMPLETED ? 0 : 1};
  snprintf(evaluation->verdict.reason, sizeof evaluation->verdict.reason, "ended as %s", verdict_name(kind));
  evaluation->usage = (struct usage){12000, 11000, 9437184, 3};
  evaluation->isolation = 0xfff;
}

void evaluation_print(struct evaluation *evaluation, enum stream stream, const void *bytes, size_t size)
{
  if (!evaluation->outputs)
    evaluation->outputs = outputs_create();
  struct stream_output *output = &evaluation->outputs->stream[stream];
  output->data = blob_create(bytes, size);
  output->bytes = output->head_bytes = size;
}

void accepted_note(void *context, const char *id, enum store_result result, uint64_t sequence, const char *standing_id)
{
  (void)id;
  struct accepted *accepted = context;
  accepted->result = result;
  accepted->sequence = sequence;
  snprintf(accepted->standing_id, sizeof accepted->standing_id, "%s", standing_id ? standing_id : "");
  accepted->done = true;
}

struct accepted accept_now(struct fixture *fixture, const struct evaluation *evaluation)
{
  struct accepted accepted = {0};
  store_accept(fixture->store, evaluation, accepted_note, &accepted);
  fixture_wait(fixture, &accepted.done);
  return accepted;
}

struct written {
  bool done;
  enum store_result result;
};

static void written_note(void *context, const char *id, unsigned attempt, enum store_result result)
{
  (void)id;
  (void)attempt;
  *(struct written *)context = (struct written){true, result};
}

enum store_result attempt_now(struct fixture *fixture, const char *id, unsigned attempt)
{
  struct written written = {0};
  store_attempt(fixture->store, id, attempt, written_note, &written);
  fixture_wait(fixture, &written.done);
  return written.result;
}

enum store_result cancel_now(struct fixture *fixture, const char *id, int64_t at_ms)
{
  struct written written = {0};
  store_cancel(fixture->store, id, (struct wall){at_ms}, written_note, &written);
  fixture_wait(fixture, &written.done);
  return written.result;
}

enum store_result finish_now(struct fixture *fixture, const struct evaluation *evaluation)
{
  struct written written = {0};
  store_finish(fixture->store, evaluation, written_note, &written);
  fixture_wait(fixture, &written.done);
  return written.result;
}

struct got {
  bool done;
  struct evaluation *evaluation;
};

static void got_note(void *context, struct evaluation *evaluation, const struct error *error)
{
  if (error)
    fail_msg("%s", error->message);
  *(struct got *)context = (struct got){true, evaluation};
}

struct evaluation *get_now(struct fixture *fixture, const char *id)
{
  struct got got = {0};
  store_get(fixture->store, id, got_note, &got);
  fixture_wait(fixture, &got.done);
  return got.evaluation;
}

static void listed_note(void *context, struct evaluation **evaluations, size_t count, bool more,
                        const struct error *error)
{
  if (error)
    fail_msg("%s", error->message);
  *(struct listed *)context = (struct listed){.done = true, .more = more, .items = evaluations, .count = count};
}

struct listed list_now(struct fixture *fixture, const struct store_filter *filter)
{
  struct listed listed = {0};
  store_list(fixture->store, filter, listed_note, &listed);
  fixture_wait(fixture, &listed.done);
  return listed;
}

static void note_retained(void *context, unsigned removed, bool more)
{
  *(struct retained *)context = (struct retained){true, more, removed};
}

struct retained retain_now(struct fixture *fixture, uint64_t age_ms, uint64_t bytes)
{
  struct retained retained = {0};
  store_retain(fixture->store, &(struct store_retention){age_ms, bytes}, note_retained, &retained);
  fixture_wait(fixture, &retained.done);
  return retained;
}

void listed_release(struct listed *listed)
{
  for (size_t i = 0; i < listed->count; i++)
    evaluation_destroy(listed->items[i]);
  free(listed->items);
}

static void assert_same_text(const char *a, const char *b)
{
  if (a && b)
    assert_string_equal(a, b);
  else
    assert_true(a == b);
}

static void assert_same_outputs(const struct outputs *a, const struct outputs *b)
{
  assert_int_equal(!a, !b);
  if (!a || !b)
    return;
  for (int i = 0; i < STREAM_COUNT; i++) {
    const struct stream_output *one = &a->stream[i], *other = &b->stream[i];
    assert_int_equal(one->bytes, other->bytes);
    assert_int_equal(one->omitted_bytes, other->omitted_bytes);
    assert_int_equal(one->head_bytes, other->head_bytes);
    size_t size = one->data ? one->data->size : 0;
    assert_int_equal(size, other->data ? other->data->size : 0);
    if (size)
      assert_memory_equal(one->data->data, other->data->data, size);
  }
}

void assert_same_evaluation(const struct evaluation *a, const struct evaluation *b)
{
  assert_string_equal(a->id, b->id);
  assert_int_equal(a->attempt, b->attempt);
  assert_int_equal(a->attempts_max, b->attempts_max);
  assert_int_equal(a->priority, b->priority);
  assert_string_equal(a->backend, b->backend);
  assert_string_equal(a->runtime, b->runtime);
  assert_same_text(a->image, b->image);
  assert_same_text(a->token, b->token);
  assert_same_text(a->callback_url, b->callback_url);
  assert_memory_equal(&a->limits, &b->limits, sizeof a->limits);
  assert_string_equal(a->labels, b->labels);
  assert_same_text(a->idempotency_key, b->idempotency_key);
  assert_int_equal(a->body_digest, b->body_digest);
  assert_memory_equal(a->entered_at, b->entered_at, sizeof a->entered_at);
  assert_string_equal(a->progress, b->progress);
  assert_int_equal(a->cancelled_at.ms, b->cancelled_at.ms);
  assert_int_equal(a->started_at.ms, b->started_at.ms);
  assert_int_equal(a->verdict.kind, b->verdict.kind);
  assert_int_equal(a->verdict.exit_code, b->verdict.exit_code);
  assert_int_equal(a->verdict.signal, b->verdict.signal);
  assert_int_equal(a->verdict.retryable, b->verdict.retryable);
  assert_int_equal(a->verdict.limit, b->verdict.limit);
  assert_int_equal(a->verdict.limit_value, b->verdict.limit_value);
  assert_int_equal(a->verdict.limit_measured, b->verdict.limit_measured);
  assert_string_equal(a->verdict.reason, b->verdict.reason);
  assert_memory_equal(&a->usage, &b->usage, sizeof a->usage);
  assert_int_equal(a->isolation, b->isolation);
  assert_int_equal(a->order_cut, b->order_cut);
  assert_same_outputs(a->outputs, b->outputs);
}
