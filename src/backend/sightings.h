#pragma once

/*
 * What an engine or a cluster has of ours, as its list says, and since when. A name that is in several lists in a row, and that
 * nobody here is busy with, is left over. Zero-initialise; clear at the end.
 */

#include "base/clock.h"
#include "wire/name.h"

#include <stdbool.h>
#include <stddef.h>

struct sighting {
  struct name name;
  struct mono first; /* time that it was in a list, without a gap since */
};

struct sightings {
  struct sighting *items;
  size_t count, capacity;
};

/* It is in the list that is being read; `before` is the last one. Since when. */
struct mono sightings_add(struct sightings *list, const struct sightings *before, struct name name, struct mono now);
bool sightings_have(const struct sightings *sightings, struct name name);
/* The list has been read: it is the last one now, and the next one begins empty. */
void sightings_end_list(struct sightings *list, struct sightings *last);
void sightings_clear(struct sightings *sightings);
