#include "backend/docker/fetch.h"

#include "backend/docker/archive.h"
#include "backend/docker/container.h"
#include "backend/docker/docker_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fetch {
  struct docker *docker;
  struct name name;
  bool through_reader; /* made for this, and removed behind it */
  struct engine_call *call;
  struct archive_reader *archive; /* NULL: only its status matters */
  enum fetch_result result;
  char message[REASON_SIZE];
  fetch_done *done;
  void *context;
};

void reader_name(struct name name, char ret[static READER_NAME_SIZE])
{
  snprintf(ret, READER_NAME_SIZE, "%s-reader", name.text);
}

void fetch_cancel(struct fetch *fetch)
{
  if (!fetch)
    return;
  engine_call_cancel(fetch->call);
  archive_reader_destroy(fetch->archive);
  free(fetch);
}

static void end_fetch(struct fetch *fetch)
{
  fetch_done *done = fetch->done;
  void *context = fetch->context;
  enum fetch_result result = fetch->result;
  char message[REASON_SIZE];
  memcpy(message, fetch->message, sizeof message);
  fetch_cancel(fetch);
  done(context, result, message);
}

static void fail(struct fetch *fetch, const char *why)
{
  fetch->result = FETCH_ERROR;
  snprintf(fetch->message, sizeof fetch->message, "%.*s", REASON_SIZE - 1, why);
}

static struct fetch *begin(struct docker *docker, struct name name, fetch_done *done, void *context)
{
  struct fetch *fetch = xcalloc(1, sizeof *fetch);
  fetch->docker = docker;
  fetch->name = name;
  fetch->done = done;
  fetch->context = context;
  return fetch;
}

/* What an answer to a preparing step means for the whole. */
static void fail_by_answer(struct fetch *fetch, const struct engine_answer *answer)
{
  if (answer->outcome == ENGINE_ABSENT)
    fetch->result = FETCH_NOTHING;
  else
    fail(fetch, answer->message);
}

/* The archive. */

static void on_reader_removed(void *context, const struct engine_answer *removed)
{
  struct fetch *fetch = context;
  (void)removed; /* what is left of it goes with the attempt */
  fetch->call = 0;
  end_fetch(fetch);
}

static void finish(struct fetch *fetch)
{
  char reader[READER_NAME_SIZE];
  if (!fetch->through_reader) {
    end_fetch(fetch);
    return;
  }
  reader_name(fetch->name, reader);
  fetch->call = engine_remove_container(fetch->docker->engine, reader, true, on_reader_removed, fetch);
}

/* It goes on also where the archive makes no sense, and is read to its end: finishing says what is wrong. */
static bool on_data(void *context, const void *bytes, size_t size)
{
  struct fetch *fetch = context;
  return !fetch->archive || archive_reader_feed(fetch->archive, bytes, size);
}

static void on_archive(void *context, const struct engine_answer *answer)
{
  struct fetch *fetch = context;
  struct error error;
  fetch->call = 0;
  if (answer->outcome != ENGINE_DONE)
    fail_by_answer(fetch, answer);
  else if (fetch->archive && !archive_reader_finish(fetch->archive, &error))
    fail(fetch, error.message);
  finish(fetch);
}

static void get_archive(struct fetch *fetch, const char *container, const char *path)
{
  fetch->call = engine_get_archive(fetch->docker->engine, container, path, on_data, on_archive, fetch);
}

/* Where there is no place for it here, the engine is asked all the same, so that the failure is told on a later turn. */
static void get_evidence(struct fetch *fetch, const char *container)
{
  struct error error;
  fetch->archive = archive_reader_create(fetch->docker->attempts_fd, fetch->name, &error);
  if (!fetch->archive)
    fail(fetch, error.message);
  get_archive(fetch, container, CONTAINER_ATTEMPT_PATH);
}

struct fetch *fetch_from_container(struct docker *docker, struct name name, fetch_done *done, void *context)
{
  struct fetch *fetch = begin(docker, name, done, context);
  get_evidence(fetch, name.text);
  return fetch;
}

struct fetch *fetch_start_marker(struct docker *docker, struct name name, fetch_done *done, void *context)
{
  struct fetch *fetch = begin(docker, name, done, context);
  get_archive(fetch, name.text, CONTAINER_ATTEMPT_PATH "/start");
  return fetch;
}

/* Through another container. */

static void on_reader_created(void *context, const struct engine_answer *created)
{
  struct fetch *fetch = context;
  char reader[READER_NAME_SIZE];
  fetch->call = 0;
  reader_name(fetch->name, reader);
  if (created->outcome == ENGINE_DONE || created->outcome == ENGINE_CONFLICT) { /* one of an earlier try will do */
    fetch->through_reader = true;
    get_evidence(fetch, reader);
  } else {
    fail(fetch, created->message);
    end_fetch(fetch);
  }
}

/* Any image will do: nothing of it is ever run. */
static const char *first_image(const json_t *images)
{
  return json_string_value(json_object_get(json_array_get(images, 0), "Id"));
}

static struct blob *encode_reader(const struct fetch *fetch, const char *image)
{
  json_t *json =
    json_pack("{s:s, s:[s], s:{s:s}, s:b, s:{s:s, s:[{s:s, s:s, s:s, s:b, s:{s:b}}]}}", "Image", image, "Entrypoint",
              CONTAINER_KEEPER_PATH, "Labels", LABEL_INSTANCE, fetch->docker->instance, "NetworkDisabled", 1,
              "HostConfig", "NetworkMode", "none", "Mounts", "Type", "volume", "Source", fetch->name.text, "Target",
              VOLUME_PATH, "ReadOnly", 1, "VolumeOptions", "NoCopy", 1);
  char *text = json_dumps(json, JSON_COMPACT);
  ASSERT(text); /* all that is in it is our own, or was JSON before */
  struct blob *body = blob_create(text, strlen(text));
  json_decref(json);
  free(text);
  return body;
}

static void on_images(void *context, const struct engine_answer *images)
{
  struct fetch *fetch = context;
  struct docker *docker = fetch->docker;
  char reader[READER_NAME_SIZE];
  const char *image = images->outcome == ENGINE_DONE ? first_image(images->body) : 0;
  fetch->call = 0;
  if (!image) {
    fail(fetch, images->outcome == ENGINE_DONE ? "the engine has no image by which its evidence could be read"
                                               : images->message);
    end_fetch(fetch);
    return;
  }
  reader_name(fetch->name, reader);
  CLEANUP_BLOB struct blob *body = encode_reader(fetch, image);
  fetch->call = engine_create_container(docker->engine, reader, body, on_reader_created, fetch);
}

static void on_volume(void *context, const struct engine_answer *volume)
{
  struct fetch *fetch = context;
  fetch->call = 0;
  if (volume->outcome == ENGINE_DONE) {
    fetch->call = engine_list_images(fetch->docker->engine, on_images, fetch);
  } else {
    fail_by_answer(fetch, volume);
    end_fetch(fetch);
  }
}

struct fetch *fetch_from_volume(struct docker *docker, struct name name, fetch_done *done, void *context)
{
  struct fetch *fetch = begin(docker, name, done, context);
  fetch->call = engine_inspect_volume(docker->engine, name.text, on_volume, fetch);
  return fetch;
}
