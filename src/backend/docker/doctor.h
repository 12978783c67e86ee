#pragma once

/* What an engine can do for the Docker backend, check by check, for `assay doctor`. */

#include "backend/docker/endpoint.h"
#include "backend/docker/facts.h"
#include "backend/doctor.h"

/* name in JSON behind "docker_", and the function that checks it; what it is for */
#define DOCKER_CHECKS(X)                                                                                               \
  X(engine, "runs the containers")                                                                                     \
  X(version, "the API that Assay speaks: of Docker 20.10, or of Podman 3.0")                                           \
  X(platform, "the keeper has to run there")                                                                           \
  X(cgroups, "limits of memory, processes and processors")                                                             \
  X(memory, "the memory limit, which swap must not evade")                                                             \
  X(processes, "the process limit")                                                                                    \
  X(seccomp, "the engine's filter of system calls, beside the keeper's own")                                           \
  X(users, "root in a container is nobody outside")                                                                    \
  X(evidence, "what a keeper writes outlives its container")                                                           \
  X(storage, "images and containers")                                                                                  \
  X(live_restore, "a restart of the engine does not end what runs")                                                    \
  X(isolation, "what a container of this engine has in the end")

enum {
#define X(name, purpose) DOCKER_CHECK_##name,
  DOCKER_CHECKS(X)
#undef X
    DOCKER_CHECK_COUNT
};

struct docker_subject {
  const struct endpoint *endpoint;  /* where it was looked for; NULL: not even that could be told */
  const struct engine_facts *facts; /* NULL: it cannot be reached, or answers nonsense */
  const char *failure;              /* why there is no endpoint or there are no facts */
  bool bind;                        /* evidence lies in a directory of this host, not in volumes */
  bool privileged;                  /* assayd is root */
};
void docker_doctor(const struct docker_subject *subject, struct doctor_check ret[static DOCKER_CHECK_COUNT]);
