#include "core/verdict.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct limits limits = {
  .wall_time_ms = 2000,
  .cpu_time_ms = 1000,
  .memory_bytes = MIB(64),
  .processes = 10,
  .output_bytes = 100,
  .disk_bytes = MIB(1),
  .file_bytes = MIB(2),
};

/* What is measured in every record of the table below. */
#define MEASURED                                                                                                       \
  .wall_time_us = 1234567, .cpu_time_us = 234567, .memory_peak_bytes = 4096, .processes_peak = 3,                      \
  .stream = {{.bytes = 7}, {.bytes = 90}, {.bytes = 8}}

/* A row: what the record says, the verdict, the limit it names with the measured value, and the whole reason. */
struct row {
  struct record record;
  enum verdict_kind kind;
  enum limit_kind limit;
  uint64_t measured;
  const char *reason;
};

static const struct row with_record[] = {
  /* its own end */
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE}, VERDICT_COMPLETED, LIMIT_NONE, 0, "exited with code 0"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 1},
   VERDICT_FAILED,
   LIMIT_NONE,
   0,
   "exited with code 1"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 255},
   VERDICT_FAILED,
   LIMIT_NONE,
   0,
   "exited with code 255"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGSEGV},
   VERDICT_FAILED,
   LIMIT_NONE,
   0,
   "died of SIGSEGV"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGTERM},
   VERDICT_FAILED,
   LIMIT_NONE,
   0,
   "died of SIGTERM"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = 40}, VERDICT_FAILED, LIMIT_NONE, 0, "died of SIG40"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGXFSZ},
   VERDICT_FAILED,
   LIMIT_FILE,
   0,
   "died of SIGXFSZ"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGXFSZ, .pids_refused = 2},
   VERDICT_FAILED,
   LIMIT_FILE,
   0,
   "died of SIGXFSZ"},

  /* the compile step */
  {{MEASURED, .step = STEP_COMPILE, .kind = EXIT_CODE, .exit_code = 1},
   VERDICT_FAILED,
   LIMIT_NONE,
   0,
   "compilation failed: exited with code 1"},
  {{MEASURED, .step = STEP_COMPILE, .kind = EXIT_SIGNAL, .signal = SIGABRT},
   VERDICT_FAILED,
   LIMIT_NONE,
   0,
   "compilation failed: died of SIGABRT"},
  {{MEASURED, .step = STEP_COMPILE, .kind = EXIT_CODE, .killed = KILLED_WALL_TIME},
   VERDICT_TIMED_OUT,
   LIMIT_WALL_TIME,
   1234,
   "compilation exceeded its wall time limit of 2000 ms"},

  /* 137 is five things (FAILURES 19) */
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL, .oom_kills = 1},
   VERDICT_OUT_OF_MEMORY,
   LIMIT_MEMORY,
   4096,
   "program exceeded its memory limit of 67108864 bytes"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 137, .oom_kills = 1},
   VERDICT_OUT_OF_MEMORY,
   LIMIT_MEMORY,
   4096,
   "program exceeded its memory limit of 67108864 bytes"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL, .killed = KILLED_CANCELLED},
   VERDICT_CANCELLED,
   LIMIT_NONE,
   0,
   "cancelled by a client"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL},
   VERDICT_FAILED,
   LIMIT_NONE,
   0,
   "died of SIGKILL"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 137},
   VERDICT_FAILED,
   LIMIT_NONE,
   0,
   "exited with code 137"},

  /* a child alone was killed for memory: reported, but the program's own end decides (FAILURES 20) */
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .oom_kills = 2},
   VERDICT_COMPLETED,
   LIMIT_MEMORY,
   4096,
   "exited with code 0; the kernel killed 2 of its processes for the memory limit"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 1, .oom_kills = 1},
   VERDICT_FAILED,
   LIMIT_MEMORY,
   4096,
   "exited with code 1; the kernel killed 1 of its processes for the memory limit"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 1, .pids_refused = 5},
   VERDICT_FAILED,
   LIMIT_PROCESSES,
   3,
   "exited with code 1"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .pids_refused = 5, .oom_kills = 1},
   VERDICT_COMPLETED,
   LIMIT_MEMORY,
   4096,
   "exited with code 0; the kernel killed 1 of its processes for the memory limit"},

  /* our recorded reason comes first, whatever the status says */
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL, .killed = KILLED_WALL_TIME},
   VERDICT_TIMED_OUT,
   LIMIT_WALL_TIME,
   1234,
   "program exceeded its wall time limit of 2000 ms"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL, .killed = KILLED_CPU_TIME},
   VERDICT_TIMED_OUT,
   LIMIT_CPU_TIME,
   234,
   "program exceeded its CPU time limit of 1000 ms"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL, .killed = KILLED_MEMORY},
   VERDICT_OUT_OF_MEMORY,
   LIMIT_MEMORY,
   4096,
   "program exceeded its memory limit of 67108864 bytes"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL, .killed = KILLED_OUTPUT},
   VERDICT_OUTPUT_EXCEEDED,
   LIMIT_OUTPUT,
   90,
   "program exceeded its output limit of 100 bytes"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL, .killed = KILLED_WALL_TIME, .oom_kills = 1},
   VERDICT_TIMED_OUT,
   LIMIT_WALL_TIME,
   1234,
   "program exceeded its wall time limit of 2000 ms"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .killed = KILLED_WALL_TIME},
   VERDICT_TIMED_OUT,
   LIMIT_WALL_TIME,
   1234,
   "program exceeded its wall time limit of 2000 ms"},

  /* the daemon's own deadline: the program's fault only if it had all its time */
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL, .killed = KILLED_DEADLINE},
   VERDICT_LOST,
   LIMIT_NONE,
   0,
   "killed because the platform did not hear of its end in time"},
  {{.wall_time_us = 2000000, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL, .killed = KILLED_DEADLINE},
   VERDICT_TIMED_OUT,
   LIMIT_WALL_TIME,
   2000,
   "program exceeded its wall time limit of 2000 ms"},

  /* never begun: the request's fault, in the words of the keeper (FAILURES 21) */
  {{MEASURED, .kind = EXIT_NOT_STARTED, .exec_errno = ENOENT, .message = "cannot run python9: no such file"},
   VERDICT_NOT_STARTED,
   LIMIT_NONE,
   0,
   "cannot run python9: no such file"},
  {{MEASURED, .kind = EXIT_NOT_STARTED, .exec_errno = EACCES}, VERDICT_NOT_STARTED, LIMIT_NONE, 0, "Permission denied"},
  {{MEASURED, .kind = EXIT_NOT_STARTED, .killed = KILLED_CANCELLED},
   VERDICT_CANCELLED,
   LIMIT_NONE,
   0,
   "cancelled by a client"},

  /* an output that could not be saved whole: the platform's fault, whatever else happened (FAILURES 13) */
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .evidence_errno = ENOSPC},
   VERDICT_LOST,
   LIMIT_NONE,
   0,
   "its output could not be saved: No space left on device"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 1, .evidence_errno = EIO},
   VERDICT_LOST,
   LIMIT_NONE,
   0,
   "its output could not be saved: Input/output error"},
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = 9, .killed = KILLED_WALL_TIME, .evidence_errno = EIO},
   VERDICT_LOST,
   LIMIT_NONE,
   0,
   "its output could not be saved: Input/output error"},
  /* where the keeper says what broke, that is the reason */
  {{MEASURED, .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = 9, .evidence_errno = ECHILD,
    .message = "stopped from outside"},
   VERDICT_LOST,
   LIMIT_NONE,
   0,
   "stopped from outside"},
};

static void assert_verdict(const struct verdict *verdict, const struct row *row, size_t index)
{
  if (verdict->kind != row->kind || strcmp(verdict->reason, row->reason) || verdict->limit != row->limit ||
      verdict->limit_measured != row->measured)
    fail_msg("row %zu: %s, limit %d (%llu), \"%s\"", index, verdict_name(verdict->kind), (int)verdict->limit,
             (unsigned long long)verdict->limit_measured, verdict->reason);
}

static void a_record_decides_as_the_table_says(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof with_record / sizeof *with_record; i++) {
    const struct row *row = &with_record[i];
    struct verdict verdict = verdict_decide(
      &(struct verdict_case){.limits = &limits, .presence = PRESENCE_DEAD, .started = true, .record = &row->record});
    assert_verdict(&verdict, row, i);
  }
}

static void without_a_record_it_is_decided_as_the_table_says(void **state)
{
  (void)state;
  static const struct {
    enum presence presence;
    bool started;
    enum stop_reason stop;
    const char *refusal, *platform;
    enum verdict_kind kind;
    const char *reason;
  } rows[] = {
    /* nothing ran, and we know why */
    {PRESENCE_ABSENT, false, STOP_NONE, "no such image", 0, VERDICT_NOT_STARTED, "no such image"},
    {PRESENCE_DEAD, false, STOP_NONE, "no such image", 0, VERDICT_NOT_STARTED, "no such image"},
    {PRESENCE_ABSENT, false, STOP_CANCELLED, "no such image", 0, VERDICT_NOT_STARTED, "no such image"},
    {PRESENCE_ABSENT, false, STOP_CANCELLED, 0, 0, VERDICT_CANCELLED, "cancelled by a client before it was started"},
    {PRESENCE_DEAD, false, STOP_CANCELLED, 0, 0, VERDICT_CANCELLED, "cancelled by a client before it was started"},

    /* nothing ran, and nobody wanted that */
    {PRESENCE_ABSENT, false, STOP_NONE, 0, 0, VERDICT_LOST, "the platform could not start it in time"},
    {PRESENCE_ABSENT, false, STOP_DEADLINE, 0, 0, VERDICT_LOST, "the platform could not start it in time"},
    {PRESENCE_DEAD, false, STOP_DEADLINE, 0, 0, VERDICT_LOST, "the platform could not start it in time"},
    {PRESENCE_PENDING, false, STOP_DEADLINE, 0, 0, VERDICT_LOST, "the platform could not start it in time"},

    /* it was started: a cancellation or a refusal cannot explain what became of it */
    {PRESENCE_DEAD, true, STOP_NONE, 0, 0, VERDICT_LOST, "it ended without leaving a record"},
    {PRESENCE_ABSENT, true, STOP_NONE, 0, 0, VERDICT_LOST, "it ended without leaving a record"},
    {PRESENCE_DEAD, true, STOP_CANCELLED, 0, 0, VERDICT_LOST, "it ended without leaving a record"},
    {PRESENCE_DEAD, true, STOP_NONE, "no such image", 0, VERDICT_LOST, "it ended without leaving a record"},
    {PRESENCE_DEAD, true, STOP_NONE, 0, "the keeper died", VERDICT_LOST, "the keeper died"},
    {PRESENCE_RUNNING, true, STOP_DEADLINE, 0, 0, VERDICT_LOST, "it could not be killed in time"},
    {PRESENCE_RUNNING, true, STOP_CANCELLED, 0, 0, VERDICT_LOST, "it could not be killed in time"},

    /* nobody knows: not even a refusal or a cancellation proves that nothing ran */
    {PRESENCE_UNKNOWN, false, STOP_DEADLINE, 0, 0, VERDICT_LOST, "the backend does not answer"},
    {PRESENCE_UNKNOWN, false, STOP_CANCELLED, 0, 0, VERDICT_LOST, "the backend does not answer"},
    {PRESENCE_UNKNOWN, false, STOP_NONE, "no such image", 0, VERDICT_LOST, "the backend does not answer"},
    {PRESENCE_UNKNOWN, true, STOP_DEADLINE, 0, 0, VERDICT_LOST, "the backend does not answer"},
    {PRESENCE_UNKNOWN, true, STOP_DEADLINE, 0, "the node is gone", VERDICT_LOST, "the node is gone"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct verdict verdict = verdict_decide(&(struct verdict_case){
      .limits = &limits,
      .presence = rows[i].presence,
      .started = rows[i].started,
      .stop = rows[i].stop,
      .launch_refusal = rows[i].refusal,
      .platform_reason = rows[i].platform,
    });
    assert_verdict(&verdict, &(struct row){.kind = rows[i].kind, .reason = rows[i].reason}, i);
    assert_int_equal(verdict.exit_code, -1);
    assert_int_equal(verdict.signal, 0);
  }
}

/* Every combination of what can be said, numbered, so that the rules below are checked against all of them. */
struct combination {
  struct record record;
  struct verdict_case the_case;
};

static const int exit_codes[] = {0, 1, 137};
static const int signals[] = {SIGKILL, SIGSEGV};

enum { ENDS = 1 + 3 + 2 }; /* not started, three codes, two signals */
enum { COMBINATIONS = 2 * ENDS * KILL_REASON_COUNT * 2 * 2 * 2 * 3 * 5 * 2 * 2 * 2 };

static unsigned take(unsigned *number, unsigned count)
{
  unsigned digit = *number % count;
  *number /= count;
  return digit;
}

static void combine(unsigned number, struct combination *ret)
{
  unsigned end = take(&number, ENDS);
  ret->record = (struct record){
    .kind = end == 0   ? EXIT_NOT_STARTED
            : end <= 3 ? EXIT_CODE
                       : EXIT_SIGNAL,
    .exit_code = end >= 1 && end <= 3 ? exit_codes[end - 1] : 0,
    .signal = end > 3 ? signals[end - 4] : 0,
    .exec_errno = end == 0 ? ENOENT : 0,
    .step = take(&number, 2),
    .killed = take(&number, KILL_REASON_COUNT),
    .oom_kills = take(&number, 2),
    .evidence_errno = take(&number, 2) ? EIO : 0,
    .wall_time_us = take(&number, 2) ? 2000000 : 5,
  };
  ret->the_case = (struct verdict_case){
    .limits = &limits,
    .record = &ret->record,
    .stop = take(&number, 3),
    .presence = take(&number, 5),
    .started = take(&number, 2),
    .launch_refusal = take(&number, 2) ? "refused" : 0,
    .platform_reason = take(&number, 2) ? "the keeper died" : 0,
  };
}

static void every_verdict_has_a_reason_and_only_lost_can_be_tried_again(void **state)
{
  (void)state;
  for (unsigned i = 0; i < COMBINATIONS; i++) {
    struct combination all;
    combine(i, &all);
    for (unsigned with = 0; with < 2; with++) {
      all.the_case.record = with ? &all.record : 0;
      struct verdict verdict = verdict_decide(&all.the_case);
      assert_true(verdict.kind > VERDICT_NONE && verdict.kind < VERDICT_COUNT);
      assert_true(verdict.reason[0]);
      assert_int_equal(verdict.retryable, verdict.kind == VERDICT_LOST);
    }
  }
}

/* Laws 4 and 5. */
static void success_needs_a_whole_record_of_exit_code_0_that_nobody_forced(void **state)
{
  (void)state;
  unsigned completed = 0;
  for (unsigned i = 0; i < COMBINATIONS; i++) {
    struct combination all;
    combine(i, &all);
    const struct record *record = &all.record;
    bool success = record->step == STEP_RUN && record->kind == EXIT_CODE && record->exit_code == 0 &&
                   record->killed == KILLED_NONE && !record->evidence_errno;
    assert_int_equal(verdict_decide(&all.the_case).kind == VERDICT_COMPLETED, success);
    completed += success;
  }
  assert_true(completed > 0);
}

static void without_a_record_the_program_is_neither_blamed_nor_praised(void **state)
{
  (void)state;
  for (unsigned i = 0; i < COMBINATIONS; i++) {
    struct combination all;
    combine(i, &all);
    all.the_case.record = 0;
    struct verdict verdict = verdict_decide(&all.the_case);
    assert_true(verdict.kind == VERDICT_LOST || verdict.kind == VERDICT_CANCELLED ||
                verdict.kind == VERDICT_NOT_STARTED);
    if (all.the_case.started)
      assert_int_equal(verdict.kind, VERDICT_LOST);
    assert_int_equal(verdict.limit, LIMIT_NONE);
  }
}

static void a_record_decides_alone(void **state)
{
  (void)state;
  for (unsigned i = 0; i < COMBINATIONS; i++) {
    struct combination all;
    combine(i, &all);
    struct verdict verdict = verdict_decide(&all.the_case);
    struct verdict alone = verdict_decide(&(struct verdict_case){.limits = &limits, .record = &all.record});
    assert_memory_equal(&verdict, &alone, sizeof verdict);
  }
}

static void output_lost_on_the_way_changes_the_reason_alone(void **state)
{
  (void)state;
  const struct record record = {.step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 1};
  const struct verdict verdict =
    verdict_decide(&(struct verdict_case){.limits = &limits, .record = &record, .lost_bytes = 12});
  assert_int_equal(verdict.kind, VERDICT_FAILED);
  assert_false(verdict.retryable);
  assert_string_equal(verdict.reason, "exited with code 1; 12 bytes of its output were lost on the way");
}

static void a_platform_fault_is_never_the_programs(void **state)
{
  (void)state;
  for (unsigned i = 0; i < COMBINATIONS; i++) {
    struct combination all;
    combine(i, &all);
    if (all.record.evidence_errno)
      assert_int_equal(verdict_fault(verdict_decide(&all.the_case).kind), FAULT_PLATFORM);
  }
}

static void the_status_of_the_record_is_always_told(void **state)
{
  (void)state;
  for (unsigned i = 0; i < COMBINATIONS; i++) {
    struct combination all;
    combine(i, &all);
    struct verdict verdict = verdict_decide(&all.the_case);
    assert_int_equal(verdict.exit_code, all.record.kind == EXIT_CODE ? all.record.exit_code : -1);
    assert_int_equal(verdict.signal, all.record.kind == EXIT_SIGNAL ? all.record.signal : 0);
  }
}

static void a_limit_that_was_hit_comes_with_its_value(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof with_record / sizeof *with_record; i++) {
    struct verdict verdict =
      verdict_decide(&(struct verdict_case){.limits = &limits, .record = &with_record[i].record});
    static const uint64_t values[LIMIT_COUNT] = {0, 2000, 1000, MIB(64), 10, 100, MIB(1), MIB(2)};
    assert_int_equal(verdict.limit_value, values[verdict.limit]);
  }
}

static void a_long_reason_is_cut_off(void **state)
{
  (void)state;
  char large[2 * REASON_SIZE];
  memset(large, 'a', sizeof large);
  large[sizeof large - 1] = 0;
  struct verdict verdict =
    verdict_decide(&(struct verdict_case){.limits = &limits, .presence = PRESENCE_ABSENT, .launch_refusal = large});
  assert_int_equal(strlen(verdict.reason), REASON_SIZE - 1);
}

static void verdicts_have_names_and_faults(void **state)
{
  (void)state;
  static const struct {
    enum verdict_kind kind;
    const char *name, *fault;
  } rows[] = {
    {VERDICT_COMPLETED, "completed", "none"},
    {VERDICT_FAILED, "failed", "program"},
    {VERDICT_TIMED_OUT, "timed_out", "program"},
    {VERDICT_OUT_OF_MEMORY, "out_of_memory", "program"},
    {VERDICT_OUTPUT_EXCEEDED, "output_exceeded", "program"},
    {VERDICT_CANCELLED, "cancelled", "client"},
    {VERDICT_NOT_STARTED, "not_started", "request"},
    {VERDICT_LOST, "lost", "platform"},
  };
  assert_int_equal(sizeof rows / sizeof *rows, VERDICT_COUNT - 1);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_string_equal(verdict_name(rows[i].kind), rows[i].name);
    assert_int_equal(verdict_from_name(rows[i].name), rows[i].kind);
    assert_string_equal(fault_name(verdict_fault(rows[i].kind)), rows[i].fault);
  }
}

static void other_words_are_no_verdicts(void **state)
{
  (void)state;
  static const char *const words[] = {"", "none", "Completed", "completed ", "queued", "finished"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    assert_int_equal(verdict_from_name(words[i]), VERDICT_NONE);
}

static void every_signal_has_a_name_that_fits(void **state)
{
  (void)state;
  char text[16];
  assert_null(signal_name(0, text));
  assert_string_equal(signal_name(SIGSEGV, text), "SIGSEGV");
  assert_string_equal(signal_name(SIGKILL, text), "SIGKILL");
  assert_string_equal(signal_name(64, text), "SIG64");
  for (int signal = 1; signal <= 64; signal++) {
    const char *name = signal_name(signal, text);
    assert_int_equal(strncmp(name, "SIG", 3), 0);
    assert_true(strlen(name) > 3 && strlen(name) < sizeof text);
  }
}

static void presences_have_names(void **state)
{
  (void)state;
  static const char *const names[] = {"unknown", "absent", "pending", "running", "dead"};
  for (unsigned i = 0; i < 5; i++)
    assert_string_equal(presence_name(i), names[i]);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_record_decides_as_the_table_says),
    cmocka_unit_test(without_a_record_it_is_decided_as_the_table_says),
    cmocka_unit_test(every_verdict_has_a_reason_and_only_lost_can_be_tried_again),
    cmocka_unit_test(success_needs_a_whole_record_of_exit_code_0_that_nobody_forced),
    cmocka_unit_test(without_a_record_the_program_is_neither_blamed_nor_praised),
    cmocka_unit_test(a_record_decides_alone),
    cmocka_unit_test(output_lost_on_the_way_changes_the_reason_alone),
    cmocka_unit_test(a_platform_fault_is_never_the_programs),
    cmocka_unit_test(the_status_of_the_record_is_always_told),
    cmocka_unit_test(a_limit_that_was_hit_comes_with_its_value),
    cmocka_unit_test(a_long_reason_is_cut_off),
    cmocka_unit_test(verdicts_have_names_and_faults),
    cmocka_unit_test(other_words_are_no_verdicts),
    cmocka_unit_test(every_signal_has_a_name_that_fits),
    cmocka_unit_test(presences_have_names),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
