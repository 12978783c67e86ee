#pragma once

/*
 * What a keeper holds for its whole life: descriptors opened before it moved into its own root, what the kernel can do,
 * and what is built once and used by every sandbox. Filled at the start (host_prepare()), read-only from then on but
 * for the network.
 */

#include "keeper/cgroup.h"
#include "keeper/network.h"
#include "keeper/options.h"

/* A root that sandboxes can be made in: a mount namespace (setns(2)). */
struct root {
  const char *path; /* as the operator allowed it; NULL: the host's short list */
  int namespace;
};

struct host {
  bool contained;       /* the keeper is process 1 of a container, which is the one sandbox of its life */
  bool shares_uid;      /* contained, and the program has the keeper's own user id: no file is the keeper's alone */
  bool privileged;      /* started by root: programs run under a user id of their own */
  uint32_t uid_base;    /* of the host, where sandboxes are user namespaces */
  uint32_t program_uid; /* as init sees it */
  bool uid_is_private;  /* no other sandbox runs under program_uid, where that is counted (RLIMIT_NPROC) */
  bool gives_way;       /* programs leave the processors to the keeper */
  char **environment;   /* NULL-terminated: what a container's image sets for every program; or NULL */
  int proc, evidence;   /* directories: the host's /proc; all evidence, or in a container the one attempt's own */
  struct cgroups cgroups;
  struct network network;
  int landlock_version; /* 0: none */
  unsigned processors;  /* that programs can use at once */
  uint64_t boot_id_hash;
  struct root roots[1 + ROOTS_MAX]; /* the first is where the keeper is */
  unsigned root_count;
  uint32_t isolation; /* enum isolation_feature bits of every sandbox made here */
  char *arguments;    /* of the keeper's command line, in one piece: they tell where things are on this host */
  size_t arguments_size;
};

enum { PROGRAM_UID = 1000 };

/* Opens what is needed of the host, then moves the process into its own namespaces and root, over `slot_path`. */
bool host_prepare(struct host *ret, const struct options *options, struct error *error);

/* The same for a container, which stays as it is, and for the one plan with these limits. `attempt` is its directory; it
 * remains the caller's. `environment` is what the process was started with, and is borrowed. */
bool host_prepare_contained(struct host *ret, int attempt, const struct limits *limits, char **environment,
                            struct error *error);

/* And for a pod (wire/pod.h). `directory` is what the keeper was put into. */
bool host_prepare_pod(struct host *ret, int directory, const struct limits *limits, char **environment,
                      struct error *error);

/* The root of this path, or NULL where the operator did not allow it. `path` NULL: the first. */
const struct root *host_find_root(const struct host *host, const char *path);
/* Goes to another root: what is cloned from now on is in that. */
bool host_visit_root(const struct root *root, struct error *error);

/* Whether memory, CPU time or processes must be watched by sampling /proc, for want of a cgroup that counts them. */
bool host_must_sample(const struct host *host);
