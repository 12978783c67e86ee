#pragma once

/*
 * How a keeper and the init of a sandbox talk: packets over a SOCK_SEQPACKET socket pair. Both ends are the same
 * binary, one a fork of the other, so a packet is a struct. The keeper gives orders, init reports.
 *
 *   keeper → init   BUILD    the ids are mapped: build the sandbox, all of it that depends on no plan
 *   init → keeper   BUILT
 *   keeper → init   LOAD     a plan (descriptor) and the evaluation's id: make room, write the files
 *   init → keeper   READY    everything that can fail before the program has been done
 *                   REFUSED  it could not be: the platform's fault, nothing ran
 *                   UNFIT    it could not be: the plan's fault, nothing ran
 *   keeper → init   RUN      a step: execute its command
 *   init → keeper   LISTENER the program's system calls that must be waited for (seccomp_unotify(2), descriptor)
 *                   UNFIT    it could not be executed, and why
 *                   BROKEN   it could not be executed, and that is the platform's fault
 *                   ENDED    its wait status and what it used; after a compile step init waits for the next RUN
 */

#include "base/limits.h"
#include "wire/record.h"

#include <stdint.h>

enum order_type { ORDER_BUILD, ORDER_LOAD, ORDER_RUN };

struct order {
  uint32_t type;    /* enum order_type */
  uint32_t step;    /* RUN: enum step */
  char id[ID_SIZE]; /* LOAD: what the program sees as EVAL_ID */
};

enum report_type {
  REPORT_BUILT,
  REPORT_READY,
  REPORT_REFUSED,
  REPORT_UNFIT,
  REPORT_LISTENER,
  REPORT_BROKEN,
  REPORT_ENDED
};

struct report {
  uint32_t type;            /* enum report_type */
  int32_t code;             /* ENDED: as wait(2) gives it; UNFIT, REFUSED, BROKEN: errno */
  uint64_t init_cpu_us;     /* READY, ENDED: what init itself has used since it was made */
  uint64_t tree_cpu_us;     /* ENDED: what the processes that init has waited for used, the program among them */
  uint64_t tree_peak_bytes; /* ENDED: the most memory that one of them had at a time */
  char text[REASON_SIZE];   /* UNFIT, REFUSED, BROKEN: for a person */
};

enum { CHANNEL_FDS_MAX = 2 };

/* A packet with up to CHANNEL_FDS_MAX descriptors. 0 or a negative errno. */
int channel_send(int socket, const void *packet, size_t size, const int *fds, unsigned count);
/* 1: a packet of exactly this size; absent descriptors are -1. 0: the other side is gone. Otherwise a negative errno.
 */
int channel_receive(int socket, void *packet, size_t size, int fds[static CHANNEL_FDS_MAX]);
