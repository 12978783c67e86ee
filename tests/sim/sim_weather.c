/*
 * Runs from a seed. Some kinds of weather are set, and stand for a rule each; in the last one every seed draws its own
 * mix: each trouble is left out as often as not, and what is left in has a rate of its own. A trouble that keeps the
 * others from ever mattering is left out often enough.
 */

#include "sim.h"

#include <string.h>

enum { MIX_STREAM = 2000, SUBMITTED_WITHIN_US = 30000000, CANCELLED_WITHIN_US = 40000000, CLEAR_US = 61000000 };

#define RATE(trouble, rate) [TROUBLE_##trouble] = (rate)

static const struct {
  const char *name, *rule; /* without a rule: the end of the table */
  bool mixed;              /* by the seed */
  struct weather weather;
  enum backend_kind backend;
} weathers[] = {
  {"mixed",
   "whatever goes wrong, no program is blamed for it, nothing is lost without need, and all comes to rest",
   true,
   {{0}},
   BACKEND_DRAWN},
  {"calm", "with nothing going wrong every verdict is the program's", false, {{0}}, BACKEND_DRAWN},
  {"deaf",
   "without a single hint every verdict is the program's",
   false,
   {{RATE(HINT_LOST, 1000), RATE(FETCH, 300)}},
   BACKEND_DRAWN},
  {"hints",
   "lost, doubled, late and wrong hints change no verdict",
   false,
   {{RATE(HINT_LOST, 300), RATE(HINT_DOUBLED, 300), RATE(HINT_LATE, 300), RATE(HINT_BOGUS, 200), RATE(ANSWER_LATE, 100),
     RATE(FETCH, 300)}},
   BACKEND_DRAWN},
  {"crashes",
   "a daemon that is killed again and again changes no verdict",
   false,
   {{RATE(HINT_LOST, 200), RATE(HINT_LATE, 200), RATE(CRASH, 60), RATE(CRASH_AT_EFFECT, 15), RATE(STOP, 20),
     RATE(COMMIT_SLOW, 50), RATE(COMMIT_FAILS, 10), RATE(ANSWER_LATE, 50), RATE(CLIENT_LEAVES, 100),
     RATE(ID_REPEATED, 200), RATE(FETCH, 300), RATE(WALL_JUMPS, 50), RATE(BUSY, 50)}},
   BACKEND_DRAWN},
  {"silence",
   "a backend that hardly ever answers holds nothing up for ever",
   false,
   {{RATE(HINT_LOST, 900), RATE(LAUNCH_ANSWER_LOST, 500), RATE(OBSERVE_FAILS, 900), RATE(KILL_LOST, 500),
     RATE(CRASH, 10)}},
   BACKEND_DRAWN},
  {"lies",
   "a backend that makes things up is never believed against the evidence",
   false,
   {{RATE(SAYS_CREATED, 200), RATE(SAYS_ENDED, 200), RATE(SAYS_RUNNING, 200), RATE(HINT_BOGUS, 300), RATE(BUSY, 200),
     RATE(CRASH, 20)}},
   BACKEND_DRAWN},
  {"cluster",
   "two pods for a Job, a condition before its pod has ended, and a log that is gone or an error text change no "
   "verdict",
   false,
   {{RATE(TWO_PODS, 500), RATE(CONDITION_EARLY, 500), RATE(LOG_GONE, 100), RATE(LOG_IS_ERROR, 300),
     RATE(HINT_LOST, 200), RATE(HINT_LATE, 200), RATE(ANSWER_LATE, 50), RATE(FETCH, 300), RATE(CRASH, 20)}},
   BACKEND_KUBERNETES},
  {"hands",
   "a cluster that hides pods, and people who delete Jobs and pods, are never taken for the program",
   false,
   {{RATE(POD_HIDDEN, 100), RATE(JOB_DELETED, 200), RATE(REMOVED_BY_HAND, 200), RATE(MESSAGE_GONE, 200),
     RATE(TWO_PODS, 300), RATE(CONDITION_EARLY, 300), RATE(LOG_GONE, 200), RATE(LOG_IS_ERROR, 300), RATE(CRASH, 20)}},
   BACKEND_KUBERNETES},
  {0},
};

const char *weather_name(int weather)
{
  return weathers[weather].name;
}

const char *weather_rule(int weather)
{
  return weathers[weather].rule;
}

int weather_find(const char *name)
{
  for (int i = 0; weathers[i].name; i++)
    if (!strcmp(weathers[i].name, name))
      return i;
  return -1;
}

struct run weather_run(int weather, uint64_t seed)
{
  return (struct run){
    .weather = weather,
    .script = -1,
    .seed = seed,
    .troubles = UINT64_MAX,
    .jobs = UINT64_MAX,
    .strikes = UINT64_MAX,
  };
}

/* Every trouble draws, whether it is in the mix or not, so that none depends on another. */
static struct weather mix(uint64_t seed)
{
  struct weather weather = {0};
  struct chance chance = chance_of(seed, MIX_STREAM);
  bool only_outside = chance_below(&chance, 4) == 0;
  for (enum trouble trouble = 0; trouble < TROUBLE_COUNT; trouble++) {
    unsigned most = trouble_most(trouble);
    bool left_out = chance_below(&chance, 2) || (only_outside && trouble_is_of_platform(trouble));
    unsigned rate = 1 + (unsigned)chance_between_us(&chance, 0, most - 1);
    weather.per_mille[trouble] = left_out ? 0 : rate;
  }
  return weather;
}

static struct weather weather_of(const struct run *run)
{
  struct weather weather = weathers[run->weather].mixed ? mix(run->seed) : weathers[run->weather].weather;
  for (unsigned trouble = 0; trouble < TROUBLE_COUNT; trouble++)
    if (!(run->troubles >> trouble & 1))
      weather.per_mille[trouble] = 0;
  return weather;
}

/* Draws from its own stream only, but for what is a trouble. */
static void make_up(struct sim *sim, struct job *job)
{
  struct chance *chance = &job->chance;
  job->program = (enum program)chance_below(chance, PROGRAM_COUNT);
  job->duration_us = chance_below(chance, 2) ? chance_between_us(chance, 0, 1900000) : 0;
  if (job->program == PROGRAM_HANGS)
    job->duration_us = WALL_LIMIT_MS * 1000;
  job->output_bytes = NAME_SIZE + chance_below(chance, 1000000);
  job->attempts_max = 1 + (unsigned)chance_below(chance, 3);
  job->priority = (int)chance_below(chance, PRIORITIES);
  switch (chance_below(chance, 20)) {
  case 0: /* by mistake, the key of the one before */
    job->key = job->index;
    break;
  case 1 ... 10:
    job->key = job->index + 1;
    break;
  default:
    break;
  }
  job->fetch = sim_strikes(sim, TROUBLE_FETCH) ? FETCH_NEEDED : FETCH_NOT_NEEDED;
}

static void submit_jobs(struct sim *sim)
{
  struct chance chance = chance_of(sim->run.seed, MIX_STREAM + 1), whose = chance_of(sim->run.seed, MIX_STREAM + 3);
  unsigned drawn = 1 + (unsigned)chance_below(&whose, CLIENTS), clients = sim->run.clients ? sim->run.clients : drawn;
  unsigned count = 1 + (unsigned)chance_below(&chance, 20);
  for (unsigned i = 0; i < count; i++) {
    struct job *job = clients_add(sim);
    make_up(sim, job);
    job->client = (unsigned)chance_below(&whose, clients);
    clients_submit_at(sim, job, chance_below(&job->chance, SUBMITTED_WITHIN_US));
    while (chance_below(&job->chance, 5) == 0)
      clients_cancel_at(sim, job, chance_below(&job->chance, CANCELLED_WITHIN_US));
  }
}

static enum backend_kind backend_of(const struct run *run)
{
  struct chance chance = chance_of(run->seed, MIX_STREAM + 4);
  const unsigned drawn = (unsigned)chance_below(&chance, BACKEND_COUNT - 1);
  const enum backend_kind set = weathers[run->weather].backend;
  return run->backend ? run->backend : set ? set : (enum backend_kind)(BACKEND_DRAWN + 1 + drawn);
}

struct outcome weather_make(const struct run *run)
{
  static struct sim sim; /* large */
  sim_init(&sim, run);
  sim.weather = sim.climate = weather_of(run);
  struct chance chance = chance_of(run->seed, MIX_STREAM + 2);
  sim.backend.keeper_count = 1 + (unsigned)chance_below(&chance, 3);
  sim.backend.kind = backend_of(run);
  daemon_start(&sim);
  submit_jobs(&sim);
  sim_clears_up_at(&sim, CLEAR_US);
  sim_run(&sim);
  check_rest(&sim);
  return sim_release(&sim);
}
