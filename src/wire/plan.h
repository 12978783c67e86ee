#pragma once

/*
 * A plan is everything a keeper needs to run one attempt: commands, files, input, limits. It is made once, when the
 * submission is decoded, as one run of bytes; those bytes are what the store keeps, what a restarted daemon finds, and
 * what the keeper reads. Nothing in between looks inside.
 *
 * Encoding (version 1): the magic "assayp1\n", then fields: u16 key, u32 length, that many bytes; all numbers
 * little-endian; integers are u64. A string has its NUL behind it, and the length counts that NUL, so that a decoded
 * string can be used where it lies. Repeated keys make a list (argument, variable, file path followed by its mode and
 * content). An unknown key, a missing one, a doubled one that is no list, a wrong length or an excess over limits.h
 * refuses the whole plan.
 */

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "wire/limit.h"

/* Files and directories that go with disk_bytes: what is given to a tmpfs beside its size. */
uint64_t disk_inodes(uint64_t disk_bytes);

enum plan_flag {
  PLAN_KILL_ON_OUTPUT = 1, /* over the output limit: kill, instead of keeping head and tail */
};

struct plan_file {
  const char *path; /* relative, checked by plan_path_valid() */
  bool executable;
  const void *data;
  size_t size;
};

/* A decoded plan points into the bytes that it was decoded from; the arrays alone belong to it. */
struct plan {
  char **compile; /* NULL-terminated argv, or NULL: no compile step */
  char **command; /* NULL-terminated argv, never empty */
  char **
    environment; /* NULL-terminated "NAME=value"; the keeper adds PATH and HOME where they are not set, and always EVAL_ID */
  struct plan_file *files;
  size_t file_count;
  const void *input; /* standard input */
  size_t input_size;
  struct limits limits;
  unsigned flags;
  const char *root;  /* a root file system directory that the operator allowed, or NULL: the host's short list */
  const char *image; /* for a backend of containers, which alone reads it; or NULL */
};

/* No "..", no ".", no empty component, not absolute, no NUL, not deeper and no part longer than limits.h says. */
bool plan_path_valid(const char *path);

/* The plan is our own and within limits.h: a larger one is a broken invariant. The caller unrefs. */
struct blob *plan_encode(const struct plan *plan);
/* `ret` borrows from `bytes`; release it with plan_release(). */
bool plan_decode(const void *bytes, size_t size, struct plan *ret, struct error *error);
/* The same, where it is to be run in a container: it has to name an image. */
bool plan_decode_for_container(const void *bytes, size_t size, struct plan *ret, struct error *error);
void plan_release(struct plan *plan);
#define CLEANUP_PLAN __attribute__((cleanup(plan_release)))
