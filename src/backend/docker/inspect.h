#pragma once

/* What an engine says of a container, checked: as much of it as is worth anything beside the evidence (decide.h). */

#include "backend/docker/decide.h"
#include "base/error.h"
#include "wire/name.h"

#include <jansson.h>

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
