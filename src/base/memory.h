#pragma once

/*
 * Memory and ownership.
 *
 * A small allocation that fails aborts: nothing sensible is left to do, and the daemon is crash-only. Whatever a client
 * sizes is capped first (limits.h). `TAKE_PTR` moves ownership out of a variable that has a cleanup attribute.
 */

#include <stddef.h>
#include <stdint.h>

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

struct blob *blob_create(const void *data, size_t size); /* data NULL: zeros, to be filled before it is shared */
struct blob *blob_ref(struct blob *blob);                /* NULL stays NULL */
void blob_unref(struct blob *blob);                      /* accepts NULL */
void cleanup_blob(struct blob **blob);
#define CLEANUP_BLOB __attribute__((cleanup(cleanup_blob)))
