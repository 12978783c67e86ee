#include "backend/docker/images.h"

#include "backend/docker/inspect.h"
#include "backend/docker/pull_progress.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  TELL_MS = 1000, /* between two hints of progress */
  PULLS_MAX = 4,  /* under way at a time; others wait for theirs */
  TRIES_MAX = 3,  /* of a pull whose connection breaks off */
};

/* For how long it is believed; after that it is as if nothing were known. */
#define IMAGE_STATES(X)                                                                                                \
  X(UNSEEN, 0, "nothing is known of it")                                                                               \
  X(PRESENT, 60 * 1000, "the engine has it; but its tag may come to mean another image")                               \
  X(AWAITING, UINT32_MAX, "its pull waits for others to end")                                                          \
  X(PULLING, UINT32_MAX, "it is being pulled; that has a deadline")                                                    \
  X(PULLED, 30 * 1000, "its pull has ended well; should the engine still not have it, another pull would not help")    \
  X(FAILED, 30 * 1000, "it could not be pulled, and is not tried again so soon")

enum image_state {
#define X(name, ms, meaning) IMAGE_##name,
  IMAGE_STATES(X)
#undef X
};

/* What is known of one image for a while. */
struct image {
  struct images *images;
  char canonical[IMAGE_NAME_SIZE];
  enum image_state state;
  struct mono since, told; /* in this state; when its waiters last had a hint */
  struct mono began;       /* AWAITING, PULLING: when the first of its tries did */
  unsigned tries;
  char **volumes; /* HERE */
  char failure[REASON_SIZE];
  struct engine_call *call; /* PULLING */
  struct pull_progress progress;
  struct name *waiters; /* AWAITING, PULLING: attempts */
  size_t waiter_count;
  struct image *next;
};

struct image_want {
  struct images *images;
  struct image_name image;
  char canonical[IMAGE_NAME_SIZE];
  struct name name;
  struct engine_call *call;
  void (*done)(void *context, const struct image_answer *answer);
  void *context;
  struct image_want *next;
};

struct images {
  struct engine *engine;
  struct images_config config;
  struct image *list;
  struct image_want *wants; /* whose inspection is under way */
};

/* What is known. */

static void free_image(struct image *image)
{
  engine_call_cancel(image->call);
  pull_progress_release(&image->progress);
  image_volumes_free(image->volumes);
  free(image->waiters);
  free(image);
}

static bool outdated(const struct image *image)
{
  static const uint64_t ms_max[] = {
#define X(name, ms, meaning) [IMAGE_##name] = ms,
    IMAGE_STATES(X)
#undef X
  };
  return mono_now().us >= mono_add_ms(image->since, ms_max[image->state]).us;
}

static void forget_outdated(struct images *images)
{
  for (struct image **at = &images->list, *image; (image = *at);) {
    if (outdated(image)) {
      *at = image->next;
      free_image(image);
    } else {
      at = &image->next;
    }
  }
}

static struct image *find(const struct images *images, const char *canonical)
{
  for (struct image *image = images->list; image; image = image->next)
    if (!strcmp(image->canonical, canonical))
      return image;
  return 0;
}

static void enter(struct image *image, enum image_state state)
{
  image->state = state;
  image->since = mono_now();
  image_volumes_free(image->volumes);
  image->volumes = 0;
}

static struct image *get(struct images *images, const char *canonical)
{
  struct image *image = find(images, canonical);
  if (image)
    return image;
  image = xcalloc(1, sizeof *image);
  image->images = images;
  snprintf(image->canonical, sizeof image->canonical, "%s", canonical);
  image->next = images->list;
  images->list = image;
  return image;
}

/* Pulling. */

static void hint_waiters(struct image *image)
{
  const struct images_config *config = &image->images->config;
  image->told = mono_now();
  for (size_t i = 0; i < image->waiter_count; i++)
    config->hint(config->context, image->waiters[i]);
}

static void begin_pulls(struct images *images);

/* Those who wait find out what has become of it when they are launched again. */
static void end_pull(struct image *image, enum image_state state)
{
  pull_progress_release(&image->progress);
  image->progress = (struct pull_progress){0};
  enter(image, state);
  hint_waiters(image);
  image->waiter_count = 0;
}

static void fail_pull(struct image *image, const char *why)
{
  snprintf(image->failure, sizeof image->failure, "image %.100s could not be pulled: %.120s", image->canonical, why);
  end_pull(image, IMAGE_FAILED);
}

/* An engine that goes away in the middle says nothing about the image. What was pulled by then is not pulled again. */
static void pull_broke_off(struct image *image, const struct engine_answer *pulled)
{
  if (mono_now().us >= mono_add_ms(image->began, image->images->config.pull_ms_max).us)
    fail_pull(image, "it takes too long");
  else if (image->tries == TRIES_MAX)
    fail_pull(image, pulled->message);
  else
    enter(image, IMAGE_AWAITING);
}

static void on_pulled(void *context, const struct engine_answer *pulled)
{
  struct image *image = context;
  struct images *images = image->images;
  image->call = 0;
  bool succeeded = pull_progress_end(&image->progress);
  switch (pulled->outcome) {
  case ENGINE_DONE:
    if (succeeded)
      end_pull(image, IMAGE_PULLED);
    else
      fail_pull(image, image->progress.failure);
    break;
  case ENGINE_NOT_SENT: /* the launches wait for the engine, and then ask again */
    end_pull(image, IMAGE_UNSEEN);
    break;
  case ENGINE_UNKNOWN:
    pull_broke_off(image, pulled);
    break;
  case ENGINE_ABSENT:
  case ENGINE_CONFLICT:
  case ENGINE_REFUSED:
  case ENGINE_FAILED:
    fail_pull(image, pulled->message);
    break;
  }
  begin_pulls(images);
}

static bool on_progress(void *context, const void *bytes, size_t size)
{
  struct image *image = context;
  bool changed = pull_progress_feed(&image->progress, bytes, size);
  if (changed && mono_now().us >= mono_add_ms(image->told, TELL_MS).us)
    hint_waiters(image);
  return true;
}

static void begin_pull(struct image *image)
{
  struct images *images = image->images;
  struct image_name name;
  ASSERT(image_name_parse(image->canonical, &name, 0));
  enter(image, IMAGE_PULLING);
  if (!image->tries++)
    image->began = image->since;
  pull_progress_release(&image->progress);
  image->progress = (struct pull_progress){0};
  image->call = engine_pull_image(images->engine, &name, images->config.pull_ms_max, on_progress, on_pulled, image);
}

static void begin_pulls(struct images *images)
{
  unsigned active = 0;
  for (const struct image *image = images->list; image; image = image->next)
    active += image->state == IMAGE_PULLING;
  for (struct image *image = images->list; image && active < PULLS_MAX; image = image->next)
    if (image->state == IMAGE_AWAITING) {
      begin_pull(image);
      active++;
    }
}

static bool waits(const struct image *image, struct name name)
{
  for (size_t i = 0; i < image->waiter_count; i++)
    if (!strcmp(image->waiters[i].text, name.text))
      return true;
  return false;
}

static void add_waiter(struct image *image, struct name name)
{
  if (waits(image, name))
    return;
  image->waiters = xrealloc(image->waiters, (image->waiter_count + 1) * sizeof *image->waiters);
  image->waiters[image->waiter_count++] = name;
}

static bool coming(const struct image *image)
{
  return image->state == IMAGE_AWAITING || image->state == IMAGE_PULLING;
}

bool images_progress(const struct images *images, struct name name, char text[static REASON_SIZE])
{
  char line[PULL_TEXT_SIZE];
  for (const struct image *image = images->list; image; image = image->next)
    if (coming(image) && waits(image, name)) {
      pull_progress_text(&image->progress, image->canonical, line);
      snprintf(text, REASON_SIZE, "%.*s", REASON_SIZE - 1, line);
      return true;
    }
  return false;
}

/* Wanting. */

static void answer(struct image_want *want, enum image_result result, const struct image *image, const char *message)
{
  struct image_answer told = {.result = result,
                              .canonical = want->canonical,
                              .volumes = image ? (const char *const *)image->volumes : 0,
                              .message = message};
  want->done(want->context, &told);
}

/* What is known says it all. */
static bool answer_from_memory(struct image_want *want)
{
  const struct images *images = want->images;
  struct image *image = find(images, want->canonical);
  if (!image)
    return false;
  switch (image->state) {
  case IMAGE_PRESENT:
    answer(want, IMAGE_HERE, image, 0);
    break;
  case IMAGE_UNSEEN:
  case IMAGE_PULLED:
    return false;
  case IMAGE_FAILED:
    answer(want, IMAGE_REFUSED, 0, image->failure);
    break;
  case IMAGE_AWAITING:
  case IMAGE_PULLING:
    add_waiter(image, want->name);
    answer(want, IMAGE_COMING, 0, 0);
    break;
  }
  return true;
}

static void answer_missing(struct image_want *want)
{
  struct images *images = want->images;
  char message[REASON_SIZE];
  if (!images->config.pull) {
    snprintf(message, sizeof message, "image %.150s is not there, and none is pulled here", want->canonical);
    answer(want, IMAGE_REFUSED, 0, message);
    return;
  }
  struct image *image = get(images, want->canonical);
  if (image->state == IMAGE_PULLED) {
    fail_pull(image, "it was pulled, and the engine has not got it");
    answer(want, IMAGE_REFUSED, 0, image->failure);
    return;
  }
  if (!coming(image)) {
    enter(image, IMAGE_AWAITING);
    image->tries = 0;
  }
  add_waiter(image, want->name);
  answer(want, IMAGE_COMING, 0, 0);
  begin_pulls(images);
}

static void answer_here(struct image_want *want, const json_t *body)
{
  char **volumes;
  struct error error;
  char message[REASON_SIZE];
  if (!image_volumes(body, &volumes, &error)) {
    snprintf(message, sizeof message, "image %.100s: %.140s", want->canonical, error.message);
    answer(want, error.kind == ERROR_INVALID ? IMAGE_REFUSED : IMAGE_UNKNOWN, 0, message);
    return;
  }
  struct image *image = get(want->images, want->canonical);
  if (coming(image)) { /* it came by another way; the pull will find out */
    image_volumes_free(volumes);
    add_waiter(image, want->name);
    answer(want, IMAGE_COMING, 0, 0);
    return;
  }
  enter(image, IMAGE_PRESENT);
  image->volumes = volumes;
  answer(want, IMAGE_HERE, image, 0);
}

static void unlink_want(struct image_want *want)
{
  for (struct image_want **at = &want->images->wants; *at; at = &(*at)->next)
    if (*at == want) {
      *at = want->next;
      return;
    }
}

static void on_inspected(void *context, const struct engine_answer *inspected)
{
  struct image_want *want = context;
  unlink_want(want);
  switch (inspected->outcome) {
  case ENGINE_DONE:
    answer_here(want, inspected->body);
    break;
  case ENGINE_ABSENT:
    answer_missing(want);
    break;
  case ENGINE_NOT_SENT:
    answer(want, IMAGE_NOT_SENT, 0, inspected->message);
    break;
  case ENGINE_CONFLICT:
  case ENGINE_REFUSED:
  case ENGINE_FAILED:
  case ENGINE_UNKNOWN:
    answer(want, IMAGE_UNKNOWN, 0, inspected->message);
    break;
  }
  free(want);
}

/* What names no image at all is refused without a question. */
static bool refuse_name(struct image_want *want, const char *image)
{
  struct error error;
  char message[REASON_SIZE];
  if (image_name_parse(image, &want->image, &error)) {
    image_name_canonical(&want->image, want->canonical);
    return false;
  }
  snprintf(message, sizeof message, "image %.100s: %.140s", image, error.message);
  answer(want, IMAGE_REFUSED, 0, message);
  return true;
}

struct image_want *images_want(struct images *images, const char *image, struct name name,
                               void (*done)(void *context, const struct image_answer *answer), void *context)
{
  struct image_want *want = xcalloc(1, sizeof *want);
  want->images = images;
  want->name = name;
  want->done = done;
  want->context = context;
  forget_outdated(images);
  if (refuse_name(want, image) || answer_from_memory(want)) {
    free(want);
    return 0;
  }
  want->next = images->wants;
  images->wants = want;
  want->call = engine_inspect_image(images->engine, want->canonical, on_inspected, want);
  return want;
}

void image_want_cancel(struct image_want *want)
{
  if (!want)
    return;
  engine_call_cancel(want->call);
  unlink_want(want);
  free(want);
}

void images_missing(struct images *images, const char *image)
{
  struct image_name name;
  char canonical[IMAGE_NAME_SIZE];
  if (!image_name_parse(image, &name, 0))
    return;
  image_name_canonical(&name, canonical);
  struct image *known = find(images, canonical);
  if (known && known->state == IMAGE_PRESENT)
    enter(known, IMAGE_UNSEEN);
}

struct images *images_create(struct engine *engine, const struct images_config *config)
{
  struct images *images = xcalloc(1, sizeof *images);
  images->engine = engine;
  images->config = *config;
  return images;
}

void images_destroy(struct images *images)
{
  if (!images)
    return;
  for (struct image_want *want = images->wants, *next; want; want = next) {
    next = want->next;
    engine_call_cancel(want->call);
    free(want);
  }
  for (struct image *image = images->list, *next; image; image = next) {
    next = image->next;
    free_image(image);
  }
  free(images);
}
