#include "api/waiters.h"

#include "base/memory.h"
#include "loop/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 }; /* connections are counted in thousands at most */

struct waiter {
  struct waiters *owner;
  struct waiter *next, **place; /* `place` is what points to it */
  char id[ID_SIZE];
  uint64_t deadline_ms; /* uv_now() */
  struct reply reply;
};

struct waiters {
  uv_loop_t *loop;
  struct timer *timer;
  waiter_answer *expired;
  void *context;
  unsigned count;
  struct waiter *buckets[BUCKETS];
};

static struct waiter **bucket_of(struct waiters *waiters, const char *id)
{
  uint32_t hash = 2166136261u; /* FNV-1a */
  for (; *id; id++)
    hash = (hash ^ (unsigned char)*id) * 16777619u;
  return &waiters->buckets[hash % BUCKETS];
}

static void link_into(struct waiter **list, struct waiter *waiter)
{
  waiter->next = *list;
  waiter->place = list;
  if (*list)
    (*list)->place = &waiter->next;
  *list = waiter;
}

static void unlink_waiter(struct waiter *waiter)
{
  *waiter->place = waiter->next;
  if (waiter->next)
    waiter->next->place = waiter->place;
}

static void left(struct waiters *waiters)
{
  if (--waiters->count == 0)
    timer_stop(waiters->timer);
}

static void gone(void *context)
{
  struct waiter *waiter = context;
  struct waiters *waiters = waiter->owner;
  struct http_request *request = waiter->reply.request;
  unlink_waiter(waiter);
  left(waiters);
  free(waiter);
  http_respond(request, &(struct http_response){.status = 503}, NULL); /* nobody hears it: this lets the request go */
}

/* Moves those of a bucket that are meant onto a list of their own, where nothing that happens outside reaches them. */
static void move(struct waiters *waiters, struct waiter *from, const char *id, uint64_t due_ms, struct waiter **list)
{
  for (struct waiter *next; from; from = next) {
    next = from->next;
    if ((id && strcmp(from->id, id) != 0) || from->deadline_ms > due_ms)
      continue;
    http_on_gone(from->reply.request, NULL, NULL);
    unlink_waiter(from);
    link_into(list, from);
    left(waiters);
  }
}

static void answer_all(struct waiter *list, waiter_answer *answer, void *context)
{
  while (list) {
    CLEANUP_FREE struct waiter *waiter = list;
    list = list->next;
    answer(context, waiter->id, &waiter->reply);
  }
}

/* Sets the timer to the earliest deadline, unless it runs already and is not later. */
static void watch(struct waiters *waiters, uint64_t deadline_ms)
{
  uint64_t now_ms = uv_now(waiters->loop);
  uint64_t delay_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
  timer_set_within(waiters->timer, delay_ms);
}

/*
 * The timer is set to the earliest deadline there was; who left meanwhile does not change it. So it may find nobody,
 * and is then set anew: once in a waiting time at most, and not at all when nobody is left.
 */
static void timer_fired(void *context)
{
  struct waiters *waiters = context;
  struct waiter *due = NULL;
  uint64_t earliest_ms = UINT64_MAX;
  for (unsigned i = 0; i < BUCKETS; i++) {
    move(waiters, waiters->buckets[i], NULL, uv_now(waiters->loop), &due);
    for (struct waiter *waiter = waiters->buckets[i]; waiter; waiter = waiter->next)
      if (waiter->deadline_ms < earliest_ms)
        earliest_ms = waiter->deadline_ms;
  }
  if (earliest_ms < UINT64_MAX)
    watch(waiters, earliest_ms);
  answer_all(due, waiters->expired, waiters->context);
}

struct waiters *waiters_create(uv_loop_t *loop, waiter_answer *expired, void *context)
{
  struct waiters *waiters = xcalloc(1, sizeof *waiters);
  waiters->loop = loop;
  waiters->expired = expired;
  waiters->context = context;
  waiters->timer = timer_make(loop, timer_fired, waiters);
  return waiters;
}

void waiters_destroy(struct waiters *waiters)
{
  if (!waiters)
    return;
  ASSERT(waiters->count == 0);
  timer_destroy(waiters->timer);
  free(waiters);
}

void waiters_add(struct waiters *waiters, const char *id, const struct reply *reply)
{
  struct waiter *waiter = xcalloc(1, sizeof *waiter);
  waiter->owner = waiters;
  snprintf(waiter->id, sizeof waiter->id, "%s", id);
  waiter->deadline_ms = uv_now(waiters->loop) + reply->wait_seconds * 1000ull;
  waiter->reply = *reply;
  link_into(bucket_of(waiters, id), waiter);
  waiters->count++;
  watch(waiters, waiter->deadline_ms);
  http_on_gone(reply->request, gone, waiter); /* last: it may be gone already */
}

void waiters_take(struct waiters *waiters, const char *id, waiter_answer *answer, void *context)
{
  struct waiter *taken = NULL;
  if (id)
    move(waiters, *bucket_of(waiters, id), id, UINT64_MAX, &taken);
  for (unsigned i = 0; !id && waiters->count && i < BUCKETS; i++)
    move(waiters, waiters->buckets[i], NULL, UINT64_MAX, &taken);
  answer_all(taken, answer, context);
}

unsigned waiters_count(const struct waiters *waiters)
{
  return waiters->count;
}
