#pragma once

/*
 * The body of POST /images/create, as it comes: objects that tell of each layer, and at any time an error, which may be the
 * only sign of a failure: the status was 200 by then. Order: zero-initialise, feed, end, read, release.
 */

#include "backend/lines.h"
#include "base/limits.h"
#include "wire/image_name.h"

#include <stdbool.h>
#include <stdint.h>

enum { PULL_LAYERS_MAX = 256, PULL_LINE_BYTES_MAX = 64 * 1024, PULL_LAYER_ID_SIZE = 80 };
enum { PULL_TEXT_SIZE = IMAGE_NAME_SIZE + 80 };

struct pull_layer {
  char id[PULL_LAYER_ID_SIZE];
  uint64_t current_bytes, total_bytes; /* downloaded; total 0: not known yet */
  bool downloaded, unpacked;
};

struct pull_progress {
  struct lines lines;
  struct pull_layer *layers;
  size_t layer_count; /* those beyond PULL_LAYERS_MAX are not counted */
  bool failed;
  char failure[REASON_SIZE]; /* the engine's words */
};

/* True: the text may have changed. What cannot be read is passed over: the engine, asked for the image, has the last word. */
bool pull_progress_feed(struct pull_progress *progress, const void *bytes, size_t size);
/* The body ended. True: the engine told of no error; whether the image is there, a look will say. */
bool pull_progress_end(struct pull_progress *progress);
/* "pulling python:3.11", "pulling python:3.11: 40 of 120 MB", "pulling python:3.11: unpacking, 3 of 7 layers" */
void pull_progress_text(const struct pull_progress *progress, const char *image, char text[static PULL_TEXT_SIZE]);
void pull_progress_release(struct pull_progress *progress);
