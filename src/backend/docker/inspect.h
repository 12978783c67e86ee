#pragma once

/* What an engine says of a container, checked: as much of it as is worth anything beside the evidence. */

#include "base/error.h"
#include "base/limits.h"
#include "wire/name.h"

#include <jansson.h>

enum container_state {
  CONTAINER_CREATED, /* and not started, as far as the engine remembers */
  CONTAINER_RUNNING, /* or about to, or paused */
  CONTAINER_LEAVING, /* being removed */
  CONTAINER_ENDED,
};

struct container_seen {
  bool ours; /* its labels say that this instance made it for this attempt */
  enum container_state state;
  bool paused;
  bool in_volume;          /* keeper and evidence lie in a volume, not in a directory of this host */
  bool out_of_memory;      /* the kernel killed a process of it for memory */
  int exit_code;           /* ENDED; the engine's word, which may be invented */
  char error[REASON_SIZE]; /* of its start, printable; "" */
};

/* GET /containers/NAME/json. `ret` is untouched on failure. */
bool container_inspect(const json_t *body, const char *instance, struct name name, struct container_seen *ret,
                       struct error *error);

/* GET /containers/json: calls `each` for every container that is ours and has the name of an attempt. False where the
 * whole makes no sense; an entry that makes none is passed over. */
bool container_list(const json_t *body, const char *instance,
                    void (*each)(void *context, struct name name, enum container_state state), void *context,
                    struct error *error);

/* GET /images/NAME/json: the paths for which the image declares volumes, NULL-terminated, or NULL where it declares none.
 * The caller frees with image_volumes_free(). False where there are too many or it makes no sense. */
bool image_volumes(const json_t *body, char ***ret, struct error *error);
void image_volumes_free(char **volumes); /* accepts NULL */
