#pragma once

/*
 * The images that launches need: whether the engine has one, and, where the operator wants that, fetching one that it
 * has not. One pull for each image, however many wait for it; it takes no slot and has a deadline of its own. What was
 * found out is remembered for a little while, a failed pull too.
 */

#include "backend/docker/engine.h"
#include "wire/name.h"

struct images;
struct image_want;

enum image_result {
  IMAGE_HERE,     /* and `volumes` are those that it declares */
  IMAGE_COMING,   /* it is being pulled; the name that wants it gets a hint when that has ended, well or not */
  IMAGE_REFUSED,  /* there is none, and there will be none */
  IMAGE_NOT_SENT, /* the engine could not be asked */
  IMAGE_UNKNOWN,  /* or has not given an answer that says anything */
};

struct image_answer {
  enum image_result result;
  const char *canonical;      /* HERE: what to create a container from */
  const char *const *volumes; /* HERE: paths, NULL-terminated; or NULL */
  const char *message;        /* for a person, otherwise */
};

struct images_config {
  bool pull; /* what is missing */
  unsigned pull_ms_max;
  void *context;
  void (*hint)(void *context, struct name name);
};

struct images *images_create(struct engine *engine, const struct images_config *config);
void images_destroy(struct images *images); /* accepts NULL; before the engine */

/* `done` comes once, and perhaps from inside this call: then NULL is returned. */
struct image_want *images_want(struct images *images, const char *image, struct name name,
                               void (*done)(void *context, const struct image_answer *answer), void *context);
void image_want_cancel(struct image_want *want); /* accepts NULL; a pull goes on */
/* The engine has said that it has not got it, whatever it said before. */
void images_missing(struct images *images, const char *image);
/* What is being pulled for this one, for a person. False where nothing is. */
bool images_progress(const struct images *images, struct name name, char text[static REASON_SIZE]);
