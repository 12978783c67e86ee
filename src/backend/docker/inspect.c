#include "backend/docker/inspect.h"

#include "backend/docker/container.h"
#include "backend/docker/fetch.h"
#include "base/memory.h"
#include "base/printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Docker's words, and those of Podman's compatible API. */
static const struct {
  const char *word;
  enum container_state state;
} words[] = {
  {"created", CONTAINER_CREATED},  {"configured", CONTAINER_CREATED}, {"initialized", CONTAINER_CREATED},
  {"running", CONTAINER_RUNNING},  {"paused", CONTAINER_RUNNING},     {"restarting", CONTAINER_RUNNING},
  {"stopping", CONTAINER_RUNNING}, {"removing", CONTAINER_LEAVING},   {"exited", CONTAINER_ENDED},
  {"stopped", CONTAINER_ENDED},    {"dead", CONTAINER_ENDED},
};

static bool state_of(const json_t *word, enum container_state *ret, struct error *error)
{
  const char *text = json_string_value(word);
  for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
    if (!strcmp(words[i].word, text)) {
      *ret = words[i].state;
      return true;
    }
  return error_set(error, ERROR_INTERNAL, 0, "the engine says nothing known of a container's state");
}

static bool label_is(const json_t *labels, const char *label, const char *value)
{
  const char *text = json_string_value(json_object_get(labels, label));
  return text && !strcmp(text, value);
}

static bool labels_say_ours(const json_t *labels, const char *instance, struct name name)
{
  char id[ID_SIZE], number[16];
  unsigned attempt;
  if (!name_parse(name.text, id, &attempt))
    return false;
  snprintf(number, sizeof number, "%u", attempt);
  return label_is(labels, LABEL_INSTANCE, instance) && label_is(labels, LABEL_EVALUATION, id) &&
         label_is(labels, LABEL_ATTEMPT, number);
}

static bool mounts_volume(const json_t *mounts)
{
  for (size_t i = 0; i < json_array_size(mounts); i++) {
    const json_t *mount = json_array_get(mounts, i);
    const char *type = json_string_value(json_object_get(mount, "Type"));
    const char *path = json_string_value(json_object_get(mount, "Destination"));
    if (type && path && !strcmp(type, "volume") && !strcmp(path, VOLUME_PATH))
      return true;
  }
  return false;
}

bool container_inspect(const json_t *body, const char *instance, struct name name, struct container_seen *ret,
                       struct error *error)
{
  const json_t *state = json_object_get(body, "State");
  struct container_seen seen = {
    .ours = labels_say_ours(json_object_get(json_object_get(body, "Config"), "Labels"), instance, name),
    .in_volume = mounts_volume(json_object_get(body, "Mounts")),
    .paused = json_is_true(json_object_get(state, "Paused")),
    .out_of_memory = json_is_true(json_object_get(state, "OOMKilled")),
    .exit_code = (int)json_integer_value(json_object_get(state, "ExitCode")),
  };
  if (!state_of(json_object_get(state, "Status"), &seen.state, error))
    return false;
  printable_copy(seen.error, sizeof seen.error, json_string_value(json_object_get(state, "Error")));
  *ret = seen;
  return true;
}

/* One of its names, without the slash in front of it. Podman gives them without. */
static bool name_of(const json_t *entry, struct name *ret)
{
  const json_t *names = json_object_get(entry, "Names");
  char id[ID_SIZE];
  unsigned attempt;
  for (size_t i = 0; i < json_array_size(names); i++) {
    const char *text = json_string_value(json_array_get(names, i));
    if (text && name_parse(text + (*text == '/'), id, &attempt)) {
      *ret = name_make(id, attempt);
      return true;
    }
  }
  return false;
}

bool container_list(const json_t *body, const char *instance,
                    void (*each)(void *context, struct name name, enum container_state state), void *context,
                    struct error *error)
{
  if (!json_is_array(body))
    return error_set(error, ERROR_INTERNAL, 0, "the engine's list of containers is no list");
  for (size_t i = 0; i < json_array_size(body); i++) {
    const json_t *entry = json_array_get(body, i);
    struct name name;
    enum container_state state;
    if (name_of(entry, &name) && labels_say_ours(json_object_get(entry, "Labels"), instance, name) &&
        state_of(json_object_get(entry, "State"), &state, 0))
      each(context, name, state);
  }
  return true;
}

bool image_volumes(const json_t *body, char ***ret, struct error *error)
{
  json_t *declared = json_object_get(json_object_get(body, "Config"), "Volumes");
  if (!json_is_object(body) || (declared && !json_is_null(declared) && !json_is_object(declared)))
    return error_set(error, ERROR_INTERNAL, 0, "the engine's word on the image makes no sense");
  size_t count = json_object_size(declared), used = 0;
  if (count > IMAGE_VOLUMES_MAX)
    return error_set(error, ERROR_INVALID, 0, "the image declares more than %d volumes", IMAGE_VOLUMES_MAX);
  if (!count) {
    *ret = 0;
    return true;
  }
  char **paths = xcalloc(count + 1, sizeof *paths);
  for (void *member = json_object_iter(declared); member; member = json_object_iter_next(declared, member))
    paths[used++] = xstrdup(json_object_iter_key(member));
  *ret = paths;
  return true;
}

void image_volumes_free(char **volumes)
{
  for (char **path = volumes; path && *path; path++)
    free(*path);
  free(volumes);
}
