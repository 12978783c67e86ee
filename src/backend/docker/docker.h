#pragma once

/*
 * The Docker backend: each attempt is a container of a Docker Engine (20.10 and later, or Podman's compatible service),
 * with assay-keeper as its first process; see docker.c for how it works.
 */

#include "backend/backend.h"

#include <uv.h>

enum docker_evidence {
  DOCKER_EVIDENCE_AUTO,   /* BIND through a Unix socket, unless root in a container is somebody else here; or VOLUME */
  DOCKER_EVIDENCE_BIND,   /* Docker sees this host's file system: a directory of the state directory is mounted */
  DOCKER_EVIDENCE_VOLUME, /* it does not: a volume for each attempt, read through the archive API */
};

enum docker_pull { DOCKER_PULL_NEVER, DOCKER_PULL_MISSING };

struct docker_config {
  const char *keeper_path; /* assay-keeper, a static one */
  const char *state_dir;   /* absolute; uses its docker/ */
  unsigned slots;
  bool strict;      /* refuse to start where isolation would be less than full */
  const char *host; /* "unix:///var/run/docker.sock", "tcp://host:2376"; NULL: DOCKER_HOST, the context, the default */
  const char *tls_dir; /* with ca.pem, cert.pem, key.pem; NULL: DOCKER_CERT_PATH where DOCKER_TLS_VERIFY is set */
  enum docker_evidence evidence;
  enum docker_pull pull;
  unsigned pull_ms_max; /* for one image */
  unsigned grace_ms;    /* how long a container of ours that nobody knows is left alone; 0: a minute */
  unsigned cpus_milli;  /* processor time that a container may use, in thousandths of a processor; 0: no limit */
};

/* Returns at once, whether or not the engine can be reached: while it cannot, there are no slots. False where the
 * configuration makes no sense. `events` is copied. The caller holds the lock on the state directory. After
 * backend_destroy() the loop has to turn once more, so that its handles close. */
struct backend *docker_create(uv_loop_t *loop, const struct docker_config *config, const struct backend_events *events,
                              struct error *error);
