#include "core/queue.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>

static bool goes_before(const struct evaluation *a, const struct evaluation *b)
{
  return a->priority != b->priority ? a->priority > b->priority : a->sequence < b->sequence;
}

static void put(struct queue *queue, size_t index, struct evaluation *evaluation)
{
  queue->heap[index - 1] = evaluation;
  evaluation->x.heap_index = index;
}

static void sift_up(struct queue *queue, struct evaluation *evaluation, size_t index)
{
  for (; index > 1 && goes_before(evaluation, queue->heap[index / 2 - 1]); index /= 2)
    put(queue, index, queue->heap[index / 2 - 1]);
  put(queue, index, evaluation);
}

static void sift_down(struct queue *queue, struct evaluation *evaluation, size_t index)
{
  for (size_t child; (child = 2 * index) <= queue->size; index = child) {
    if (child < queue->size && goes_before(queue->heap[child], queue->heap[child - 1]))
      child++;
    if (!goes_before(queue->heap[child - 1], evaluation))
      break;
    put(queue, index, queue->heap[child - 1]);
  }
  put(queue, index, evaluation);
}

void queue_release(struct queue *queue)
{
  free(queue->heap);
  *queue = (struct queue){0};
}

void queue_push(struct queue *queue, struct evaluation *evaluation)
{
  ASSERT(!evaluation->x.heap_index);
  if (queue->size == queue->capacity) {
    queue->capacity = queue->capacity ? 2 * queue->capacity : 16;
    queue->heap = xrealloc(queue->heap, queue->capacity * sizeof *queue->heap);
  }
  sift_up(queue, evaluation, ++queue->size);
}

void queue_remove(struct queue *queue, struct evaluation *evaluation)
{
  size_t index = evaluation->x.heap_index;
  if (!index)
    return;
  ASSERT(index <= queue->size && queue->heap[index - 1] == evaluation);
  evaluation->x.heap_index = 0;
  struct evaluation *last = queue->heap[--queue->size];
  if (last == evaluation)
    return;
  if (index > 1 && goes_before(last, queue->heap[index / 2 - 1]))
    sift_up(queue, last, index);
  else
    sift_down(queue, last, index);
}

struct evaluation *queue_pop(struct queue *queue)
{
  if (!queue->size)
    return 0;
  struct evaluation *first = queue->heap[0];
  queue_remove(queue, first);
  return first;
}
