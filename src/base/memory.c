#include "base/memory.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *xmalloc(size_t size)
{
  void *pointer = malloc(size ? size : 1);
  ASSERT(pointer);
  return pointer;
}

void *xcalloc(size_t count, size_t size)
{
  void *pointer = calloc(count ? count : 1, size ? size : 1);
  ASSERT(pointer);
  return pointer;
}

void *xrealloc(void *old, size_t size)
{
  void *pointer = realloc(old, size ? size : 1);
  ASSERT(pointer);
  return pointer;
}

char *xstrdup(const char *string)
{
  return string ? xstrndup(string, strlen(string)) : 0;
}

char *xstrndup(const char *string, size_t length)
{
  char *copy = xmalloc(length + 1);
  memcpy(copy, string, length);
  copy[length] = 0;
  return copy;
}

char *xasprintf(const char *format, ...)
{
  char *text = 0;
  va_list args;
  va_start(args, format);
  int length = vasprintf(&text, format, args);
  va_end(args);
  ASSERT(length >= 0);
  return text;
}

void cleanup_free(void *pointer_to_pointer)
{
  free(*(void **)pointer_to_pointer);
}

bool memory_left(size_t size)
{
  void *pointer = try_realloc(0, size);
  bool left = pointer;
  free(pointer);
  return left;
}

static struct blob *blob_make(const void *data, size_t size, void *(*allocate)(void *old, size_t size))
{
  struct blob *blob = allocate(0, sizeof *blob + size + 1);
  if (!blob)
    return 0;
  blob->size = size;
  blob->references = 1;
  if (data)
    memcpy(blob->data, data, size);
  else
    memset(blob->data, 0, size);
  blob->data[size] = 0;
  return blob;
}

struct blob *blob_create(const void *data, size_t size)
{
  return blob_make(data, size, xrealloc);
}

struct blob *blob_try_create(const void *data, size_t size)
{
  return blob_make(data, size, try_realloc);
}

struct blob *blob_ref(struct blob *blob)
{
  if (blob)
    __atomic_add_fetch(&blob->references, 1, __ATOMIC_RELAXED);
  return blob;
}

void blob_unref(struct blob *blob)
{
  if (blob && __atomic_sub_fetch(&blob->references, 1, __ATOMIC_ACQ_REL) == 0)
    free(blob);
}

void cleanup_blob(struct blob **blob)
{
  blob_unref(*blob);
}
