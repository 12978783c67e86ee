#pragma once

/* A plan, decoded where its file lies in memory: of a plan as large as can be, nothing is copied. */

#include "wire/plan.h"

struct plan_map {
  void *bytes; /* NULL: nothing is mapped */
  size_t size;
  struct plan plan; /* points into `bytes` */
};

/* The file may be closed afterwards, and must not be changed. On failure nothing is to be released. */
bool plan_map_open(struct plan_map *ret, int file, struct error *error);
void plan_map_release(struct plan_map *map);
#define CLEANUP_PLAN_MAP __attribute__((cleanup(plan_map_release)))
