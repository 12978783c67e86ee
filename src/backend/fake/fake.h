#pragma once

/*
 * A backend that runs nothing and plays what it is told: for tests of whatever drives backends, without keepers. It
 * keeps the rules of backend.h all the same: answers come on a later turn of the loop, a second launch of a name
 * adopts.
 */

#include "backend/backend.h"

#include <uv.h>

/* What becomes of a name. */
struct fake_script {
  const char *part;          /* of the name; the first script that matches counts. "" matches all */
  enum launch_result launch; /* the answer. UNKNOWN: it is started all the same */
  uint64_t run_ms;
  const struct record *record; /* NULL: it dies without one */
  const char *output;          /* on stdout, or NULL */
  bool hints_lost;
  unsigned unknown_looks; /* the first so many looks cannot tell */
};

/* The scripts stay the caller's and outlive the backend. A name without a script is REFUSED. */
struct backend *fake_create(uv_loop_t *loop, unsigned slots, const struct fake_script *scripts, size_t count,
                            const struct backend_events *events);

/* How often this name was really started. */
unsigned fake_starts(const struct backend *backend, struct name name);
