#pragma once

/* What the parts of cgroup.h share: the table of files, reading counters, and what is different in a container. */

#include "keeper/cgroup.h"

/* A counter is a file that holds one number, or, where `key` is set, lines of "key number". */
struct counter {
  const char *file, *key;
};

struct cgroup_rules {
  enum controller controller;
  enum hierarchy hierarchy;
  const char *limit, *swap;     /* files that limit; `swap` is absent where swap is not accounted for */
  bool swap_includes_memory;    /* v1 limits memory and swap together, v2 swap alone */
  struct counter usage;         /* CPU time */
  uint64_t usage_per_us;        /* its unit */
  struct counter peak, refused; /* the most that was used; how often the limit bit */
  const char *present;          /* what is used now */
};

enum { CGROUP_TABLE_ROWS = 6 };

/* In order of preference: the first row of a controller whose hierarchy is there is the one. */
extern const struct cgroup_rules cgroup_table[CGROUP_TABLE_ROWS];

/* False where the counter cannot be had, or says something else than a number, as "max". */
bool counter_try(int leaf, const struct counter *counter, uint64_t *ret);
/* The number of a counter; 0 where it cannot be had. */
uint64_t counter_read(int leaf, const struct counter *counter);

static inline int cgroup_leaf_of(const struct cgroup *cgroup, const struct cgroup_rules *rules)
{
  return rules ? cgroup->leaf[rules->hierarchy] : -1;
}

/* As the counters stand. */
uint64_t cgroup_count_cpu_us(const struct cgroup *cgroup);
struct cgroup_usage cgroup_count(const struct cgroup *cgroup); /* but for the CPU time */

/* In a container: takes the container's cgroup for a leaf, and remembers what it has counted. */
void cgroup_contained_begin(struct cgroup *cgroup);
/* Of all that was counted since, what is not the keeper's. */
uint64_t cgroup_contained_cpu_us(const struct cgroup *cgroup);
void cgroup_contained_subtract(const struct cgroup *cgroup, struct cgroup_usage *usage);
