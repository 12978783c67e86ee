#pragma once

/*
 * Evidence: what a keeper leaves behind of one attempt, in a directory named as the attempt.
 *
 *   start    made with O_EXCL before the program: at most one start per attempt. A struct start_marker as text.
 *   stdout   bytes as written, within the limit (see below). Absent: nothing was written.
 *   stderr   the same.
 *   compile  the same for a compile step that succeeded; one that failed leaves its output as stderr.
 *   order    how stdout and stderr were interleaved: runs of {u8 stream, u32 length} little-endian. Absent when only
 *            one stream has bytes. A run is written before the first byte of the other stream that follows it, so that
 *            the files can be read in order while the program runs.
 *   ring     while a stream is over its limit: counters in shared memory, so that a killed keeper loses nothing.
 *   exit     the exit record as text; written last, complete or absent (exit.tmp, then rename).
 *   copy     only where all this was not written by the keeper but copied from a log (frames.h): how far that is, and what
 *            of the streams never came. A struct copy_marker as text.
 *
 * A stream over its limit L keeps its head, the first H = (L + 1) / 2 bytes, and its tail, the last L - H bytes. The
 * file is L bytes long; its part behind the head is used as a ring while the program runs, and put in order at the end.
 * A reader that finds no exit record (the keeper was killed) puts it in order itself, with the counters of `ring`.
 *
 * The program runs under another uid or in namespaces without this directory, and cannot forge any of it. The files are
 * not synced: the page cache survives kill -9, and a power cut ends every program anyway.
 */

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "wire/plan.h"

enum stream { STREAM_STDOUT, STREAM_STDERR, STREAM_COMPILE, STREAM_COUNT };
const char *stream_name(enum stream stream); /* "stdout": also the file's name */

/* How the program ended, as waitpid said it. */
enum exit_kind {
  EXIT_NOT_STARTED, /* execve failed: `exec_errno` and `message` say why */
  EXIT_CODE,
  EXIT_SIGNAL,
  EXIT_KINDS
};

/* Why the keeper killed it; KILLED_NONE where the program ended on its own. */
#define KILL_REASONS(X)                                                                                                \
  X(NONE, "none")                                                                                                      \
  X(WALL_TIME, "wall_time")                                                                                            \
  X(CPU_TIME, "cpu_time")                                                                                              \
  X(MEMORY, "memory")                                                                                                  \
  X(OUTPUT, "output")                                                                                                  \
  X(CANCELLED, "cancelled")                                                                                            \
  X(DEADLINE, "deadline")

enum kill_reason {
#define X(name, text) KILLED_##name,
  KILL_REASONS(X)
#undef X
    KILL_REASON_COUNT
};
const char *kill_reason_name(enum kill_reason reason);

enum step { STEP_COMPILE, STEP_RUN, STEP_COUNT };

/* A leaf is made before it is known which attempt will run in it (a slot's next sandbox is made while it is idle): the
 * name is the slot's, and the start marker says which. Small letters, digits, '.' and '-'. */
enum { CGROUP_NAME_SIZE = 32 };

/* Written before the program is executed. */
struct start_marker {
  struct wall at;
  uint64_t boot_id_hash;         /* of /proc/sys/kernel/random/boot_id: evidence of another boot is of a dead program */
  uint64_t init_pid;             /* of the sandbox's first process, in the keeper's pid namespace */
  uint64_t init_start_ticks;     /* field 22 of /proc/PID/stat, against reuse of the pid */
  char cgroup[CGROUP_NAME_SIZE]; /* the leaf that it runs in, below the daemon's cgroups; "" where there is none */
};

#define STREAM_BYTES_MAX ((uint64_t)INT64_MAX) /* what a file's offset, the database and readers of JSON can hold */
struct stream_record {
  uint64_t bytes;         /* written by the program; at most STREAM_BYTES_MAX */
  uint64_t omitted_bytes; /* of these, not kept: between head and tail */
  uint64_t digest;        /* XXH3-64 of all bytes written */
};

struct record {
  enum step step; /* the one that ended it: STEP_COMPILE means that the run was never begun */
  enum exit_kind kind;
  int exit_code;           /* EXIT_CODE */
  int signal;              /* EXIT_SIGNAL */
  int exec_errno;          /* EXIT_NOT_STARTED */
  enum kill_reason killed; /* our reason, where we killed it */
  int evidence_errno; /* an output could not be saved whole (ENOSPC, …): nothing can be said truthfully; 0 otherwise */
  bool leftover;      /* a process could not be killed yet (uninterruptible sleep); the slot is put aside */
  bool order_cut;     /* more switches between the streams than ORDER_RUNS_MAX: the order is not kept to the end */
  struct wall started_at, ended_at;
  uint64_t wall_time_us, cpu_time_us;         /* of the step that ended it */
  uint64_t memory_peak_bytes, processes_peak; /* 0: not known */
  uint64_t oom_kills;    /* processes that the kernel killed for the memory limit (cgroup counter) */
  uint64_t pids_refused; /* forks refused for the process limit, where the kernel counts them */
  uint32_t isolation;    /* enum isolation_feature bits that were in force */
  struct stream_record stream[STREAM_COUNT];
  char message[REASON_SIZE]; /* for a person; may be empty */
};

/* Of a copy. A stream of which some is given up lacks it in one place: behind its head, and before all else. */
struct copied_stream {
  uint64_t head_bytes, missing_bytes; /* 0: nothing is given up */
};
struct copy_marker {
  uint64_t next_frame; /* all before it have come */
  struct copied_stream stream[STREAM_COUNT];
};

/*
 * Text: a line "record 1" (or "start 1", "copy 1"), a line "key value" for every field in one fixed order, and the line
 * "end <XXH3-64 of all before it>". Numbers are decimal; in the message '%' and control characters are %XX. Decoding
 * checks every field and the end. `exit_code`, `signal` and `exec_errno` are written as 0 where `kind` is another; a
 * value out of its range is a broken invariant of the encoder's caller. `ret` of a decoder is untouched on failure.
 */
void record_encode(const struct record *record, struct buffer *ret);
bool record_decode(const void *bytes, size_t size, struct record *ret, struct error *error);
void start_marker_encode(const struct start_marker *marker, struct buffer *ret);
bool start_marker_decode(const void *bytes, size_t size, struct start_marker *ret, struct error *error);
void copy_marker_encode(const struct copy_marker *marker, struct buffer *ret);
bool copy_marker_decode(const void *bytes, size_t size, struct copy_marker *ret, struct error *error);

/* Counters in the `ring` file, one slot a stream, mapped shared by the keeper from a stream's first byte over its
 * limit. */
struct ring_counters {
  uint64_t magic; /* RING_MAGIC */
  struct {
    uint64_t limit; /* 0: this stream is within its limit */
    uint64_t bytes; /* written by the program so far and stored */
  } stream[STREAM_COUNT];
};
#define RING_MAGIC 0x31676e6972797361ull

/* Where byte `position` of a stream with this limit lies in its file while the ring turns. Limits 0 and 1 have no tail:
 * what lies behind their head is not kept, and the answer is `limit`, behind the end of the file. */
uint64_t ring_offset(uint64_t limit, uint64_t position);
uint64_t head_bytes(uint64_t limit);

uint64_t digest_bytes(const void *data, size_t size); /* XXH3-64 */
