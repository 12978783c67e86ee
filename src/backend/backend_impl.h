#pragma once

/* For implementers of backends: the table behind backend.h. A backend embeds `struct backend` as its first member. */

#include "backend/backend.h"

struct backend_operations {
  void (*launch)(struct backend *backend, struct name name, struct blob *plan);
  void (*observe)(struct backend *backend, struct name name);
  void (*kill)(struct backend *backend, struct name name, enum kill_reason reason);
  void (*remove)(struct backend *backend, struct name name);
  void (*list)(struct backend *backend);
  int (*evidence)(struct backend *backend, struct name name); /* NULL: it cannot be read while it is written */
  uint32_t (*isolation)(const struct backend *backend);
  void (*doctor)(const struct backend *backend, struct doctor_report *ret); /* NULL: nothing to tell. `ret` is empty */
  void (*destroy)(struct backend *backend);
};

struct backend {
  const char *name;     /* "native" */
  unsigned patience_ms; /* backend_patience_ms() */
  const struct backend_operations *operations;
  struct backend_events events;
};
