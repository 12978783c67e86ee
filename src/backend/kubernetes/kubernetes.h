#pragma once

/*
 * The Kubernetes backend: each attempt is a batch/v1 Job of one pod, with assay-keeper as the first process of the program's
 * container; see kubernetes.c for how it works.
 */

#include "backend/backend.h"

#include <uv.h>

struct kubernetes_config {
  const char *state_dir; /* absolute; uses its kubernetes/ */
  unsigned slots;
  bool strict;                                /* refuse to run where isolation would be less than full */
  const char *kubeconfig;                     /* a file; NULL: see kubeconfig.h */
  const char *context;                        /* of it; NULL: the current one */
  const char *namespace_;                     /* NULL: the context's */
  const char *keeper_image;                   /* holds /assay-keeper, a static one */
  const char *image_pull, *keeper_image_pull; /* "Always", "IfNotPresent", "Never" */
  const char *runtime_class, *priority_class, *service_account;                /* or NULL */
  const char *const *pull_secrets, *const *node_selector, *const *tolerations; /* NULL-terminated, or NULL */
  unsigned calls_per_s;                                                        /* that the API server is sent at most */
  unsigned cpus_milli;      /* requested and limited, in thousandths of a processor; 0: neither */
  unsigned pull_ms_max;     /* how long an image may be impossible to get */
  unsigned schedule_ms_max; /* how long a pod may wait for a node, or to be made at all */
  unsigned grace_ms;        /* how long a Job of ours that nobody knows is left alone; 0: a minute */
};

/* Returns at once, whether or not the cluster can be reached: while it cannot, there are no slots. False where the
 * configuration makes no sense. `events` is copied, and so is all of `config` but its texts, which are borrowed. The caller
 * holds the lock on the state directory. After backend_destroy() the loop has to turn once more. */
struct backend *kubernetes_create(uv_loop_t *loop, const struct kubernetes_config *config,
                                  const struct backend_events *events, struct error *error);
