/*
 * Which runs are made. Without arguments: many seeds under each kind of weather; then short scripts with a crash after
 * each single effect, and after each pair of effects. One case of TAP for each weather and each script.
 *
 *   SIM_RUNS=N                              seeds under each weather (default 1000)
 *   SIM_SEED=N SIM_WEATHER=NAME             one run again, told step by step
 *   SIM_SCRIPT=NAME SIM_CRASH=K,J SIM_COINS=C   the same for a script; C: 1 commits survive a crash, 2 requests do
 */

#include "sim.h"

#include "base/memory.h"
#include "base/number.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a run that fails says how to see it again, also when it was the core's own assertion that failed ---- */

static char replay[512];
static const char *program_path;
static unsigned case_number;

static void say_how_to_replay(int signal)
{
  (void)signal;
  ssize_t ignored = write(STDOUT_FILENO, replay, strlen(replay));
  (void)ignored;
  _exit(1);
}

static void report(const char *what, unsigned long long runs, unsigned long long effects)
{
  printf("ok %u - %s (%llu runs, %llu effects)\n", case_number, what, runs, effects);
  fflush(stdout);
}

/* ---- seeds ---- */

static const struct {
  const char *name, *rule;
  struct weather weather;
} weathers[] = {
  {"calm", "with nothing going wrong every verdict is the program's", {0}},
  {"hints",
   "lost, doubled, late and wrong hints change no verdict",
   {.hint_lost = 300, .hint_doubled = 300, .hint_late = 300, .hint_bogus = 200, .answer_late = 100, .fetch = 300}},
  {"deaf", "without a single hint every verdict is the program's", {.hint_lost = 1000, .fetch = 300}},
  {"crashes",
   "a daemon that is killed again and again changes no verdict",
   {.hint_lost = 200,
    .hint_late = 200,
    .crash = 60,
    .crash_at_effect = 15,
    .commit_slow = 50,
    .commit_fails = 10,
    .answer_late = 50,
    .id_repeated = 200,
    .fetch = 300,
    .wall_jumps = 50,
    .busy = 50}},
  {"storm",
   "whatever the platform does, no program is blamed for it, and all comes to rest",
   {.hint_lost = 200,
    .hint_doubled = 100,
    .hint_late = 200,
    .hint_bogus = 100,
    .crash = 30,
    .crash_at_effect = 5,
    .commit_slow = 30,
    .commit_fails = 5,
    .answer_late = 100,
    .id_repeated = 100,
    .fetch = 300,
    .wall_jumps = 50,
    .busy = 50,
    .launch_lost = 100,
    .launch_answer_lost = 100,
    .observe_fails = 150,
    .kill_lost = 100,
    .unkillable = 150,
    .start_slow = 50,
    .fetch_hangs = 50,
    .keeper_dies = 150,
    .evidence_fails = 30}},
  {"silence",
   "a backend that hardly ever answers holds nothing up for ever",
   {.hint_lost = 900, .launch_answer_lost = 500, .observe_fails = 900, .kill_lost = 500, .crash = 10}},
};
enum { WEATHERS = sizeof weathers / sizeof *weathers };

static void add_random_job(struct sim *sim)
{
  struct job *job = clients_add(sim, sim_below(sim, 30000000));
  job->program = (enum program)sim_below(sim, PROGRAM_COUNT);
  job->duration_us = sim_coin(sim, COIN_TOSS) ? sim_between_us(sim, 0, 1900000) : 0;
  if (job->program == PROGRAM_HANGS)
    job->duration_us = WALL_LIMIT_MS * 1000;
  job->attempts_max = 1 + (unsigned)sim_below(sim, 3);
  job->priority = (int)sim_below(sim, 3);
  job->with_key = sim_coin(sim, COIN_TOSS);
  job->fetch = sim_happens(sim, sim->weather.fetch) ? FETCH_NEEDED : FETCH_NOT_NEEDED;
  while (sim_happens(sim, 200))
    clients_cancel_at(sim, job, sim_below(sim, 40000000));
}

static unsigned long long run_seed(unsigned weather, uint64_t seed, bool trace)
{
  snprintf(replay, sizeof replay, "not ok %u - %s\n# again: SIM_WEATHER=%s SIM_SEED=%llu %s\n", case_number,
           weathers[weather].rule, weathers[weather].name, (unsigned long long)seed, program_path);
  struct sim sim;
  sim_init(&sim, seed);
  sim.trace = trace;
  sim.weather = sim.climate = weathers[weather].weather;
  sim.backend.keeper_count = 1 + (unsigned)sim_below(&sim, 3);
  daemon_start(&sim);
  for (unsigned jobs = 1 + (unsigned)sim_below(&sim, 20); jobs; jobs--)
    add_random_job(&sim);
  sim_clears_up_at(&sim, 60000000);
  sim_run(&sim);
  check_rest(&sim);
  unsigned long long effects = sim.effects;
  sim_release(&sim);
  return effects;
}

static void run_weather(unsigned weather, uint64_t runs)
{
  case_number++;
  unsigned long long effects = 0;
  for (uint64_t seed = 1; seed <= runs; seed++)
    effects += run_seed(weather, seed, false);
  report(weathers[weather].rule, runs, effects);
}

/* ---- scripts ---- */

struct script_job {
  enum program program;
  unsigned submit_at_ms, duration_ms, attempts_max, cancel_at_ms, keeper_dies_after_ms, fetch_ms;
};

static const struct {
  const char *name, *rule;
  unsigned keepers;
  struct script_job jobs[3]; /* up to the first without attempts */
} scripts[] = {
  {"success", "a success survives every crash", 1, {{PROGRAM_SUCCEEDS, 1, 50, 1, 0, 0, 0}}},
  {"instant", "a program that is dead at once survives every crash", 1, {{PROGRAM_FAILS, 1, 0, 1, 0, 0, 0}}},
  {"hang", "a time limit survives every crash", 1, {{PROGRAM_HANGS, 1, WALL_LIMIT_MS, 1, 0, 0, 0}}},
  {"unrunnable", "a program that cannot be executed survives every crash", 1, {{PROGRAM_UNRUNNABLE, 1, 0, 1, 0, 0, 0}}},
  {"unwanted", "a refused launch survives every crash", 1, {{PROGRAM_UNWANTED, 1, 0, 1, 0, 0, 0}}},
  {"keeper", "a lost attempt and the next one survive every crash", 1, {{PROGRAM_SUCCEEDS, 1, 100, 2, 0, 20, 0}}},
  {"lost", "a verdict of lost survives every crash", 1, {{PROGRAM_SUCCEEDS, 1, 100, 1, 0, 20, 0}}},
  {"cancel",
   "a cancellation survives every crash, or the program's own verdict",
   1,
   {{PROGRAM_SUCCEEDS, 1, 1500, 1, 500, 0, 0}}},
  {"fetch", "what has to be fetched first survives every crash", 1, {{PROGRAM_SUCCEEDS, 1, 20, 1, 0, 0, 500}}},
  {"unfetched", "what cannot be had survives every crash", 1, {{PROGRAM_UNWANTED, 1, 20, 1, 0, 0, 500}}},
  {"fetching",
   "a cancellation while something is fetched, beside one that needs nothing, survives every crash",
   1,
   {{PROGRAM_SUCCEEDS, 1, 20, 1, 300, 0, 500}, {PROGRAM_FAILS, 2, 10, 1, 0, 0, 0}}},
  {"waiting",
   "two that share a slot, the second cancelled while it waits, survive every crash",
   1,
   {{PROGRAM_FAILS, 1, 300, 1, 0, 0, 0}, {PROGRAM_SUCCEEDS, 2, 10, 1, 100, 0, 0}}},
  {"three",
   "three on two slots survive every crash",
   2,
   {{PROGRAM_SUCCEEDS, 1, 30, 1, 0, 0, 0}, {PROGRAM_CRASHES, 1, 0, 1, 0, 0, 0}, {PROGRAM_HOGS, 2, 10, 1, 0, 0, 0}}},
};
enum { SCRIPTS = sizeof scripts / sizeof *scripts };

/* Returns how many effects there were. */
static uint64_t run_script(unsigned script, uint64_t first_crash, uint64_t second_crash, unsigned coins, bool trace)
{
  snprintf(replay, sizeof replay, "not ok %u - %s\n# again: SIM_SCRIPT=%s SIM_CRASH=%llu,%llu SIM_COINS=%u %s\n",
           case_number, scripts[script].rule, scripts[script].name, (unsigned long long)first_crash,
           (unsigned long long)second_crash, coins, program_path);
  struct sim sim;
  sim_init(&sim, script + 1);
  sim.trace = trace;
  sim.crash_effects[0] = first_crash;
  sim.crash_effects[1] = second_crash;
  sim.commit_survives = coins & 1 ? COIN_YES : COIN_NO;
  sim.requests_survive = coins & 2 ? COIN_YES : COIN_NO;
  sim.backend.keeper_count = scripts[script].keepers;
  daemon_start(&sim);
  for (const struct script_job *line = scripts[script].jobs; line < scripts[script].jobs + 3 && line->attempts_max;
       line++) {
    struct job *job = clients_add(&sim, line->submit_at_ms * 1000ull);
    job->program = line->program;
    job->duration_us = line->duration_ms * 1000ull;
    job->attempts_max = line->attempts_max;
    job->keeper_dies_after_us = line->keeper_dies_after_ms * 1000ull;
    job->fetch_us = line->fetch_ms * 1000ull;
    job->fetch = line->fetch_ms ? FETCH_NEEDED : FETCH_NOT_NEEDED;
    job->with_key = true;
    if (line->cancel_at_ms)
      clients_cancel_at(&sim, job, line->cancel_at_ms * 1000ull);
  }
  sim_run(&sim);
  check_rest(&sim);
  uint64_t effects = sim.effects;
  sim_release(&sim);
  return effects;
}

static void run_script_with_crashes(unsigned script)
{
  case_number++;
  unsigned long long runs = 1, effects = run_script(script, 0, 0, 0, false);
  uint64_t undisturbed = effects;
  for (unsigned coins = 0; coins < 4; coins++)
    for (uint64_t first = 1; first <= undisturbed; first++) {
      uint64_t with_one = run_script(script, first, 0, coins, false);
      effects += with_one;
      runs++;
      for (uint64_t second = first + 1; second <= with_one; second++, runs++)
        effects += run_script(script, first, second, coins, false);
    }
  report(scripts[script].rule, runs, effects);
}

/* ---- one run again ---- */

static uint64_t number_from(const char *text)
{
  uint64_t number;
  if (!text || !parse_u64_text(text, UINT64_MAX, &number)) {
    fprintf(stderr, "not a number: %s\n", text ? text : "nothing");
    exit(2);
  }
  return number;
}

static void replay_seed(const char *weather_name, const char *seed)
{
  for (unsigned weather = 0; weather < WEATHERS; weather++)
    if (!strcmp(weathers[weather].name, weather_name)) {
      run_seed(weather, number_from(seed), true);
      return;
    }
  fprintf(stderr, "no such weather: %s\n", weather_name);
  exit(2);
}

static void replay_script(const char *script_name, const char *crashes, const char *coins)
{
  CLEANUP_FREE char *first = xstrdup(crashes ? crashes : "0,0");
  char *second = strchr(first, ',');
  if (second)
    *second++ = 0;
  for (unsigned script = 0; script < SCRIPTS; script++)
    if (!strcmp(scripts[script].name, script_name)) {
      run_script(script, number_from(first), number_from(second), (unsigned)number_from(coins ? coins : "0"), true);
      return;
    }
  fprintf(stderr, "no such script: %s\n", script_name);
  exit(2);
}

int main(int argc, char **argv)
{
  (void)argc;
  program_path = argv[0];
  signal(SIGABRT, say_how_to_replay);
  const char *weather = getenv("SIM_WEATHER"), *script = getenv("SIM_SCRIPT"), *runs = getenv("SIM_RUNS");
  if (weather) {
    replay_seed(weather, getenv("SIM_SEED"));
    return 0;
  }
  if (script) {
    replay_script(script, getenv("SIM_CRASH"), getenv("SIM_COINS"));
    return 0;
  }
  printf("1..%d\n", WEATHERS + SCRIPTS);
  for (unsigned i = 0; i < WEATHERS; i++)
    run_weather(i, runs ? number_from(runs) : 1000);
  for (unsigned i = 0; i < SCRIPTS; i++)
    run_script_with_crashes(i);
  return 0;
}
