/* Fair sharing, told apart from what the core makes of it: what core/queue.h promises to a client that waits. */

#include "sim.h"

#include <string.h>

static unsigned *passed_by_others(struct sim *sim, const struct job *job)
{
  return sim->turns.passed[job->priority][job->client];
}

static void forget_passed(struct sim *sim, const struct job *job)
{
  memset(passed_by_others(sim, job), 0, CLIENTS * sizeof(unsigned));
}

/* That it passed others, for what was sent back. */
static void forget_passing(struct sim *sim, const struct job *job)
{
  for (unsigned other = 0; other < CLIENTS; other++)
    sim->turns.passed[job->priority][other][job->client] = 0;
}

void turns_moved(struct sim *sim, const struct job *job, enum state from, enum state to)
{
  if (state_holds_slot(from) == state_holds_slot(to))
    return;
  if (state_holds_slot(from) && state_waits(to))
    forget_passing(sim, job);
  else
    forget_passed(sim, job);
}

static bool waits(const struct evaluation *evaluation)
{
  return evaluation->state == STATE_QUEUED && !evaluation->x.recovering && !evaluation->x.finishing;
}

/* What each client has at the priority of `launched`. */
struct held {
  unsigned slots, waiting;
};

static void count_held(struct sim *sim, const struct evaluation *launched, struct held held[static CLIENTS])
{
  for (const struct evaluation *each = 0; (each = executor_each(sim->executor, each));) {
    if (each->priority > launched->priority && waits(each))
      sim_fail(sim, "%s is launched before %s, which has a higher priority", launched->id, each->id);
    if (each->priority != launched->priority)
      continue;
    struct held *of_client = &held[clients_number(each->token)];
    of_client->slots += state_holds_slot(each->state) && each != launched;
    of_client->waiting += waits(each);
  }
}

void turns_launch(struct sim *sim, const struct job *job, const struct evaluation *evaluation)
{
  struct held held[CLIENTS] = {0};
  count_held(sim, evaluation, held);
  for (unsigned other = 0; other < CLIENTS; other++) {
    if (other == job->client || !held[other].waiting || held[other].slots > held[job->client].slots)
      continue;
    if (held[other].slots < held[job->client].slots)
      sim_fail(sim, "%s is launched, of a client that holds %u slots, while one waits that holds %u", evaluation->id,
               held[job->client].slots, held[other].slots);
    if (sim->turns.passed[job->priority][other][job->client]++)
      sim_fail(sim, "%s is launched, and its client passes for the second time one that waits", evaluation->id);
  }
}

void turns_step(struct sim *sim)
{
  unsigned open[PRIORITIES][CLIENTS] = {0};
  for (const struct evaluation *each = 0; (each = executor_each(sim->executor, each));)
    open[each->priority][clients_number(each->token)]++;
  for (unsigned priority = 0; priority < PRIORITIES; priority++)
    for (unsigned client = 0; client < CLIENTS; client++)
      if (!open[priority][client]) /* when it comes again it stands behind the others */
        memset(sim->turns.passed[priority][client], 0, sizeof sim->turns.passed[priority][client]);
}
