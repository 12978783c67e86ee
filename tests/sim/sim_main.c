/*
 * Which runs are made, on all processors.
 *
 *   sim               the kept runs, seeds under each kind of weather, and the scripts with a crash after each single
 *                     effect and after each pair of effects; one case of TAP each
 *   sim RUN…          one run, told step by step (sim_run.c says how it is written)
 *   sim digest        what the traces of some runs come to: the same with every compiler
 *   sim mutant        for a build with one of the laws broken: sees that seeds under the mixed weather find out
 *
 *   SIM_EVALUATIONS=N    how many under the mixed weather (default 100,000); the others have a hundredth each
 */

#include "sim.h"

#include "base/memory.h"
#include "base/number.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_MAX = 64, EVALUATIONS_DEFAULT = 100000, MIXED_SHARE = 100, MUTANT_SEEDS = 1000, DIGEST_SEEDS = 300 };

/* Runs that failed once, as they were printed, shrunk; each with what was wrong. */
static const char *const kept_runs[] = {
  /* killed for a cancellation that was not durable yet, before it was started; then the daemon died: called lost */
  "weather=mixed seed=48065 clients=1 backend=native troubles=crash_at_effect,start_slow "
  "jobs=0,1,2,3,4,5,6,7,8,9,10,11,12 "
  "strikes=0,3,4,5,6,7",
  /* called ended while it was about to start, and cancelled: it started behind the verdict, and was killed at once */
  "weather=mixed seed=806921 clients=1 backend=native "
  "troubles=commit_slow,client_leaves,says_created,says_ended,kill_lost,start_slow,keeper_freezes "
  "jobs=5,6,9,13,14,15,16,18 strikes=0,1,3,4,5,7,8,11,12",
  /* the same, and it was running when the verdict became durable */
  "weather=mixed seed=1083475 clients=1 backend=native "
  "troubles=hint_lost,hint_late,hint_bogus,stop,disk_full,fetch,launch_answer_lost,"
  "says_created,start_slow,keeper_dies,keeper_freezes jobs=0,1,2,3,4,5,6,7,8,9,11,12,14,15,16,17 "
  "strikes=0,1,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,26",
  /* the same, and it had ended by itself by then */
  "weather=mixed seed=6288625 clients=1 backend=native "
  "troubles=hint_lost,stop,fetch,launch_lost,observe_fails,says_created,keeper_freezes "
  "jobs=0,1,2,3,4,5,6,7,8,9,10,11,12 strikes=0,1,2,3,4,5,6,7,8,9,10,11,13,14,15,16,17,18,19",
  /* cancelled while a cluster pulled its image: called cancelled before it was started, though it had run meanwhile */
  "weather=mixed seed=2557 backend=kubernetes troubles=hint_lost,fetch,busy jobs=0,1,2,3,4,5,7,8,9,10 strikes=1",
  /* Docker said that there is no container, then it was launched, and then its start was found in its volume: called dead */
  "weather=mixed seed=3855 backend=volume troubles=hint_lost,hint_doubled,hint_bogus,disk_full,fetch jobs=4,7,8,9,11 "
  "strikes=1,2,3,4,5,6,7,9,10,11",
  /* an older pod of the Job, that never ran, counted more than the one that was about to */
  "weather=mixed seed=162 backend=kubernetes",
  /* a look that took longer than another was waited for said what it had seen before the kill */
  "weather=mixed seed=63736 troubles=hint_bogus,stop,answer_late,fetch,says_ended,keeper_freezes,removed_by_hand "
  "jobs=2,4,8,10,11,12,13,14,15 strikes=0,3,5,6,7,8,9,18,19",
  /* a log that was an error three times, each time late, until the deadline: nobody was to blame but the simulator */
  "weather=mixed seed=8826439 troubles=hint_lost,answer_late,busy,removed_by_hand,two_pods,log_is_error,job_deleted "
  "strikes=0,1,2,3,4,5,6,8,9,10,12,13,14,15,16,18,19,20,21,22,24,25,28,29,30,31,33,34,36,38",
  0,
};

/* ---- workers: processes, so that what fails ends nobody else ---- */

/* Shared with the parent, who reads it when the worker has ended. */
struct share {
  struct run run; /* that is being made */
  uint64_t runs;
  struct outcome total;
};

static struct share *shares;
static unsigned worker_count;
static const char *program_path;
static unsigned case_number;

static void make(struct share *share, const struct run *run)
{
  share->run = *run;
  struct outcome outcome = run_make(run);
  share->runs++;
  share->total.evaluations += outcome.evaluations;
  share->total.effects += outcome.effects;
  share->total.strikes += outcome.strikes;
}

struct task {
  void (*work)(const struct task *task, struct share *share, unsigned worker);
  int weather, script;
  uint64_t evaluations;
};

static pid_t start_worker(const struct task *task, unsigned worker)
{
  fflush(stdout);
  pid_t pid = fork();
  ASSERT(pid >= 0);
  if (!pid) {
    task->work(task, &shares[worker], worker);
    exit(0); /* not _exit(): what measures coverage writes it down then */
  }
  return pid;
}

/* Returns the share of a worker that failed, or NULL. */
static const struct share *run_workers(const struct task *task, struct share *ret_sum)
{
  pid_t pids[WORKERS_MAX];
  const struct share *failed = 0;
  memset(shares, 0, WORKERS_MAX * sizeof *shares);
  for (unsigned i = 0; i < worker_count; i++)
    pids[i] = start_worker(task, i);
  for (unsigned i = 0; i < worker_count; i++) {
    int status;
    ASSERT(waitpid(pids[i], &status, 0) == pids[i]);
    if (status && !failed)
      failed = &shares[i];
    ret_sum->runs += shares[i].runs;
    ret_sum->total.evaluations += shares[i].total.evaluations;
    ret_sum->total.effects += shares[i].total.effects;
    ret_sum->total.strikes += shares[i].total.strikes;
  }
  return failed;
}

static double seconds_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void say_again(const char *how, const struct run *run)
{
  char text[RUN_TEXT_SIZE];
  run_print(run, text);
  printf("# %s: %s %s\n", how, program_path, text);
}

/* One case of TAP. True where it passed. */
static bool check_task(const struct task *task, const char *rule)
{
  struct share sum = {0};
  double begun = seconds_now();
  const struct share *failed = run_workers(task, &sum);
  double seconds = seconds_now() - begun;
  case_number++;
  if (failed) {
    printf("not ok %u - %s\n", case_number, rule);
    say_again("again", &failed->run);
    struct run smallest = run_shrink(failed->run);
    say_again("the same, shrunk", &smallest);
  } else {
    printf("ok %u - %s (%llu evaluations in %llu runs, %llu effects, %llu troubles, %.1f s: %.0f evaluations/s)\n",
           case_number, rule, (unsigned long long)sum.total.evaluations, (unsigned long long)sum.runs,
           (unsigned long long)sum.total.effects, (unsigned long long)sum.total.strikes, seconds,
           (double)sum.total.evaluations / seconds);
  }
  fflush(stdout);
  return !failed;
}

/* ---- the tasks ---- */

static void make_seeds(const struct task *task, struct share *share, unsigned worker)
{
  for (uint64_t seed = 1 + worker; share->total.evaluations < task->evaluations / worker_count; seed += worker_count) {
    struct run run = weather_run(task->weather, seed);
    make(share, &run);
  }
}

/* Every worker makes the runs whose first crash is after one of its own effects. */
static void make_crashes(const struct task *task, struct share *share, unsigned worker)
{
  struct run run = script_run(task->script);
  uint64_t undisturbed = run_make(&run).effects;
  for (unsigned coins = 0; coins < COINS; coins++)
    for (uint64_t first = worker; first <= undisturbed; first += worker_count) {
      run = script_run(task->script);
      run.coins = coins;
      run.crash_effects[0] = first;
      uint64_t effects = share->total.effects;
      make(share, &run);
      effects = share->total.effects - effects;
      for (uint64_t second = first + 1; first && second <= effects; second++) {
        run.crash_effects[1] = second;
        make(share, &run);
      }
    }
}

static void make_kept(const struct task *task, struct share *share, unsigned worker)
{
  (void)task;
  for (unsigned i = 0; kept_runs[i]; i++) {
    struct run run;
    ASSERT(run_parse(kept_runs[i], &run));
    if (i % worker_count == worker)
      make(share, &run);
  }
}

static bool make_all(uint64_t evaluations)
{
  int weathers = 0, scripts = 0;
  while (weather_rule(weathers))
    weathers++;
  while (script_rule(scripts))
    scripts++;
  printf("1..%d\n", 1 + weathers + scripts);
  bool passed = check_task(&(struct task){.work = make_kept}, "what has failed once does so no more");
  for (int i = 0; i < weathers; i++) {
    struct task task = {.work = make_seeds, .weather = i, .evaluations = i ? evaluations / MIXED_SHARE : evaluations};
    passed = check_task(&task, weather_rule(i)) && passed;
  }
  for (int i = 0; i < scripts; i++)
    passed = check_task(&(struct task){.work = make_crashes, .script = i}, script_rule(i)) && passed;
  return passed;
}

/* ---- a law broken ---- */

static void make_mixed(const struct task *task, struct share *share, unsigned worker)
{
  for (uint64_t seed = 1 + worker; seed <= MUTANT_SEEDS; seed += worker_count) {
    struct run run = weather_run(task->weather, seed);
    make(share, &run);
  }
}

/* Whether it was found out. By one worker: how many seeds it took is told. */
static bool try_mutant(void)
{
  struct share sum = {0};
  worker_count = 1;
  const struct share *failed = run_workers(&(struct task){.work = make_mixed}, &sum);
  if (failed)
    printf("found out by seed %llu\n", (unsigned long long)failed->run.seed);
  else
    printf("not found out by %d seeds\n", MUTANT_SEEDS);
  return failed;
}

/* ---- digests ---- */

static void print_digests(void)
{
  sim_telling = TELL_DIGEST;
  for (int weather = 0; weather_rule(weather); weather++) {
    uint64_t digest = 0;
    for (uint64_t seed = 1; seed <= DIGEST_SEEDS; seed++) {
      struct run run = weather_run(weather, seed);
      digest = digest * 31 + run_make(&run).digest;
    }
    printf("%s %016llx\n", weather_name(weather), (unsigned long long)digest);
  }
}

/* ---- one run ---- */

static void tell_run(int count, char **words)
{
  char text[RUN_TEXT_SIZE] = "";
  for (int i = 0; i < count; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", words[i]);
  struct run run;
  if (!run_parse(text, &run)) {
    fprintf(stderr, "sim: no such run: %s\n", text);
    exit(2);
  }
  sim_telling = TELL_STEPS;
  struct outcome outcome = run_make(&run);
  printf("# %llu evaluations, %llu effects, %llu troubles, digest %016llx\n", (unsigned long long)outcome.evaluations,
         (unsigned long long)outcome.effects, (unsigned long long)outcome.strikes, (unsigned long long)outcome.digest);
}

static uint64_t evaluations_wanted(void)
{
  const char *text = getenv("SIM_EVALUATIONS");
  uint64_t number = EVALUATIONS_DEFAULT;
  if (text && !parse_u64_text(text, UINT64_MAX, &number)) {
    fprintf(stderr, "sim: SIM_EVALUATIONS is not a number: %s\n", text);
    exit(2);
  }
  return number;
}

/* A check that failed, or a broken invariant of the core itself; it has said so. */
static void end(int signal)
{
  (void)signal;
  _exit(1);
}

int main(int argc, char **argv)
{
  signal(SIGABRT, end);
  program_path = argv[0];
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  worker_count = processors < 1 ? 1 : processors > WORKERS_MAX ? WORKERS_MAX : (unsigned)processors;
  shares = mmap(0, WORKERS_MAX * sizeof *shares, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT(shares != MAP_FAILED);
  if (argc == 1)
    return !make_all(evaluations_wanted());
  if (!strcmp(argv[1], "mutant"))
    return !try_mutant();
  if (!strcmp(argv[1], "digest"))
    print_digests();
  else
    tell_run(argc - 1, argv + 1);
  return 0;
}
