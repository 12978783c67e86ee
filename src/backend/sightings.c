#include "backend/sightings.h"

#include "base/memory.h"

#include <stdlib.h>

static const struct sighting *find(const struct sightings *sightings, struct name name)
{
  for (size_t i = 0; i < sightings->count; i++)
    if (names_equal(sightings->items[i].name, name))
      return &sightings->items[i];
  return 0;
}

bool sightings_have(const struct sightings *sightings, struct name name)
{
  return find(sightings, name) != 0;
}

struct mono sightings_add(struct sightings *list, const struct sightings *before, struct name name, struct mono now)
{
  const struct sighting *earlier = find(before, name);
  struct sighting sighting = {name, earlier ? earlier->first : now};
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? 2 * list->capacity : 64;
    list->items = xrealloc(list->items, list->capacity * sizeof *list->items);
  }
  list->items[list->count++] = sighting;
  return sighting.first;
}

void sightings_end_list(struct sightings *list, struct sightings *last)
{
  sightings_clear(last);
  *last = *list;
  *list = (struct sightings){0};
}

void sightings_clear(struct sightings *sightings)
{
  free(sightings->items);
  *sightings = (struct sightings){0};
}
