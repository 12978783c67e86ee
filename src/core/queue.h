#pragma once

/*
 * The evaluations that wait for a slot of one backend: a binary heap, the highest priority first, the oldest first
 * among equals. It owns nothing; an evaluation is in at most one queue (x.heap_index, counted from 1; 0: in none).
 */

#include "core/evaluation.h"

struct queue {
  struct evaluation **heap;
  size_t size, capacity;
};

void queue_release(struct queue *queue);
void queue_push(struct queue *queue, struct evaluation *evaluation);
struct evaluation *queue_pop(struct queue *queue);                     /* NULL: empty */
void queue_remove(struct queue *queue, struct evaluation *evaluation); /* does nothing where it is not in the queue */
