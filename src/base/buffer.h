#pragma once

/*
 * A growable run of bytes. Zero-initialise it (`struct buffer b = {0}`), append, and release it; or take its bytes with
 * buffer_take(). There is always a NUL after the last byte once anything was appended, so text can be read in place.
 * Aborts when memory is out, but for buffer_try_append(), which is for what somebody else sizes. Cap that first.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
  char *data;
  size_t size;
  size_t capacity;
};

void buffer_release(struct buffer *buffer);
#define CLEANUP_BUFFER __attribute__((cleanup(buffer_release)))

void buffer_reserve(struct buffer *buffer, size_t more); /* room for `more` bytes after the present ones */
void buffer_append(struct buffer *buffer, const void *data, size_t size);
bool buffer_try_append(struct buffer *buffer, const void *data, size_t size); /* false: no memory, and as it was */
void buffer_puts(struct buffer *buffer, const char *text);
__attribute__((format(printf, 2, 3))) void buffer_printf(struct buffer *buffer, const char *format, ...);
void buffer_consume(struct buffer *buffer, size_t size);    /* drops bytes from the front */
void buffer_clear(struct buffer *buffer);                   /* keeps the memory */
char *buffer_take(struct buffer *buffer, size_t *ret_size); /* the caller frees; the buffer is empty again */
