#pragma once

/* What is known of a cluster, check by check, for `assay doctor`. */

#include "backend/doctor.h"
#include "backend/kubernetes/kubeconfig.h"

/* name in JSON behind "kubernetes_", and the function that checks it; what it is for */
#define KUBERNETES_CHECKS(X)                                                                                           \
  X(cluster, "runs the pods")                                                                                          \
  X(version, "the API that Assay speaks: of Kubernetes 1.20 and later")                                                \
  X(identity, "as whom the cluster is asked")                                                                          \
  X(keeper, "the image that brings the keeper")                                                                        \
  X(network, "programs have none")                                                                                     \
  X(isolation, "what a pod of this cluster has in the end")

enum {
#define X(name, purpose) KUBERNETES_CHECK_##name,
  KUBERNETES_CHECKS(X)
#undef X
    KUBERNETES_CHECK_COUNT
};

struct kubernetes_subject {
  const struct kubeconfig *config;
  const char *namespace_, *keeper_image;
  const char *version; /* "" where it never was here */
  const char *trouble; /* why it is away; NULL: it is here */
  uint32_t isolation;
  bool isolation_is_found; /* by a keeper in a pod; else it is what is asked for */
};
void kubernetes_doctor(const struct kubernetes_subject *subject,
                       struct doctor_check ret[static KUBERNETES_CHECK_COUNT]);
