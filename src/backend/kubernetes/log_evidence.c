#include "backend/kubernetes/log_evidence.h"

#include "backend/evidence/evidence_read.h"
#include "base/fd.h"
#include "base/memory.h"
#include "wire/frames.h"
#include "wire/pod.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = FRAME_ORDER + 1, DIRECTORY_MODE = 0700, FILE_MODE = 0600 };

/* What is behind a gap of a stream: bytes that follow one another, at their own offsets in a file beside the stream's. */
struct rest {
  uint64_t from, to;
};

struct log_evidence {
  int directory;
  struct log_evidence_state state;
  unsigned char key[SEAL_KEY_BYTES];
  struct frames_decoder decoder;
  uint64_t whole;                           /* all frames before this one have been taken */
  int file[FILES], rest_file[STREAM_COUNT]; /* -1: not there */
  uint64_t size[FILES];
  struct rest rest[STREAM_COUNT];
  bool has_record; /* one that is ours has come */
  bool is_whole;   /* and all frames before it */
  struct record record;
  struct error *error; /* of the call that is being made */
};

static const char *file_name(unsigned file)
{
  return file == FRAME_ORDER ? "order" : stream_name((enum stream)file);
}

struct rest_name {
  char text[32];
};

static struct rest_name rest_name(enum stream stream)
{
  struct rest_name name;
  snprintf(name.text, sizeof name.text, "%s.rest", stream_name(stream));
  return name;
}

static bool open_file(struct log_evidence *evidence, const char *name, int *file)
{
  if (*file < 0)
    *file = openat(evidence->directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
  return *file >= 0 || error_errno(evidence->error, "cannot make %s", name);
}

static bool write_at(struct log_evidence *evidence, int file, const void *data, size_t size, uint64_t offset)
{
  for (size_t done = 0; done < size;) {
    const ssize_t written = pwrite(file, (const char *)data + done, size - done, (off_t)(offset + done));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return error_errno(evidence->error, "cannot write the evidence");
    done += (size_t)written;
  }
  return true;
}

/* Complete or absent. */
static bool put_file(struct log_evidence *evidence, const char *name, const void *data, size_t size)
{
  char unfinished[32];
  snprintf(unfinished, sizeof unfinished, "%s.tmp", name);
  CLEANUP_FD int file =
    openat(evidence->directory, unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
  if (file < 0 || !fd_write_all(file, data, size) ||
      renameat(evidence->directory, unfinished, evidence->directory, name) < 0)
    return error_errno(evidence->error, "cannot write %s", name);
  return true;
}

static bool put_copy_marker(struct log_evidence *evidence, const struct copy_marker *marker)
{
  CLEANUP_BUFFER struct buffer text = {0};
  copy_marker_encode(marker, &text);
  return put_file(evidence, "copy", text.data, text.size);
}

static bool put_record(struct log_evidence *evidence)
{
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(&evidence->record, &text);
  evidence->state.recorded = put_file(evidence, "exit", text.data, text.size);
  return evidence->state.recorded;
}

/* What a person may read, from bytes of anybody's. */
static void copy_printable(char ret[static REASON_SIZE], const char *text, size_t size)
{
  size_t used = 0;
  for (size_t i = 0; i < size && used < REASON_SIZE - 1; i++)
    ret[used++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
  ret[used] = 0;
}

/* One keeper starts an attempt once, and says the same of it every time. */
static bool take_start(struct log_evidence *evidence, const struct frame *frame)
{
  struct start_marker marker;
  CLEANUP_BLOB struct blob *known = file_read(evidence->directory, "start", RECORD_BYTES_MAX, 0);
  if (known && (known->size != frame->size || memcmp(known->data, frame->data, frame->size) != 0))
    evidence->state.another_start = true;
  if (known || !start_marker_decode(frame->data, frame->size, &marker, 0))
    return true;
  evidence->state.started = put_file(evidence, "start", frame->data, frame->size);
  return evidence->state.started;
}

/* Behind a gap. Of several runs the last one is kept: a traceback stands at the end. */
static bool set_aside(struct log_evidence *evidence, const struct frame *frame)
{
  const enum stream stream = (enum stream)frame->kind;
  if (frame->kind == FRAME_ORDER)
    return true;
  if (!open_file(evidence, rest_name(stream).text, &evidence->rest_file[stream]) ||
      !write_at(evidence, evidence->rest_file[stream], frame->data, frame->size, frame->position))
    return false;
  struct rest *rest = &evidence->rest[stream];
  if (frame->position != rest->to)
    rest->from = frame->position;
  rest->to = frame->position + frame->size;
  return true;
}

static bool take_bytes(struct log_evidence *evidence, const struct frame *frame)
{
  uint64_t *size = &evidence->size[frame->kind];
  if (frame->position > *size)
    return set_aside(evidence, frame);
  const uint64_t known = *size - frame->position;
  if (known >= frame->size)
    return true;
  if (!open_file(evidence, file_name(frame->kind), &evidence->file[frame->kind]) ||
      !write_at(evidence, evidence->file[frame->kind], (const char *)frame->data + known, frame->size - (size_t)known,
                *size))
    return false;
  *size += frame->size - known;
  return true;
}

static void take_record(struct log_evidence *evidence, const char *text, size_t size)
{
  if (evidence->has_record)
    return;
  evidence->has_record = seal_open(evidence->key, text, size, &evidence->record, 0);
  evidence->state.forged |= !evidence->has_record;
}

static bool take_frame(struct log_evidence *evidence, const struct frame *frame)
{
  if (frame->kind == FRAME_START)
    return take_start(evidence, frame);
  if (evidence->state.another_start)
    return true;
  switch (frame->kind) {
  case FRAME_RECORD:
    take_record(evidence, frame->data, frame->size);
    return true;
  case FRAME_FAILURE:
    copy_printable(evidence->state.failure, frame->data, frame->size);
    return true;
  default:
    return take_bytes(evidence, frame);
  }
}

static bool take_event(void *context, const struct frames_event *event)
{
  struct log_evidence *evidence = context;
  switch (event->type) {
  case FRAMES_GAP:
    evidence->state.gap = true;
    return true;
  case FRAMES_DAMAGED:
    evidence->state.damaged_lines++;
    return true;
  case FRAMES_FOREIGN:
    evidence->state.foreign_lines++;
    copy_printable(evidence->state.foreign, event->text, event->text_size);
    return true;
  case FRAMES_REPEATED: /* of another log, perhaps */
    return event->frame.kind != FRAME_START || take_start(evidence, &event->frame);
  default:
    break;
  }
  if (!take_frame(evidence, &event->frame))
    return false;
  if (evidence->state.gap || evidence->state.another_start)
    return true;
  if (event->frame.kind == FRAME_RECORD) /* is due until `exit` is there */
    evidence->is_whole = evidence->has_record;
  else
    evidence->whole = event->frame.number + 1;
  return true;
}

bool log_evidence_feed(struct log_evidence *evidence, const void *data, size_t size, struct error *error)
{
  const uint64_t before = evidence->whole;
  evidence->error = error;
  if (evidence->state.recorded)
    return true;
  if (!frames_decode(&evidence->decoder, data, size, take_event, evidence))
    return false;
  if (evidence->whole > before && !put_copy_marker(evidence, &(struct copy_marker){.next_frame = evidence->whole}))
    return false;
  return !evidence->is_whole || put_record(evidence);
}

void log_evidence_rewind(struct log_evidence *evidence)
{
  frames_restart(&evidence->decoder, evidence->whole);
  memset(evidence->rest, 0, sizeof evidence->rest);
  evidence->state.gap = evidence->state.another_start = false;
  evidence->state.damaged_lines = evidence->state.foreign_lines = 0;
  evidence->state.foreign[0] = 0;
}

static bool append_rest(struct log_evidence *evidence, enum stream stream, uint64_t from, uint64_t to)
{
  char piece[16 * 1024];
  uint64_t size = evidence->size[stream];
  if (from < to && !open_file(evidence, stream_name(stream), &evidence->file[stream]))
    return false;
  while (from < to) {
    const size_t part = to - from < sizeof piece ? (size_t)(to - from) : sizeof piece;
    if (!fd_read_all_at(evidence->rest_file[stream], piece, part, from))
      return error_errno(evidence->error, "cannot read the evidence");
    if (!write_at(evidence, evidence->file[stream], piece, part, size))
      return false;
    from += part;
    size += part;
  }
  evidence->size[stream] = size;
  return true;
}

/* Where what was left out by the keeper and what was lost are not the same place, all between them is given up: a stream
 * has one gap. */
struct salvage {
  uint64_t head, rest_from, rest_to; /* of what the keeper kept */
};

static struct salvage salvage_of(const struct log_evidence *evidence, enum stream stream)
{
  const struct stream_record *record = &evidence->record.stream[stream];
  const uint64_t kept = record->bytes - record->omitted_bytes;
  const struct rest *rest = &evidence->rest[stream];
  struct salvage salvage = {evidence->size[stream], kept, kept};
  if (salvage.head >= kept)
    return salvage;
  if (rest->to == kept && rest->from < kept)
    salvage.rest_from = rest->from > salvage.head ? rest->from : salvage.head;
  if (record->omitted_bytes) {
    const uint64_t gap = head_bytes(kept);
    salvage.head = salvage.head < gap ? salvage.head : gap;
    salvage.rest_from = salvage.rest_from > gap ? salvage.rest_from : gap;
  }
  return salvage;
}

static bool cut(struct log_evidence *evidence, enum stream stream, uint64_t size)
{
  if (evidence->size[stream] <= size)
    return true;
  if (ftruncate(evidence->file[stream], (off_t)size) < 0)
    return error_errno(evidence->error, "cannot shorten %s", stream_name(stream));
  evidence->size[stream] = size;
  return true;
}

/* How the streams are interleaved may be among what is missing, and then nobody can tell where it ends. What is given up is
 * written down first: should we die on the way, log_evidence_open() finds the heads again. */
static bool give_up_missing(struct log_evidence *evidence)
{
  struct copy_marker marker = {.next_frame = evidence->whole};
  struct salvage salvage[STREAM_COUNT];
  for (int i = 0; i < STREAM_COUNT; i++) {
    salvage[i] = salvage_of(evidence, (enum stream)i);
    if (salvage[i].rest_from > salvage[i].head)
      marker.stream[i] =
        (struct copied_stream){.head_bytes = salvage[i].head, .missing_bytes = salvage[i].rest_from - salvage[i].head};
  }
  evidence->record.order_cut |= !evidence->is_whole;
  if (!put_copy_marker(evidence, &marker))
    return false;
  for (int i = 0; i < STREAM_COUNT; i++)
    if (salvage[i].head < salvage[i].rest_to &&
        (!cut(evidence, (enum stream)i, salvage[i].head) ||
         !append_rest(evidence, (enum stream)i, salvage[i].rest_from, salvage[i].rest_to)))
      return false;
  return true;
}

/* Whoever has a record was started. */
static bool put_missing_start(struct log_evidence *evidence)
{
  CLEANUP_BUFFER struct buffer text = {0};
  if (evidence->state.started)
    return true;
  start_marker_encode(&(struct start_marker){.at = evidence->record.started_at}, &text);
  evidence->state.started = put_file(evidence, "start", text.data, text.size);
  return evidence->state.started;
}

static void remove_rests(struct log_evidence *evidence)
{
  for (int i = 0; i < STREAM_COUNT; i++) {
    fd_close(evidence->rest_file[i]);
    evidence->rest_file[i] = -1;
    (void)unlinkat(evidence->directory, rest_name((enum stream)i).text, 0);
  }
}

static bool take_record_alone(void *context, const struct frames_event *event)
{
  if (event->type == FRAMES_FRAME && event->frame.kind == FRAME_RECORD)
    take_record(context, event->frame.data, event->frame.size);
  return true;
}

static void take_record_of_log(struct log_evidence *evidence, const char *log)
{
  struct frames_decoder decoder = {0};
  frames_decode(&decoder, log, strlen(log), take_record_alone, evidence);
  frames_decoder_release(&decoder);
}

static void take_message(struct log_evidence *evidence, const char *message)
{
  const size_t size = strlen(message);
  if (!strncmp(message, POD_FAILURE_TITLE, strlen(POD_FAILURE_TITLE)))
    copy_printable(evidence->state.failure, message + strlen(POD_FAILURE_TITLE), size - strlen(POD_FAILURE_TITLE));
  else if (frames_begin(message, size))
    take_record_of_log(evidence, message);
  else if (size)
    take_record(evidence, message, size);
}

/* The program may have written it: what stands there counts if the record does. */
bool log_evidence_feed_message(struct log_evidence *evidence, const char *message, struct error *error)
{
  take_message(evidence, message);
  if (!evidence->has_record)
    return true;
  log_evidence_rewind(evidence);
  return log_evidence_feed(evidence, message, strlen(message), error);
}

bool log_evidence_seal(struct log_evidence *evidence, const char *message, struct error *error)
{
  evidence->error = error;
  if (evidence->state.recorded)
    return true;
  if (!frames_end(&evidence->decoder, take_event, evidence))
    return false;
  if (message)
    take_message(evidence, message);
  if (evidence->has_record && (!give_up_missing(evidence) || !put_missing_start(evidence) || !put_record(evidence)))
    return false;
  remove_rests(evidence);
  return true;
}

const struct log_evidence_state *log_evidence_state(const struct log_evidence *evidence)
{
  return &evidence->state;
}

static bool has_file(const struct log_evidence *evidence, const char *name)
{
  struct stat status;
  return fstatat(evidence->directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What there is of a stream. Of one that was being put together when we died, the head alone. */
static bool resume_file(struct log_evidence *evidence, unsigned file, const struct copy_marker *marker)
{
  struct stat status;
  const int fd = openat(evidence->directory, file_name(file), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return true;
  evidence->file[file] = fd;
  if (fd < 0 || fstat(fd, &status) < 0)
    return error_errno(evidence->error, "cannot open %s", file_name(file));
  evidence->size[file] = (uint64_t)status.st_size;
  const bool torn = file < STREAM_COUNT && marker->stream[file].missing_bytes;
  return !torn || cut(evidence, (enum stream)file, marker->stream[file].head_bytes);
}

/* A head that was cut at the keeper's own gap, or a marker that is damaged: then the log is taken in from the first frame. */
static bool resume(struct log_evidence *evidence)
{
  struct copy_marker marker = {0};
  bool torn = false;
  CLEANUP_BLOB struct blob *text = file_read(evidence->directory, "copy", RECORD_BYTES_MAX, 0);
  if (text)
    copy_marker_decode(text->data, text->size, &marker, 0);
  evidence->state.started = has_file(evidence, "start");
  evidence->state.recorded = has_file(evidence, "exit");
  if (evidence->state.recorded)
    return true;
  for (unsigned i = 0; i < FILES; i++) {
    torn |= i < STREAM_COUNT && marker.stream[i].missing_bytes;
    if (!resume_file(evidence, i, &marker))
      return false;
  }
  evidence->whole = torn ? 0 : marker.next_frame;
  return true;
}

static bool same_bytes(const struct blob *one, const struct blob *other)
{
  return one && other && one->size == other->size && !memcmp(one->data, other->data, one->size);
}

/* `boot` is written when nothing is left of before, so it is as old as the oldest file of the copy. */
void log_evidence_forget_older(int evidence_fd, struct name name)
{
  enum { BOOT_BYTES_MAX = 64 };
  static const char *const others[] = {"start", "exit", "copy"};
  CLEANUP_FD int directory = evidence_open(evidence_fd, name);
  CLEANUP_BLOB struct blob *boot = file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", BOOT_BYTES_MAX, 0);
  CLEANUP_BLOB struct blob *known = directory >= 0 ? file_read(directory, "boot", BOOT_BYTES_MAX, 0) : 0;
  if (directory < 0 || !boot || same_bytes(boot, known))
    return;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    (void)unlinkat(directory, others[i], 0);
  for (unsigned i = 0; i < FILES; i++)
    (void)unlinkat(directory, file_name(i), 0);
  for (int i = 0; i < STREAM_COUNT; i++)
    (void)unlinkat(directory, rest_name((enum stream)i).text, 0);
  struct log_evidence copy = {.directory = directory};
  (void)put_file(&copy, "boot", boot->data, boot->size);
}

struct log_evidence *log_evidence_open(int evidence_fd, struct name name,
                                       const unsigned char key[static SEAL_KEY_BYTES], struct error *error)
{
  struct log_evidence *evidence = xcalloc(1, sizeof *evidence);
  evidence->error = error;
  memcpy(evidence->key, key, SEAL_KEY_BYTES);
  for (unsigned i = 0; i < FILES; i++)
    evidence->file[i] = -1;
  for (unsigned i = 0; i < STREAM_COUNT; i++)
    evidence->rest_file[i] = -1;
  const bool made = mkdirat(evidence_fd, name.text, DIRECTORY_MODE) == 0 || errno == EEXIST;
  if (made)
    log_evidence_forget_older(evidence_fd, name);
  evidence->directory = made ? evidence_open(evidence_fd, name) : -1;
  if (evidence->directory < 0) {
    error_errno(error, "cannot make the evidence directory");
    log_evidence_close(evidence);
    return 0;
  }
  if (!resume(evidence)) {
    log_evidence_close(evidence);
    return 0;
  }
  frames_restart(&evidence->decoder, evidence->whole);
  return evidence;
}

void log_evidence_close(struct log_evidence *evidence)
{
  if (!evidence)
    return;
  for (unsigned i = 0; i < FILES; i++)
    fd_close(evidence->file[i]);
  for (unsigned i = 0; i < STREAM_COUNT; i++)
    fd_close(evidence->rest_file[i]);
  fd_close(evidence->directory);
  frames_decoder_release(&evidence->decoder);
  explicit_bzero(evidence->key, sizeof evidence->key);
  free(evidence);
}
