/* The calls that there are: https://docs.docker.com/reference/api/engine/version/v1.41/ */

#include "backend/docker/engine_impl.h"

#include <stdio.h>

/* How long each may take. Those on which an answer to the core depends are the shortest: see observe.c. */
enum {
  INSPECT_MS_MAX = 3000,
  CHANGE_MS_MAX = 15000, /* create, start */
  KILL_MS_MAX = 5000,
  REMOVE_MS_MAX = 30000, /* a forced one waits for the end of what runs */
  LIST_MS_MAX = 10000,
  ARCHIVE_MS_MAX = 30000,
  PULL_IDLE_MS_MAX = 120 * 1000, /* a layer that is being unpacked says nothing for long */
};
#define SMALL_BYTES_MAX KIB(64)
#define INSPECT_BYTES_MAX MIB(1)
#define LIST_BYTES_MAX MIB(8)
#define JSON_TYPE "application/json"
#define TAR_TYPE "application/x-tar"

/* A call to "/containers/NAME<rest>" (or of another collection) whose answer has no body that matters. */
static struct engine_call *act(struct engine *engine, const char *method, const char *collection, const char *name,
                               const char *rest, unsigned total_ms, engine_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  buffer_printf(&path, "/%s/", collection);
  http_encode_part(&path, name);
  buffer_puts(&path, rest);
  return engine_send(engine, &(struct engine_request){.method = method,
                                                      .path = path.data,
                                                      .total_ms = total_ms,
                                                      .answer_bytes_max = SMALL_BYTES_MAX,
                                                      .done = done,
                                                      .context = context});
}

/* The same for a question that is answered with JSON. */
static struct engine_call *ask(struct engine *engine, const char *collection, const char *name, const char *rest,
                               engine_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  buffer_printf(&path, "/%s/", collection);
  http_encode_part(&path, name);
  buffer_puts(&path, rest);
  return engine_send(engine, &(struct engine_request){.method = "GET",
                                                      .path = path.data,
                                                      .total_ms = INSPECT_MS_MAX,
                                                      .answer_bytes_max = INSPECT_BYTES_MAX,
                                                      .json = true,
                                                      .done = done,
                                                      .context = context});
}

struct engine_call *engine_create_container(struct engine *engine, const char *name, struct blob *body,
                                            engine_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  buffer_puts(&path, "/containers/create?name=");
  http_encode_part(&path, name);
  return engine_send(engine, &(struct engine_request){.method = "POST",
                                                      .path = path.data,
                                                      .body = body,
                                                      .body_type = JSON_TYPE,
                                                      .total_ms = CHANGE_MS_MAX,
                                                      .answer_bytes_max = SMALL_BYTES_MAX,
                                                      .done = done,
                                                      .context = context});
}

struct engine_call *engine_start_container(struct engine *engine, const char *name, engine_done *done, void *context)
{
  return act(engine, "POST", "containers", name, "/start", CHANGE_MS_MAX, done, context);
}

struct engine_call *engine_inspect_container(struct engine *engine, const char *name, engine_done *done, void *context)
{
  return ask(engine, "containers", name, "/json", done, context);
}

struct engine_call *engine_kill_container(struct engine *engine, const char *name, int signal, engine_done *done,
                                          void *context)
{
  char rest[32];
  snprintf(rest, sizeof rest, "/kill?signal=%d", signal);
  return act(engine, "POST", "containers", name, rest, KILL_MS_MAX, done, context);
}

struct engine_call *engine_unpause_container(struct engine *engine, const char *name, engine_done *done, void *context)
{
  return act(engine, "POST", "containers", name, "/unpause", KILL_MS_MAX, done, context);
}

struct engine_call *engine_remove_container(struct engine *engine, const char *name, bool force, engine_done *done,
                                            void *context)
{
  return act(engine, "DELETE", "containers", name, force ? "?v=1&force=1" : "?v=1", REMOVE_MS_MAX, done, context);
}

/* A filter as the API wants it, {"label":["key=value"]}, ready for a query. */
static void put_filters(struct buffer *path, const char *label, const char *type)
{
  json_t *filters = json_pack("{s:[s]}", "label", label);
  if (type)
    json_object_set_new(filters, "type", json_pack("[s]", type));
  char *text = json_dumps(filters, JSON_COMPACT);
  json_decref(filters);
  ASSERT(text);
  buffer_puts(path, "&filters=");
  http_encode_part(path, text);
  cleanup_free(&text);
}

static struct engine_call *list(struct engine *engine, const char *path, engine_done *done, void *context)
{
  return engine_send(engine, &(struct engine_request){.method = "GET",
                                                      .path = path,
                                                      .total_ms = LIST_MS_MAX,
                                                      .answer_bytes_max = LIST_BYTES_MAX,
                                                      .json = true,
                                                      .done = done,
                                                      .context = context});
}

struct engine_call *engine_list_containers(struct engine *engine, const char *label, engine_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  buffer_printf(&path, "/containers/json?all=1&limit=%d", ENGINE_LIST_MAX);
  put_filters(&path, label, 0);
  return list(engine, path.data, done, context);
}

struct engine_call *engine_list_images(struct engine *engine, engine_done *done, void *context)
{
  return list(engine, "/images/json", done, context);
}

struct engine_call *engine_inspect_image(struct engine *engine, const char *image, engine_done *done, void *context)
{
  /* The slashes of an image's name are no parts of a path, and Docker takes them either way; Podman wants them encoded. */
  return ask(engine, "images", image, "/json", done, context);
}

static void put_archive_path(struct buffer *out, const char *name, const char *path)
{
  buffer_puts(out, "/containers/");
  http_encode_part(out, name);
  buffer_puts(out, "/archive?path=");
  http_encode_part(out, path);
}

struct engine_call *engine_put_archive(struct engine *engine, const char *name, const char *path, struct blob *archive,
                                       engine_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer target = {0};
  put_archive_path(&target, name, path);
  return engine_send(engine, &(struct engine_request){.method = "PUT",
                                                      .path = target.data,
                                                      .body = archive,
                                                      .body_type = TAR_TYPE,
                                                      .total_ms = ARCHIVE_MS_MAX,
                                                      .answer_bytes_max = SMALL_BYTES_MAX,
                                                      .done = done,
                                                      .context = context});
}

struct engine_call *engine_get_archive(struct engine *engine, const char *name, const char *path, engine_data *data,
                                       engine_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer source = {0};
  put_archive_path(&source, name, path);
  return engine_send(engine, &(struct engine_request){.method = "GET",
                                                      .path = source.data,
                                                      .total_ms = ARCHIVE_MS_MAX,
                                                      .data = data,
                                                      .done = done,
                                                      .context = context});
}

struct engine_call *engine_inspect_volume(struct engine *engine, const char *name, engine_done *done, void *context)
{
  return ask(engine, "volumes", name, "", done, context);
}

struct engine_call *engine_remove_volume(struct engine *engine, const char *name, engine_done *done, void *context)
{
  return act(engine, "DELETE", "volumes", name, "", REMOVE_MS_MAX, done, context);
}

struct engine_call *engine_watch_events(struct engine *engine, const char *label, const char *since, engine_data *data,
                                        engine_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  buffer_puts(&path, "/events?since=");
  http_encode_part(&path, since);
  put_filters(&path, label, "container");
  return engine_send(engine, &(struct engine_request){
                               .method = "GET", .path = path.data, .data = data, .done = done, .context = context});
}

struct engine_call *engine_pull_image(struct engine *engine, const struct image_name *image, unsigned ms_max,
                                      engine_data *data, engine_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  buffer_puts(&path, "/images/create?fromImage=");
  http_encode_part(&path, image->repository);
  buffer_puts(&path, "&tag="); /* without one the API means all tags that there are */
  http_encode_part(&path, image_name_pull_tag(image));
  return engine_send(engine, &(struct engine_request){.method = "POST",
                                                      .path = path.data,
                                                      .total_ms = ms_max,
                                                      .idle_ms = PULL_IDLE_MS_MAX,
                                                      .data = data,
                                                      .done = done,
                                                      .context = context});
}
