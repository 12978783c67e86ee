#include "wire/record.h"

#include "wire/fields.h"
#include "wire/isolation.h"

#include <string.h>
#include <xxhash.h>

static const char *const stream_names[] = {
  [STREAM_STDOUT] = "stdout", [STREAM_STDERR] = "stderr", [STREAM_COMPILE] = "compile"};
static const char *const step_names[] = {[STEP_COMPILE] = "compile", [STEP_RUN] = "run"};
static const char *const exit_kind_names[] = {
  [EXIT_NOT_STARTED] = "not_started", [EXIT_CODE] = "code", [EXIT_SIGNAL] = "signal"};
static const char *const kill_reason_names[] = {
#define X(name, text) [KILLED_##name] = text,
  KILL_REASONS(X)
#undef X
};

const char *stream_name(enum stream stream)
{
  ASSERT((unsigned)stream < STREAM_COUNT);
  return stream_names[stream];
}

const char *kill_reason_name(enum kill_reason reason)
{
  ASSERT((unsigned)reason < KILL_REASON_COUNT);
  return kill_reason_names[reason];
}

enum { SIGNAL_MAX = 64, ERRNO_MAX = 4095, EXIT_CODE_MAX = 255 };

#define MEMBER(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define NUMBER(type, key, member, max)                                                                                 \
  {                                                                                                                    \
    key, FIELD_NUMBER, MEMBER(type, member), max, 0                                                                    \
  }
#define WORD(type, key, member, names)                                                                                 \
  {                                                                                                                    \
    key, FIELD_WORD, MEMBER(type, member), sizeof names / sizeof *names - 1, names                                     \
  }
#define STREAM(name, index)                                                                                            \
  NUMBER(struct record, name "_bytes", stream[index].bytes, STREAM_BYTES_MAX),                                         \
    NUMBER(struct record, name "_omitted_bytes", stream[index].omitted_bytes, STREAM_BYTES_MAX),                       \
    NUMBER(struct record, name "_digest", stream[index].digest, UINT64_MAX)

static const struct field record_fields[] = {
  WORD(struct record, "step", step, step_names),
  WORD(struct record, "kind", kind, exit_kind_names),
  NUMBER(struct record, "exit_code", exit_code, EXIT_CODE_MAX),
  NUMBER(struct record, "signal", signal, SIGNAL_MAX),
  NUMBER(struct record, "exec_errno", exec_errno, ERRNO_MAX),
  WORD(struct record, "killed", killed, kill_reason_names),
  NUMBER(struct record, "evidence_errno", evidence_errno, ERRNO_MAX),
  NUMBER(struct record, "leftover", leftover, 1),
  NUMBER(struct record, "order_cut", order_cut, 1),
  NUMBER(struct record, "started_at_ms", started_at.ms, INT64_MAX),
  NUMBER(struct record, "ended_at_ms", ended_at.ms, INT64_MAX),
  NUMBER(struct record, "wall_time_us", wall_time_us, UINT64_MAX),
  NUMBER(struct record, "cpu_time_us", cpu_time_us, UINT64_MAX),
  NUMBER(struct record, "memory_peak_bytes", memory_peak_bytes, UINT64_MAX),
  NUMBER(struct record, "processes_peak", processes_peak, UINT64_MAX),
  NUMBER(struct record, "oom_kills", oom_kills, UINT64_MAX),
  NUMBER(struct record, "pids_refused", pids_refused, UINT64_MAX),
  NUMBER(struct record, "isolation", isolation, (1u << ISOLATION_FEATURE_COUNT) - 1),
  STREAM("stdout", STREAM_STDOUT),
  STREAM("stderr", STREAM_STDERR),
  STREAM("compile", STREAM_COMPILE),
  {"message", FIELD_TEXT, MEMBER(struct record, message), 0, 0},
};

static const struct field start_fields[] = {
  NUMBER(struct start_marker, "at_ms", at.ms, INT64_MAX),
  NUMBER(struct start_marker, "boot_id_hash", boot_id_hash, UINT64_MAX),
  NUMBER(struct start_marker, "init_pid", init_pid, UINT64_MAX),
  NUMBER(struct start_marker, "init_start_ticks", init_start_ticks, UINT64_MAX),
  {"cgroup", FIELD_TEXT, MEMBER(struct start_marker, cgroup), 0, 0},
};

#define COPIED(name, index)                                                                                            \
  NUMBER(struct copy_marker, name "_head_bytes", stream[index].head_bytes, INT64_MAX),                                 \
    NUMBER(struct copy_marker, name "_missing_bytes", stream[index].missing_bytes, INT64_MAX)

static const struct field copy_fields[] = {
  NUMBER(struct copy_marker, "next_frame", next_frame, UINT64_MAX),
  COPIED("stdout", STREAM_STDOUT),
  COPIED("stderr", STREAM_STDERR),
  COPIED("compile", STREAM_COMPILE),
};

static const struct field_table record_table = {"record", record_fields, sizeof record_fields / sizeof *record_fields};
static const struct field_table start_table = {"start", start_fields, sizeof start_fields / sizeof *start_fields};
static const struct field_table copy_table = {"copy", copy_fields, sizeof copy_fields / sizeof *copy_fields};

/* A member that means nothing for this kind of end is written as 0, whatever the caller left in it. */
static struct record normalized(const struct record *record)
{
  struct record copy = *record;
  if (copy.kind != EXIT_CODE)
    copy.exit_code = 0;
  if (copy.kind != EXIT_SIGNAL)
    copy.signal = 0;
  if (copy.kind != EXIT_NOT_STARTED)
    copy.exec_errno = 0;
  return copy;
}

void record_encode(const struct record *record, struct buffer *ret)
{
  struct record copy = normalized(record);
  fields_encode(&record_table, &copy, ret);
}

/* What each field allows alone, but not together with the others. */
static bool check_record(const struct record *record, struct error *error)
{
  if (record->kind != EXIT_CODE && record->exit_code)
    return error_set(error, ERROR_INVALID, 0, "exit_code is set, but kind is not code");
  if ((record->kind == EXIT_SIGNAL) != (record->signal != 0))
    return error_set(error, ERROR_INVALID, 0, "signal does not agree with kind");
  if (record->kind != EXIT_NOT_STARTED && record->exec_errno)
    return error_set(error, ERROR_INVALID, 0, "exec_errno is set, but kind is not not_started");
  for (unsigned i = 0; i < STREAM_COUNT; i++)
    if (record->stream[i].omitted_bytes > record->stream[i].bytes)
      return error_set(error, ERROR_INVALID, 0, "%s_omitted_bytes is more than was written", stream_names[i]);
  return true;
}

bool record_decode(const void *bytes, size_t size, struct record *ret, struct error *error)
{
  struct record record = {0};
  if (!fields_decode(&record_table, bytes, size, &record, error) || !check_record(&record, error))
    return false;
  *ret = record;
  return true;
}

void start_marker_encode(const struct start_marker *marker, struct buffer *ret)
{
  fields_encode(&start_table, marker, ret);
}

bool start_marker_decode(const void *bytes, size_t size, struct start_marker *ret, struct error *error)
{
  struct start_marker marker = {0};
  if (!fields_decode(&start_table, bytes, size, &marker, error))
    return false;
  if (strspn(marker.cgroup, "abcdefghijklmnopqrstuvwxyz0123456789.-") != strlen(marker.cgroup) ||
      marker.cgroup[0] == '.')
    return error_set(error, ERROR_INVALID, 0, "cgroup is not the name of a leaf");
  *ret = marker;
  return true;
}

void copy_marker_encode(const struct copy_marker *marker, struct buffer *ret)
{
  fields_encode(&copy_table, marker, ret);
}

bool copy_marker_decode(const void *bytes, size_t size, struct copy_marker *ret, struct error *error)
{
  struct copy_marker marker = {0};
  if (!fields_decode(&copy_table, bytes, size, &marker, error))
    return false;
  *ret = marker;
  return true;
}

uint64_t head_bytes(uint64_t limit)
{
  return limit / 2 + limit % 2;
}

uint64_t ring_offset(uint64_t limit, uint64_t position)
{
  uint64_t head = head_bytes(limit), tail = limit - head;
  if (position < head)
    return position;
  return tail ? head + (position - head) % tail : limit;
}

uint64_t digest_bytes(const void *data, size_t size)
{
  return XXH3_64bits(data, size);
}
