#include "core/queue.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- one share: a heap of those that wait ---- */

static bool is_older(const struct evaluation *a, const struct evaluation *b)
{
  return a->sequence < b->sequence;
}

static void put(struct share *share, size_t index, struct evaluation *evaluation)
{
  share->heap[index - 1] = evaluation;
  evaluation->x.heap_index = index;
}

static void sift_up(struct share *share, struct evaluation *evaluation, size_t index)
{
  for (; index > 1 && is_older(evaluation, share->heap[index / 2 - 1]); index /= 2)
    put(share, index, share->heap[index / 2 - 1]);
  put(share, index, evaluation);
}

static void sift_down(struct share *share, struct evaluation *evaluation, size_t index)
{
  for (size_t child; (child = 2 * index) <= share->size; index = child) {
    if (child < share->size && is_older(share->heap[child], share->heap[child - 1]))
      child++;
    if (!is_older(share->heap[child - 1], evaluation))
      break;
    put(share, index, share->heap[child - 1]);
  }
  put(share, index, evaluation);
}

void queue_push(struct queue *queue, struct evaluation *evaluation)
{
  struct share *share = evaluation->x.share;
  ASSERT(!evaluation->x.heap_index);
  if (share->size == share->capacity) {
    share->capacity = share->capacity ? 2 * share->capacity : 16;
    share->heap = xrealloc(share->heap, share->capacity * sizeof *share->heap);
  }
  sift_up(share, evaluation, ++share->size);
  queue->size++;
}

void queue_remove(struct queue *queue, struct evaluation *evaluation)
{
  struct share *share = evaluation->x.share;
  size_t index = evaluation->x.heap_index;
  if (!index)
    return;
  ASSERT(index <= share->size && share->heap[index - 1] == evaluation);
  evaluation->x.heap_index = 0;
  queue->size--;
  struct evaluation *last = share->heap[--share->size];
  if (last == evaluation)
    return;
  if (index > 1 && is_older(last, share->heap[index / 2 - 1]))
    sift_up(share, last, index);
  else
    sift_down(share, last, index);
}

/* ---- all shares, in order ---- */

static const char *client_of(const struct evaluation *evaluation)
{
  return evaluation->token ? evaluation->token : "";
}

/* Negative: the share stands before the evaluation's, 0: it is that one. */
static int compare(const struct share *share, const struct evaluation *evaluation)
{
  if (share->priority != evaluation->priority)
    return share->priority > evaluation->priority ? -1 : 1;
  return strcmp(share->client, client_of(evaluation));
}

/* How many stand before the evaluation's. */
static size_t find_place(const struct queue *queue, const struct evaluation *evaluation)
{
  size_t low = 0, high = queue->share_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (compare(queue->shares[middle], evaluation) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct share *add_share(struct queue *queue, size_t place, const struct evaluation *evaluation)
{
  if (queue->share_count == queue->share_capacity) {
    queue->share_capacity = queue->share_capacity ? 2 * queue->share_capacity : 4;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers
    queue->shares = xrealloc(queue->shares, queue->share_capacity * sizeof *queue->shares);
  }
  struct share **at = &queue->shares[place];
  // NOLINTNEXTLINE(bugprone-sizeof-expression)
  memmove(at + 1, at, (queue->share_count++ - place) * sizeof *at);
  *at = xcalloc(1, sizeof **at);
  **at =
    (struct share){.client = xstrdup(client_of(evaluation)), .priority = evaluation->priority, .turn = ++queue->turns};
  return *at;
}

void queue_join(struct queue *queue, struct evaluation *evaluation)
{
  ASSERT(!evaluation->x.share);
  size_t place = find_place(queue, evaluation);
  bool known = place < queue->share_count && !compare(queue->shares[place], evaluation);
  evaluation->x.share = known ? queue->shares[place] : add_share(queue, place, evaluation);
  evaluation->x.share->open++;
}

void queue_leave(struct queue *queue, struct evaluation *evaluation)
{
  struct share *share = evaluation->x.share;
  ASSERT(share->open);
  queue_remove(queue, evaluation);
  evaluation->x.share = 0;
  if (--share->open)
    return;
  struct share **at = &queue->shares[find_place(queue, evaluation)];
  ASSERT(*at == share);
  // NOLINTNEXTLINE(bugprone-sizeof-expression)
  memmove(at, at + 1, (size_t)(&queue->shares[queue->share_count--] - at - 1) * sizeof *at);
  free(share->heap);
  free(share->client);
  free(share);
}

void queue_release(struct queue *queue)
{
  ASSERT(!queue->share_count);
  free(queue->shares);
  *queue = (struct queue){0};
}

/* ---- who is next ---- */

void queue_takes_slot(struct evaluation *evaluation)
{
  evaluation->x.share->slots++;
}

void queue_gives_slot(struct queue *queue, struct evaluation *evaluation, bool used)
{
  struct share *share = evaluation->x.share;
  ASSERT(share->slots);
  share->slots--;
  if (used)
    share->turn = ++queue->turns;
}

/* Of the same priority. */
static bool is_next_of(const struct share *a, const struct share *b)
{
  return a->slots != b->slots ? a->slots < b->slots : a->turn < b->turn;
}

struct evaluation *queue_pop(struct queue *queue)
{
  const struct share *next = 0;
  for (size_t i = 0; i < queue->share_count; i++) {
    const struct share *share = queue->shares[i];
    if (next && share->priority < next->priority)
      break;
    if (share->size && (!next || is_next_of(share, next)))
      next = share;
  }
  if (!next)
    return 0;
  struct evaluation *first = next->heap[0];
  queue_remove(queue, first);
  return first;
}

static size_t older_ones(const struct share *share, const struct evaluation *evaluation)
{
  size_t count = 0;
  for (size_t i = 0; i < share->size; i++)
    count += is_older(share->heap[i], evaluation);
  return count;
}

/* How many of `other` are launched before `share` is given a slot while it holds `slots`. */
static size_t launched_before(const struct share *other, const struct share *share, size_t slots)
{
  if (other->priority != share->priority)
    return other->priority > share->priority ? other->size : 0;
  size_t until = slots + (other->turn < share->turn), more = until > other->slots ? until - other->slots : 0;
  return more < other->size ? more : other->size;
}

size_t queue_before(const struct queue *queue, const struct evaluation *evaluation)
{
  const struct share *share = evaluation->x.share;
  size_t own = older_ones(share, evaluation), count = own;
  for (size_t i = 0; i < queue->share_count; i++)
    if (queue->shares[i] != share)
      count += launched_before(queue->shares[i], share, share->slots + own);
  return count;
}
