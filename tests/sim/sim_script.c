/*
 * Short runs that are written down, in which nothing goes wrong by chance: the daemon dies right after one effect, or
 * after two, so that recovery dies too. All of them are made.
 */

#include "sim.h"

#include <string.h>

enum { SCRIPT_JOBS_MAX = 3 };

struct script_job {
  enum program program;
  unsigned submit_at_ms, duration_ms, attempts_max, cancel_at_ms, keeper_dies_after_ms, fetch_ms;
};

static const struct {
  const char *name, *rule; /* without a rule: the end of the table */
  unsigned keepers;
  struct script_job jobs[SCRIPT_JOBS_MAX]; /* up to the first without attempts */
  enum backend_kind backend;
} scripts[] = {
  {"success", "a success survives every crash", 1, {{PROGRAM_SUCCEEDS, 1, 50, 1, 0, 0, 0}}, BACKEND_NATIVE},
  {"instant",
   "a program that is dead at once survives every crash",
   1,
   {{PROGRAM_FAILS, 1, 0, 1, 0, 0, 0}},
   BACKEND_NATIVE},
  {"hang", "a time limit survives every crash", 1, {{PROGRAM_HANGS, 1, WALL_LIMIT_MS, 1, 0, 0, 0}}, BACKEND_NATIVE},
  {"unrunnable",
   "a program that cannot be executed survives every crash",
   1,
   {{PROGRAM_UNRUNNABLE, 1, 0, 1, 0, 0, 0}},
   BACKEND_NATIVE},
  {"unwanted", "a refused launch survives every crash", 1, {{PROGRAM_UNWANTED, 1, 0, 1, 0, 0, 0}}, BACKEND_NATIVE},
  {"keeper",
   "a lost attempt and the next one survive every crash",
   1,
   {{PROGRAM_SUCCEEDS, 1, 100, 2, 0, 20, 0}},
   BACKEND_NATIVE},
  {"lost", "a verdict of lost survives every crash", 1, {{PROGRAM_SUCCEEDS, 1, 100, 1, 0, 20, 0}}, BACKEND_NATIVE},
  {"cancel",
   "a cancellation survives every crash, or the program's own verdict",
   1,
   {{PROGRAM_SUCCEEDS, 1, 1500, 1, 500, 0, 0}},
   BACKEND_NATIVE},
  {"fetch",
   "what has to be fetched first survives every crash",
   1,
   {{PROGRAM_SUCCEEDS, 1, 20, 1, 0, 0, 500}},
   BACKEND_NATIVE},
  {"unfetched",
   "what cannot be had survives every crash",
   1,
   {{PROGRAM_UNWANTED, 1, 20, 1, 0, 0, 500}},
   BACKEND_NATIVE},
  {"fetching",
   "a cancellation while something is fetched, beside one that needs nothing, survives every crash",
   1,
   {{PROGRAM_SUCCEEDS, 1, 20, 1, 300, 0, 500}, {PROGRAM_FAILS, 2, 10, 1, 0, 0, 0}},
   BACKEND_NATIVE},
  {"waiting",
   "two that share a slot, the second cancelled while it waits, survive every crash",
   1,
   {{PROGRAM_FAILS, 1, 300, 1, 0, 0, 0}, {PROGRAM_SUCCEEDS, 2, 10, 1, 100, 0, 0}},
   BACKEND_NATIVE},
  {"three",
   "three on two slots survive every crash",
   2,
   {{PROGRAM_SUCCEEDS, 1, 30, 1, 0, 0, 0}, {PROGRAM_CRASHES, 1, 0, 1, 0, 0, 0}, {PROGRAM_HOGS, 2, 10, 1, 0, 0, 0}},
   BACKEND_NATIVE},
  {"container",
   "a lost container and the next one survive every crash",
   1,
   {{PROGRAM_SUCCEEDS, 1, 100, 2, 0, 20, 0}},
   BACKEND_DOCKER},
  {"volume", "evidence in a volume survives every crash", 1, {{PROGRAM_FAILS, 1, 20, 2, 0, 10, 0}}, BACKEND_VOLUME},
  {"pod",
   "a pod whose program is dead at once survives every crash",
   1,
   {{PROGRAM_FAILS, 1, 0, 1, 0, 0, 0}},
   BACKEND_KUBERNETES},
  {"pods",
   "a lost pod and the next one survive every crash",
   1,
   {{PROGRAM_SUCCEEDS, 1, 100, 2, 0, 20, 0}},
   BACKEND_KUBERNETES},
  {"deleted",
   "the cancellation of a pod survives every crash",
   1,
   {{PROGRAM_SUCCEEDS, 1, 1500, 1, 500, 0, 0}},
   BACKEND_KUBERNETES},
  {"pulled",
   "the cancellation of a pod whose image is pulled survives every crash",
   1,
   {{PROGRAM_SUCCEEDS, 1, 20, 1, 200, 0, 500}},
   BACKEND_KUBERNETES},
  {0},
};
const char *script_name(int script)
{
  return scripts[script].name;
}

const char *script_rule(int script)
{
  return scripts[script].rule;
}

int script_find(const char *name)
{
  for (int i = 0; scripts[i].name; i++)
    if (!strcmp(scripts[i].name, name))
      return i;
  return -1;
}

struct run script_run(int script)
{
  return (struct run){
    .weather = -1,
    .script = script,
    .seed = (uint64_t)script + 1,
    .troubles = UINT64_MAX,
    .jobs = UINT64_MAX,
    .strikes = UINT64_MAX,
  };
}

static void submit(struct sim *sim, const struct script_job *line)
{
  struct job *job = clients_add(sim);
  job->program = line->program;
  job->duration_us = line->duration_ms * 1000ull;
  job->attempts_max = line->attempts_max;
  job->keeper_dies_after_us = line->keeper_dies_after_ms * 1000ull;
  job->fetch_us = line->fetch_ms * 1000ull;
  job->fetch = line->fetch_ms ? FETCH_NEEDED : FETCH_NOT_NEEDED;
  job->key = job->index + 1;
  clients_submit_at(sim, job, line->submit_at_ms * 1000ull);
  if (line->cancel_at_ms)
    clients_cancel_at(sim, job, line->cancel_at_ms * 1000ull);
}

struct outcome script_make(const struct run *run)
{
  static struct sim sim; /* large */
  sim_init(&sim, run);
  sim.backend.keeper_count = scripts[run->script].keepers;
  sim.backend.kind = scripts[run->script].backend;
  daemon_start(&sim);
  for (int i = 0; i < SCRIPT_JOBS_MAX && scripts[run->script].jobs[i].attempts_max; i++)
    submit(&sim, &scripts[run->script].jobs[i]);
  sim_run(&sim);
  check_rest(&sim);
  return sim_release(&sim);
}
