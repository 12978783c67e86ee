#include "backend/docker/pull_progress.h"

#include "base/memory.h"
#include "base/printable.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYER_BYTES_MAX GIB(1024 * 1024) /* so that no sum of what an engine says overflows */

/* What the engine says of a layer, and what that means. Whatever else it says is for its own people. */
static const struct layer_status {
  const char *text;
  bool downloaded, unpacked, counts;
} statuses[] = {
  {"Pulling fs layer", false, false, false}, {"Waiting", false, false, false},
  {"Downloading", false, false, true},       {"Verifying Checksum", false, false, false},
  {"Download complete", true, false, false}, {"Extracting", true, false, false},
  {"Pull complete", true, true, false},
};

static const struct layer_status *find_status(const char *text)
{
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
    if (strcmp(statuses[i].text, text) == 0)
      return &statuses[i];
  return 0;
}

/* NULL: one too many. */
static struct pull_layer *layer(struct pull_progress *progress, const char *id)
{
  for (size_t i = 0; i < progress->layer_count; i++)
    if (strcmp(progress->layers[i].id, id) == 0)
      return &progress->layers[i];
  if (progress->layer_count == PULL_LAYERS_MAX || strlen(id) >= PULL_LAYER_ID_SIZE)
    return 0;
  if (!progress->layers)
    progress->layers = xcalloc(PULL_LAYERS_MAX, sizeof *progress->layers);
  struct pull_layer *added = &progress->layers[progress->layer_count++];
  snprintf(added->id, sizeof added->id, "%s", id);
  return added;
}

static uint64_t bytes_at(const json_t *detail, const char *key)
{
  const json_int_t value = json_integer_value(json_object_get(detail, key));
  return value < 0 ? 0 : (uint64_t)value > LAYER_BYTES_MAX ? LAYER_BYTES_MAX : (uint64_t)value;
}

static bool note_layer(struct pull_progress *progress, const json_t *object)
{
  const char *id = json_string_value(json_object_get(object, "id"));
  const char *text = json_string_value(json_object_get(object, "status"));
  const struct layer_status *status = text ? find_status(text) : 0;
  struct pull_layer *noted = id && status ? layer(progress, id) : 0;
  if (!noted)
    return false;
  const json_t *detail = json_object_get(object, "progressDetail");
  noted->downloaded = noted->downloaded || status->downloaded;
  noted->unpacked = noted->unpacked || status->unpacked;
  if (status->counts) {
    noted->total_bytes = bytes_at(detail, "total");
    noted->current_bytes = bytes_at(detail, "current");
  }
  if (noted->downloaded || noted->current_bytes > noted->total_bytes)
    noted->current_bytes = noted->total_bytes;
  return true;
}

static bool note_failure(struct pull_progress *progress, const json_t *object)
{
  const json_t *error = json_object_get(object, "error"), *detail = json_object_get(object, "errorDetail");
  if ((!error || json_is_null(error)) && (!detail || json_is_null(detail)))
    return false;
  const char *message = json_string_value(json_object_get(detail, "message"));
  if (!message)
    message = json_string_value(error);
  if (!progress->failed)
    snprintf(progress->failure, sizeof progress->failure, "%s", message && *message ? message : "the pull failed");
  printable(progress->failure);
  return progress->failed = true;
}

struct feeding {
  struct pull_progress *progress;
  bool changed;
};

static void take_line(void *context, const char *line, size_t size)
{
  struct feeding *feeding = context;
  json_t *object = line ? json_loadb(line, size, 0, 0) : 0;
  if (note_failure(feeding->progress, object) || note_layer(feeding->progress, object))
    feeding->changed = true;
  json_decref(object);
}

bool pull_progress_feed(struct pull_progress *progress, const void *bytes, size_t size)
{
  struct feeding feeding = {progress, false};
  lines_feed(&progress->lines, bytes, size, PULL_LINE_BYTES_MAX, take_line, &feeding);
  return feeding.changed;
}

bool pull_progress_end(struct pull_progress *progress)
{
  struct feeding feeding = {progress, false};
  lines_end(&progress->lines, take_line, &feeding);
  return !progress->failed;
}

void pull_progress_text(const struct pull_progress *progress, const char *image, char text[static PULL_TEXT_SIZE])
{
  uint64_t current_bytes = 0, total_bytes = 0;
  size_t downloaded = 0, unpacked = 0;
  for (size_t i = 0; i < progress->layer_count; i++) {
    current_bytes += progress->layers[i].current_bytes;
    total_bytes += progress->layers[i].total_bytes;
    downloaded += progress->layers[i].downloaded;
    unpacked += progress->layers[i].unpacked;
  }
  const bool large = total_bytes >= 10 * 1000 * 1000;
  const uint64_t unit = large ? 1000 * 1000 : 1000;
  const int used = snprintf(text, PULL_TEXT_SIZE, "pulling %.*s", IMAGE_NAME_SIZE - 1, image);
  char *rest = text + used;
  const size_t room = PULL_TEXT_SIZE - (size_t)used;
  if (progress->layer_count && downloaded == progress->layer_count)
    snprintf(rest, room, ": unpacking, %zu of %zu layers", unpacked, progress->layer_count);
  else if (total_bytes)
    snprintf(rest, room, ": %llu of %llu %s", (unsigned long long)(current_bytes / unit),
             (unsigned long long)((total_bytes + unit - 1) / unit), large ? "MB" : "kB");
}

void pull_progress_release(struct pull_progress *progress)
{
  lines_release(&progress->lines);
  free(progress->layers);
  progress->layers = 0;
  progress->layer_count = 0;
}
