#pragma once

/*
 * Memory and ownership.
 *
 * A small allocation that fails aborts: nothing sensible is left to do, and the daemon is crash-only. Whatever a client, a
 * server or a program sizes is capped first (limits.h), and may fail: then one request is refused, and the others go on.
 * `TAKE_PTR` moves ownership out of a variable that has a cleanup attribute.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one allocation that may fail: NULL, and then `pointer` is as it was. The functions with "try" in their names, and
 * memory_left(), are made of it. */
void *try_realloc(void *pointer, size_t size);

/*
 * Whether so much could be had just now: asked before work whose many small allocations are together sized by somebody
 * else (a JSON tree, the text of an answer), so that it is refused and does not abort half-way.
 */
bool memory_left(size_t size);

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *pointer, size_t size);
char *xstrdup(const char *string); /* NULL stays NULL */
char *xstrndup(const char *string, size_t length);
__attribute__((format(printf, 1, 2))) char *xasprintf(const char *format, ...);

static inline void *take_pointer(void **pointer)
{
  void *taken = *pointer;
  *pointer = 0;
  return taken;
}
#define TAKE_PTR(variable) ((typeof(variable))take_pointer((void **)&(variable)))

void cleanup_free(void *pointer_to_pointer);
#define CLEANUP_FREE __attribute__((cleanup(cleanup_free)))

/*
 * A blob is an immutable run of bytes with a reference count that any thread may change: a plan or an output that the
 * loop, the store's thread and a response in flight share without copying. `data` always has a NUL after its last byte.
 */
struct blob {
  size_t size;
  unsigned references; /* atomic */
  unsigned char data[];
};

struct blob *blob_create(const void *data, size_t size);     /* data NULL: zeros, to be filled before it is shared */
struct blob *blob_try_create(const void *data, size_t size); /* the same; NULL: there is no memory for it */
struct blob *blob_ref(struct blob *blob);                    /* NULL stays NULL */
void blob_unref(struct blob *blob);                          /* accepts NULL */
void cleanup_blob(struct blob **blob);
#define CLEANUP_BLOB __attribute__((cleanup(cleanup_blob)))
