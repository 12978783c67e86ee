#pragma once

/*
 * Runtimes: what a client may name instead of a command. A built-in table plus the operator's configuration. A runtime
 * is available when its executables are found on the host in the sandbox's PATH; on a backend of images that does not
 * matter (backend_offer.h). Versions are found out once, in the background, by running the version command on the loop.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct runtime {
  const char *name;                   /* "python"; shorter than RUNTIME_NAME_SIZE of core/evaluation.h */
  const char *const *aliases;         /* NULL-terminated, may be NULL */
  const char *file;                   /* "main.py": what `code` is stored as */
  const char *const *compile;         /* argv, or NULL */
  const char *const *command;         /* argv; the client's `args` are appended */
  const char *const *version_command; /* argv, or NULL; the first line that it prints is the version */
  const char *image;                  /* to run it in, on a backend that takes images; NULL: the backend's own choice */
  bool available;                     /* its programs are on this host */
  char *version;                      /* NULL until known */
};

struct runtimes;

struct runtimes *runtimes_create(void); /* the built-in ones, with `available` found out */
/* Accepts NULL. A probe that is under way is ended; its handles close when the loop runs on. */
void runtimes_destroy(struct runtimes *runtimes);
/* Adds or replaces one; deep copy, `available` found out. Not while versions are being probed. */
void runtimes_add(struct runtimes *runtimes, const struct runtime *runtime);
/* By name or alias; NULL: none. It may be unavailable. */
const struct runtime *runtimes_find(const struct runtimes *runtimes, const char *name);
const struct runtime *runtimes_at(const struct runtimes *runtimes, size_t index); /* NULL at the end */
/* Asks each available one for its version, in the background, one after the other, bounded in time. */
void runtimes_probe_versions(struct runtimes *runtimes, uv_loop_t *loop);

/* PATH inside every sandbox, and the list that `available` is found with. */
#define SANDBOX_PATH "/usr/local/bin:/usr/bin:/bin"
