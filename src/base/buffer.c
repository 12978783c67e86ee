#include "base/buffer.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_release(struct buffer *buffer)
{
  if (!buffer)
    return;
  free(buffer->data);
  *buffer = (struct buffer){0};
}

static bool reserve(struct buffer *buffer, size_t more, void *(*allocate)(void *old, size_t size))
{
  ASSERT(more < SIZE_MAX / 4 && buffer->size < SIZE_MAX / 4);
  size_t needed = buffer->size + more + 1;
  if (needed <= buffer->capacity)
    return true;
  size_t capacity = buffer->capacity ? buffer->capacity : 64;
  while (capacity < needed)
    capacity *= 2;
  char *data = allocate(buffer->data, capacity);
  if (!data)
    return false;
  buffer->data = data;
  buffer->capacity = capacity;
  return true;
}

void buffer_reserve(struct buffer *buffer, size_t more)
{
  reserve(buffer, more, xrealloc);
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
  buffer_reserve(buffer, size);
  if (size)
    memcpy(buffer->data + buffer->size, data, size);
  buffer->size += size;
  buffer->data[buffer->size] = 0;
}

bool buffer_try_append(struct buffer *buffer, const void *data, size_t size)
{
  if (!reserve(buffer, size, try_realloc))
    return false;
  buffer_append(buffer, data, size);
  return true;
}

void buffer_puts(struct buffer *buffer, const char *text)
{
  buffer_append(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(0, 0, format, args);
  va_end(args);
  ASSERT(length >= 0);
  buffer_reserve(buffer, (size_t)length);
  vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, again);
  va_end(again);
  buffer->size += (size_t)length;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
  ASSERT(size <= buffer->size);
  if (!size)
    return;
  buffer->size -= size;
  memmove(buffer->data, buffer->data + size, buffer->size);
  buffer->data[buffer->size] = 0;
}

void buffer_clear(struct buffer *buffer)
{
  buffer->size = 0;
  if (buffer->data)
    buffer->data[0] = 0;
}

char *buffer_take(struct buffer *buffer, size_t *ret_size)
{
  buffer_reserve(buffer, 0);
  buffer->data[buffer->size] = 0;
  if (ret_size)
    *ret_size = buffer->size;
  char *data = buffer->data;
  *buffer = (struct buffer){0};
  return data;
}
