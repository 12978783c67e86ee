#include "sim.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 200000 };

enum telling sim_telling = TELL_NOTHING;

void sim_init(struct sim *sim, const struct run *run)
{
  *sim = (struct sim){.run = *run, .told = sim_telling != TELL_NOTHING, .now_us = 1000000};
  sim->timing = chance_of(run->seed, 0);
  for (unsigned i = 0; i < TROUBLE_COUNT; i++)
    sim->troubles[i] = chance_of(run->seed, 1 + i);
}

struct outcome sim_release(struct sim *sim)
{
  struct outcome outcome = {.effects = sim->effects, .strikes = sim->strikes, .digest = sim->digest};
  for (unsigned i = 0; i < sim->store.row_count; i++)
    outcome.evaluations += sim->store.rows[i].finished;
  executor_destroy(sim->executor);
  for (size_t i = 0; i < sim->heap_size; i++)
    free(sim->heap[i].owned);
  free(sim->heap);
  return outcome;
}

static void clear_up(struct sim *sim, struct event *event)
{
  (void)event;
  sim_trace(sim, "the weather clears up");
  sim->weather = (struct weather){0};
}

void sim_clears_up_at(struct sim *sim, uint64_t at_us)
{
  sim->clear_us = at_us;
  sim_after(sim, at_us - sim->now_us, EVENT_WORLD, clear_up);
}

/* ---- the heap of events ---- */

static bool goes_before(const struct event *a, const struct event *b)
{
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

/* Both move a hole to where `event` belongs. */
static size_t sift_up(struct event *heap, size_t index, const struct event *event)
{
  for (; index && goes_before(event, &heap[(index - 1) / 2]); index = (index - 1) / 2)
    heap[index] = heap[(index - 1) / 2];
  return index;
}

static size_t sift_down(struct event *heap, size_t size, size_t index, const struct event *event)
{
  for (size_t child; (child = 2 * index + 1) < size; index = child) {
    if (child + 1 < size && goes_before(&heap[child + 1], &heap[child]))
      child++;
    if (!goes_before(&heap[child], event))
      break;
    heap[index] = heap[child];
  }
  return index;
}

struct event *sim_after(struct sim *sim, uint64_t delay_us, enum event_side side,
                        void (*run)(struct sim *sim, struct event *event))
{
  if (sim->heap_size == sim->heap_capacity) {
    sim->heap_capacity = sim->heap_capacity ? 2 * sim->heap_capacity : 64;
    sim->heap = xrealloc(sim->heap, sim->heap_capacity * sizeof *sim->heap);
  }
  struct event event = {
    .at_us = sim->now_us + delay_us,
    .sequence = ++sim->event_sequence,
    .side = side,
    .incarnation = sim->incarnation,
    .run = run,
  };
  struct event *place = &sim->heap[sift_up(sim->heap, sim->heap_size++, &event)];
  *place = event;
  return place;
}

static struct event take_next(struct sim *sim)
{
  struct event next = sim->heap[0], last = sim->heap[--sim->heap_size];
  if (sim->heap_size)
    sim->heap[sift_down(sim->heap, sim->heap_size, 0, &last)] = last;
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
  struct event *requests = xcalloc(sim->heap_size + 1, sizeof *requests);
  size_t count = 0, kept = 0;
  for (size_t i = 0; i < sim->heap_size; i++) {
    if (sim->heap[i].side == EVENT_FROM_DAEMON)
      requests[count++] = sim->heap[i];
    else
      sim->heap[kept++] = sim->heap[i];
  }
  sim->heap_size = kept;
  for (size_t i = kept / 2; i-- > 0;) {
    struct event event = sim->heap[i];
    sim->heap[sift_down(sim->heap, kept, i, &event)] = event;
  }
  qsort(requests, count, sizeof *requests, by_sequence);
  for (size_t i = 0; i < count; i++) {
    if (sim_survives(sim, COIN_REQUESTS))
      requests[i].run(sim, &requests[i]);
    free(requests[i].owned);
  }
  free(requests);
}

/* ---- telling ---- */

/* FNV-1a; each line counts with its end. */
static uint64_t digest_line(uint64_t digest, const char *line)
{
  if (!digest)
    digest = 0xcbf29ce484222325ull;
  for (; *line; line++)
    digest = (digest ^ (unsigned char)*line) * 0x100000001b3ull;
  return (digest ^ '\n') * 0x100000001b3ull;
}

void sim_tell(struct sim *sim, const char *format, ...)
{
  char line[1024];
  int used = snprintf(line, sizeof line, "# %10.6f ", (double)sim->now_us / 1e6);
  va_list args;
  va_start(args, format);
  vsnprintf(line + used, sizeof line - (size_t)used, format, args);
  va_end(args);
  if (sim_telling == TELL_STEPS)
    puts(line);
  sim->digest = digest_line(sim->digest, line);
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
  abort(); /* like a broken invariant of the core itself */
}
