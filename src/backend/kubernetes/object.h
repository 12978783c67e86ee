#pragma once

/*
 * What this backend makes in a cluster, as JSON: of each attempt one Job, whose pod the cluster makes, and the Secrets that its
 * plan comes in. Pure.
 *
 * Names in Kubernetes have no '_', so an object's name is the attempt's with '-' in its place. Labels have the true one.
 */

#include "base/buffer.h"
#include "base/memory.h"
#include "wire/name.h"
#include "wire/plan.h"
#include "wire/seal.h"

#include <jansson.h>

/* Labels of all objects of ours, and what keeps them there until the verdict is durable. INSTANCE tells the daemons apart that
 * share a namespace. */
#define LABEL_INSTANCE "assay.instance"
#define LABEL_EVALUATION "assay.evaluation" /* its id */
#define LABEL_ATTEMPT "assay.attempt"       /* decimal */
#define OBJECT_FINALIZER "assay/verdict"
/* Of the one pod of an attempt that may start its program; its kubelet hands it in (POD_GRANT). */
#define ANNOTATION_GRANTED "assay/granted"

#define CONTAINER_INSTALL "install" /* puts keeper and plan there */
#define CONTAINER_PROGRAM "program" /* the keeper's, and the program's */

enum { OBJECT_GRACE_S = 10 }; /* from the SIGTERM at which a keeper ends it all to SIGKILL */
/* Of the plan in one Secret: of which a cluster takes 1 MiB, in base64 as part of 1.5 MiB. */
#define SECRET_PLAN_BYTES_MAX KIB(700)

/* What the operator wants of every pod. Texts may be NULL; the JSON is borrowed, and was checked. */
struct object_settings {
  const char *instance;
  const char *keeper_image, *keeper_image_pull; /* of the init container; "IfNotPresent", "Always" or "Never" */
  const char *image_pull;                       /* the same, of the program's image */
  unsigned cpus_milli;                          /* 0: no limit, and none is asked for */
  const char *runtime_class, *priority_class, *service_account;
  const char *const *pull_secrets;  /* names, NULL-terminated; or NULL */
  const char *const *node_selector; /* "KEY=VALUE", NULL-terminated; or NULL */
  const char *const *tolerations;   /* "KEY[=VALUE][:EFFECT]"; "" tolerates everything */
};

struct name_text {
  char text[NAME_SIZE];
};
struct name_text object_name(struct name name);
/* Of a Secret of the attempt: the first has the object's name. */
enum { SECRET_NAME_SIZE = NAME_SIZE + 16 };
void secret_name(struct name name, unsigned part, char text[static SECRET_NAME_SIZE]);
unsigned secret_count(size_t plan_size);

/* The attempt that labels name, where they say that this instance made it. */
bool object_is_ours(const json_t *object, const char *instance, struct name *ret);

/* A body to be posted. The caller unrefs. */
struct blob *secret_encode(struct name name, const char *instance, unsigned part, const struct blob *plan,
                           const unsigned char key[static SEAL_KEY_BYTES]);
/* NULL with an error where a name or image is not UTF-8. */
struct blob *job_encode(struct name name, const struct plan *plan, size_t plan_size,
                        const struct object_settings *settings, struct error *error);
