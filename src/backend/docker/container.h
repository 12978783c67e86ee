#pragma once

/* A plan as a container: the body of POST /containers/create. */

#include "backend/docker/facts.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "wire/name.h"
#include "wire/plan.h"

/* Labels of every container (and volume) of ours. INSTANCE tells the daemons apart that share an engine. */
#define LABEL_INSTANCE "assay.instance"
#define LABEL_EVALUATION "assay.evaluation" /* its id */
#define LABEL_ATTEMPT "assay.attempt"       /* decimal */
#define LABEL_DEADLINE "assay.deadline"     /* RFC 3339: from then on it is certainly nobody's any more */

enum { IMAGE_VOLUMES_MAX = 64 };

struct container_settings {
  const char *image;    /* as image_name_canonical() makes it, so that no short id is meant by it */
  const char *instance; /* LABEL_INSTANCE */
  struct wall deadline; /* LABEL_DEADLINE */
  const struct engine_facts *facts;

  /* BIND: both are absolute paths on the engine's host. VOLUME: both NULL, and `volume` is the name of a volume. */
  const char *keeper_path, *attempt_path;
  const char *volume;

  unsigned cpus_milli; /* 0: no limit; more than the engine has is what it has */

  /* Config.Volumes of GET /images/NAME/json: paths, NULL-terminated; or NULL. Each is covered with a tmpfs of the plan's
   * disk limit, because else the engine would put there a volume that nothing limits. */
  const char *const *image_volumes;
};

/* Appends the body to `ret`. False: a name or path that is not UTF-8, or a volume of the image that cannot be covered. */
bool container_encode(const struct plan *plan, struct name name, const struct container_settings *settings,
                      struct buffer *ret, struct error *error);
