#include "sim.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 200000 };

void sim_init(struct sim *sim, uint64_t seed)
{
  *sim = (struct sim){.seed = seed, .random_state = seed, .now_us = 1000000};
}

void sim_release(struct sim *sim)
{
  executor_destroy(sim->executor);
  for (size_t i = 0; i < sim->heap_size; i++)
    free(sim->heap[i].owned);
  free(sim->heap);
  for (unsigned i = 0; i < sim->backend.attempt_count; i++)
    free(sim->backend.attempts[i]);
}

static void clear_up(struct sim *sim, struct event *event)
{
  (void)event;
  sim_trace(sim, "the weather clears up");
  sim->weather = (struct weather){0};
}

void sim_clears_up_at(struct sim *sim, uint64_t at_us)
{
  sim_after(sim, at_us, EVENT_WORLD, clear_up);
}

/* ---- chance: splitmix64 ---- */

uint64_t sim_random(struct sim *sim)
{
  uint64_t z = sim->random_state += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

uint64_t sim_below(struct sim *sim, uint64_t bound)
{
  return sim_random(sim) % bound;
}

uint64_t sim_between_us(struct sim *sim, uint64_t least_us, uint64_t most_us)
{
  uint64_t most = most_us;
  while (most / 2 > least_us && sim_below(sim, 2))
    most /= 2;
  return least_us + sim_below(sim, most - least_us + 1);
}

bool sim_happens(struct sim *sim, unsigned per_mille)
{
  return per_mille && sim_below(sim, 1000) < per_mille;
}

bool sim_coin(struct sim *sim, enum coin coin)
{
  return coin == COIN_TOSS ? sim_below(sim, 2) : coin == COIN_YES;
}

/* ---- the heap of events ---- */

static bool goes_before(const struct event *a, const struct event *b)
{
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

static void swap(struct event *a, struct event *b)
{
  struct event kept = *a;
  *a = *b;
  *b = kept;
}

static size_t sift_up(struct event *heap, size_t index)
{
  for (; index && goes_before(&heap[index], &heap[(index - 1) / 2]); index = (index - 1) / 2)
    swap(&heap[index], &heap[(index - 1) / 2]);
  return index;
}

static void sift_down(struct event *heap, size_t size, size_t index)
{
  for (size_t child; (child = 2 * index + 1) < size; index = child) {
    if (child + 1 < size && goes_before(&heap[child + 1], &heap[child]))
      child++;
    if (!goes_before(&heap[child], &heap[index]))
      return;
    swap(&heap[child], &heap[index]);
  }
}

struct event *sim_after(struct sim *sim, uint64_t delay_us, enum event_side side,
                        void (*run)(struct sim *sim, struct event *event))
{
  if (sim->heap_size == sim->heap_capacity) {
    sim->heap_capacity = sim->heap_capacity ? 2 * sim->heap_capacity : 64;
    sim->heap = xrealloc(sim->heap, sim->heap_capacity * sizeof *sim->heap);
  }
  sim->heap[sim->heap_size] = (struct event){
    .at_us = sim->now_us + delay_us,
    .sequence = ++sim->event_sequence,
    .side = side,
    .incarnation = sim->incarnation,
    .run = run,
  };
  return &sim->heap[sift_up(sim->heap, sim->heap_size++)];
}

static struct event take_next(struct sim *sim)
{
  struct event next = sim->heap[0];
  sim->heap[0] = sim->heap[--sim->heap_size];
  sift_down(sim->heap, sim->heap_size, 0);
  return next;
}

static bool concerns_nobody(const struct sim *sim, const struct event *event)
{
  return event->side == EVENT_TO_DAEMON && (!sim->executor || event->incarnation != sim->incarnation);
}

void sim_run(struct sim *sim)
{
  while (sim->heap_size) {
    if (++sim->events_run > EVENTS_MAX)
      sim_fail(sim, "it never comes to rest");
    struct event event = take_next(sim);
    sim->now_us = event.at_us;
    if (!concerns_nobody(sim, &event))
      event.run(sim, &event);
    free(event.owned);
  }
}

static int by_sequence(const void *a, const void *b)
{
  const struct event *first = a, *second = b;
  return first->sequence < second->sequence ? -1 : first->sequence > second->sequence;
}

void sim_settle_requests(struct sim *sim)
{
  struct event *requests = xcalloc(sim->heap_size, sizeof *requests);
  size_t count = 0, kept = 0;
  for (size_t i = 0; i < sim->heap_size; i++) {
    if (sim->heap[i].side == EVENT_FROM_DAEMON)
      requests[count++] = sim->heap[i];
    else
      sim->heap[kept++] = sim->heap[i];
  }
  sim->heap_size = kept;
  for (size_t i = kept / 2; i-- > 0;)
    sift_down(sim->heap, kept, i);
  qsort(requests, count, sizeof *requests, by_sequence);
  for (size_t i = 0; i < count; i++) {
    if (sim_coin(sim, sim->requests_survive))
      requests[i].run(sim, &requests[i]);
    free(requests[i].owned);
  }
  free(requests);
}

/* ---- telling ---- */

void sim_trace(struct sim *sim, const char *format, ...)
{
  if (!sim->trace)
    return;
  printf("# %10.6f ", (double)sim->now_us / 1e6);
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  printf("\n");
}

void sim_fail(struct sim *sim, const char *format, ...)
{
  printf("# at %.6f, after %llu effects: ", (double)sim->now_us / 1e6, (unsigned long long)sim->effects);
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  printf("\n");
  fflush(stdout);
  abort(); /* like a broken invariant of the core itself: sim_main.c says how to see it again */
}
