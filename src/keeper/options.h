#pragma once

/* The keeper's command line. See main.c for what each option is for. */

#include "base/error.h"
#include "keeper/cgroup.h"

#include <stdint.h>

enum { ROOTS_MAX = 16 };

struct options {
  const char *container_path; /* the attempt's directory: this is the first process of a container, which runs that one
                                 attempt (wire/container.h). Of all the rest only `name` is set then */
  const char *pod_path;       /* where the init container put everything: this is the first process of a pod's container
                               (wire/pod.h), and of all the rest only `name` is set */
  const char *install_path;   /* the same directory, in the init container: nothing else is set but */
  const char *from_path;      /* where the plan's parts and the key lie */
  const char *name;
  const char *slot_path;     /* directory with the listening socket and the lock */
  const char *evidence_path; /* directory that holds a directory of evidence for each attempt */
  uint32_t uid_base;         /* root only: the program runs as this user id, the sandbox's init as the next one */
  struct cgroup_options cgroups;
  const char *roots[ROOTS_MAX]; /* root file systems that a plan may name; absolute */
  unsigned root_count;
};

bool options_parse(int argc, char **argv, struct options *ret, struct error *error);
