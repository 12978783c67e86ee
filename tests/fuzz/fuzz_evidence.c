/*
 * An evidence directory, made of the input: the files exit, start, stdout, stderr, compile, order and ring, one behind
 * the other with a line "--" in between; an empty one is not there. Read once as it is, and once with a record that says
 * of its streams what they are. Besides what the sanitizers see, these must hold:
 *
 * - whatever is in the files, it can be told what was written, and reading it again tells the same;
 * - a record that is right about its streams is believed, and what is delivered is what is in the files;
 * - what is kept of a stream are all of its bytes but the omitted ones, and the merged output has those of both streams;
 * - an answer that shows them is JSON, and has every byte where it says that it lost none.
 */

#include "api/encode.h"
#include "backend/directory.h"
#include "backend/evidence/evidence_read.h"
#include "base/base64.h"
#include "base/fd.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_COUNT = 7, EXIT = 0, FIRST_STREAM = 2 };
static const char *const names[FILE_COUNT] = {"exit", "start", "stdout", "stderr", "compile", "order", "ring"};
static const char separator[] = "\n--\n";

struct piece {
  const uint8_t *data;
  size_t size;
};

static int scratch = -1;
static char scratch_path[] = "/tmp/assay-fuzz-evidence-XXXXXX";
static struct name name;

static void remove_scratch(void)
{
  directory_remove(scratch, name.text, DIRECTORY_OF_FILES);
  directory_remove(AT_FDCWD, scratch_path, DIRECTORY_OF_FILES);
}

static void open_scratch(void)
{
  name = name_make("20261122_195800_0123abcd", 1);
  ASSERT(mkdtemp(scratch_path));
  scratch = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT(scratch >= 0 && mkdirat(scratch, name.text, 0700) == 0);
  atexit(remove_scratch);
}

static void split(const uint8_t *data, size_t size, struct piece ret[static FILE_COUNT])
{
  memset(ret, 0, FILE_COUNT * sizeof *ret);
  for (size_t i = 0; i < FILE_COUNT && data; i++) {
    const uint8_t *end = memmem(data, size, separator, sizeof separator - 1);
    ret[i] = (struct piece){data, end ? (size_t)(end - data) : size};
    size -= end ? ret[i].size + sizeof separator - 1 : size;
    data = end ? end + sizeof separator - 1 : 0;
  }
}

static void write_files(const struct piece files[static FILE_COUNT])
{
  CLEANUP_FD int directory = openat(scratch, name.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; i < FILE_COUNT; i++) {
    if (!files[i].size) {
      unlinkat(directory, names[i], 0);
      continue;
    }
    CLEANUP_FD int fd = openat(directory, names[i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT(fd >= 0 && fd_write_all(fd, files[i].data, files[i].size));
  }
}

static void read_all(struct evidence *ret)
{
  struct error error = {0};
  ASSERT(evidence_read(scratch, name, ret, &error) && ret->found);
  ASSERT(evidence_read_outputs(scratch, scratch_path, name, ret, &error));
  ASSERT(memchr(ret->problem, 0, sizeof ret->problem));
}

static size_t data_size(const struct stream_output *stream)
{
  return stream->data ? stream->data->size : 0;
}

static void check_stream(const struct stream_output *stream)
{
  ASSERT(stream->omitted_bytes <= stream->bytes && !stream->path);
  ASSERT(stream_kept_bytes(stream) == data_size(stream));
  ASSERT(stream->head_bytes <= data_size(stream));
  ASSERT(stream->omitted_bytes || stream->head_bytes == data_size(stream));
}

static void check_merged(const struct outputs *outputs)
{
  CLEANUP_BUFFER struct buffer merged = {0};
  outputs_merge(outputs, &merged);
  ASSERT(merged.size == data_size(&outputs->stream[STREAM_STDOUT]) + data_size(&outputs->stream[STREAM_STDERR]));
}

static void check_answer(struct evaluation *evaluation, bool base64)
{
  CLEANUP_BUFFER struct buffer text = {0}, decoded = {0};
  struct json_writer json = {.out = &text};
  encode_evaluation(&json, evaluation, &(struct encode_options){.base64 = base64});
  json_t *answer = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, 0);
  ASSERT(json_is_object(answer));
  for (enum stream stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++) {
    const struct blob *bytes = evaluation->outputs->stream[stream].data;
    const json_t *shown = json_object_get(answer, stream_name(stream)), *said = json_object_get(shown, "text");
    buffer_clear(&decoded);
    if (base64)
      ASSERT(base64_decode(json_string_value(said), json_string_length(said), &decoded));
    else
      buffer_append(&decoded, json_string_value(said), json_string_length(said));
    if (json_is_false(json_object_get(shown, "lossy")) && bytes)
      ASSERT(decoded.size == bytes->size && memcmp(decoded.data, bytes->data, bytes->size) == 0);
  }
  json_decref(answer);
}

static void check_evidence(const struct evidence *evidence)
{
  for (enum stream stream = 0; stream < STREAM_COUNT; stream++)
    check_stream(&evidence->outputs->stream[stream]);
  check_merged(evidence->outputs);
  struct evaluation *evaluation = evaluation_create();
  evaluation->state = STATE_FINISHED;
  evaluation->verdict.kind = VERDICT_LOST;
  evaluation->outputs = outputs_ref(evidence->outputs);
  check_answer(evaluation, false);
  check_answer(evaluation, true);
  evaluation_destroy(evaluation);
}

static bool same_blob(const struct blob *a, const struct blob *b)
{
  return a == b || (a && b && a->size == b->size && memcmp(a->data, b->data, a->size) == 0);
}

static void check_same(const struct evidence *a, const struct evidence *b)
{
  ASSERT(a->started == b->started && a->recorded == b->recorded && strcmp(a->problem, b->problem) == 0);
  for (enum stream i = 0; i < STREAM_COUNT; i++) {
    const struct stream_output *one = &a->outputs->stream[i], *other = &b->outputs->stream[i];
    ASSERT(one->bytes == other->bytes && one->omitted_bytes == other->omitted_bytes);
    ASSERT(one->head_bytes == other->head_bytes && same_blob(one->data, other->data));
  }
  ASSERT(same_blob(a->outputs->order, b->outputs->order));
}

static void check_files(const struct piece files[static FILE_COUNT], bool *ret_recorded, struct record *ret_record)
{
  CLEANUP_EVIDENCE struct evidence evidence = {0}, again = {0};
  write_files(files);
  read_all(&evidence);
  check_evidence(&evidence);
  read_all(&again);
  check_same(&evidence, &again);
  *ret_recorded = evidence.recorded;
  *ret_record = evidence.record;
}

/* The record with the truth about its streams: `omitted_bytes` is what the record says, if that can be. */
static void make_true(struct record *record, const struct piece files[static FILE_COUNT])
{
  record->evidence_errno = 0;
  for (enum stream i = 0; i < STREAM_COUNT; i++) {
    const struct piece *file = &files[FIRST_STREAM + i];
    struct stream_record *stream = &record->stream[i];
    stream->omitted_bytes = file->size ? stream->omitted_bytes % UINT32_MAX : 0;
    stream->bytes = file->size + stream->omitted_bytes;
    stream->digest = stream->omitted_bytes ? 0 : digest_bytes(file->data, file->size);
  }
}

static void check_true(struct record *record, struct piece files[static FILE_COUNT])
{
  CLEANUP_BUFFER struct buffer text = {0};
  CLEANUP_EVIDENCE struct evidence evidence = {0};
  make_true(record, files);
  record_encode(record, &text);
  files[EXIT] = (struct piece){(const uint8_t *)text.data, text.size};
  write_files(files);
  read_all(&evidence);
  ASSERT(evidence.recorded && !evidence.problem[0]);
  check_evidence(&evidence);
  for (enum stream i = 0; i < STREAM_COUNT; i++) {
    const struct stream_output *stream = &evidence.outputs->stream[i];
    const struct piece *file = &files[FIRST_STREAM + i];
    ASSERT(stream->bytes == record->stream[i].bytes && data_size(stream) == file->size);
    ASSERT(!file->size || memcmp(stream->data->data, file->data, file->size) == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct piece files[FILE_COUNT];
  struct record record;
  bool recorded;
  if (scratch < 0)
    open_scratch();
  split(data, size, files);
  check_files(files, &recorded, &record);
  /* No fuzzer finds a text that agrees with the digest in its last line: that is added here. */
  CLEANUP_BUFFER struct buffer closed = {0};
  buffer_append(&closed, files[EXIT].data, files[EXIT].size);
  buffer_puts(&closed, "\n");
  buffer_printf(&closed, "end %llu\n", (unsigned long long)digest_bytes(closed.data, closed.size));
  files[EXIT] = (struct piece){(const uint8_t *)closed.data, closed.size};
  check_files(files, &recorded, &record);
  if (recorded)
    check_true(&record, files);
  return 0;
}
