#pragma once

/*
 * Names. An evaluation's id is "YYYYMMDD_HHMMSS_xxxxxxxx": the UTC second of its acceptance and 32 random bits, the form
 * that the clients of the system before this one know. One attempt to run it is named "assay-<id>-<attempt>", in every
 * backend, in the evidence directory and among the cgroups, so that anybody can find it with nothing in memory (law 2).
 */

#include "base/clock.h"
#include "base/limits.h"

#include <stdbool.h>
#include <string.h>

void id_make(char id[static ID_SIZE], struct wall now, uint32_t random);
bool id_valid(const char *id);

struct name {
  char text[NAME_SIZE];
};

static inline bool names_equal(struct name a, struct name b)
{
  return !strcmp(a.text, b.text);
}

struct name name_make(const char *id, unsigned attempt);
/* False where `text` is not one of our names. */
bool name_parse(const char *text, char ret_id[static ID_SIZE], unsigned *ret_attempt);
