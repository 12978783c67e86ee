#pragma once

/*
 * The evaluations of one backend, those of them that wait for a slot, and who is next.
 *
 * The highest priority goes first. Within one priority the slots are shared fairly between clients: next is a client
 * that holds the fewest slots with evaluations of this priority, so that nobody's flood makes another one wait longer
 * than until a slot is free, whatever each evaluation takes. (Naive fair sharing as in M. Zaharia et al., "Delay
 * Scheduling", EuroSys 2010, algorithm 1: the fewest running tasks first.) Of equals it is the one that came, or gave
 * back a slot, longest ago: a round robin, in which one that comes stands behind those that are there, as in
 * M. Shreedhar and G. Varghese, "Efficient Fair Queuing using Deficit Round Robin", SIGCOMM 1995, with one evaluation
 * for a quantum. Within one client the oldest goes first. What was sent back without having run has cost no turn.
 *
 * So while a client waits, no other of the same priority is given a slot if it holds more, and of those that hold as
 * many each at most one, until its own turn has come.
 *
 * All this is a function of what is open and of the order of events. After a restart it is made again from what is stored
 * and found: clients, who holds slots, and turns in the order of each one's oldest open evaluation. What is forgotten is
 * who was last of those that hold as many: one turn at most, and who held a slot has had it.
 *
 * It owns no evaluation; one is in at most one queue (x.share; x.heap_index where it waits). A change costs the logarithm
 * of what waits, and the number of clients.
 */

#include "core/evaluation.h"

/* What one client has at one priority. */
struct share {
  char *client; /* as its evaluations' token; "": of those that came without one, who are one client */
  int priority;
  unsigned open;  /* its evaluations, whether they wait or not */
  unsigned slots; /* that they hold */
  uint64_t turn;  /* the lower, the longer it has had none; no two have the same */
  /* Those that wait: a binary heap, the oldest first. x.heap_index is counted from 1; 0: it does not wait. */
  struct evaluation **heap;
  size_t size, capacity;
};

struct queue {
  struct share **shares; /* in order of priority, the highest first, and then by client */
  size_t share_count, share_capacity;
  size_t size;    /* evaluations that wait */
  uint64_t turns; /* given so far */
};

void queue_release(struct queue *queue); /* all evaluations have left */

/* From its acceptance to its end an evaluation belongs to its client's share. */
void queue_join(struct queue *queue, struct evaluation *evaluation);
void queue_leave(struct queue *queue, struct evaluation *evaluation);

/* Of one that has joined. */
void queue_push(struct queue *queue, struct evaluation *evaluation);
struct evaluation *queue_pop(struct queue *queue);                     /* NULL: empty */
void queue_remove(struct queue *queue, struct evaluation *evaluation); /* does nothing where it does not wait */

/* It takes a slot, and gives it back; `used`: it was not sent back, and that was its client's turn. */
void queue_takes_slot(struct evaluation *evaluation);
void queue_gives_slot(struct queue *queue, struct evaluation *evaluation, bool used);

/* How many go before it, whether or not it waits already, if none ends and none comes. Looks at all shares, and at all
 * that wait in its own. */
size_t queue_before(const struct queue *queue, const struct evaluation *evaluation);
