#pragma once

/*
 * Writes JSON straight into a buffer, with no tree in between: encoding an evaluation is on the path of every answer.
 * The writer sets commas; that keys and values alternate and that what begins also ends is the caller's duty.
 *
 *     struct json_writer json = {.out = &buffer};
 *     json_write_object_begin(&json);
 *     json_write_key(&json, "attempt");
 *     json_write_u64(&json, 1);
 *     json_write_object_end(&json);
 */

#include "base/buffer.h"
#include "base/clock.h"

#include <stdbool.h>

struct json_writer {
  struct buffer *out;
  bool comma; /* a value stands before this place */
};

void json_write_object_begin(struct json_writer *json);
void json_write_object_end(struct json_writer *json);
void json_write_array_begin(struct json_writer *json);
void json_write_array_end(struct json_writer *json);
void json_write_key(struct json_writer *json, const char *key); /* nothing in `key` needs an escape */

void json_write_null(struct json_writer *json);
void json_write_bool(struct json_writer *json, bool value);
void json_write_u64(struct json_writer *json, uint64_t value);
void json_write_i64(struct json_writer *json, int64_t value);
void json_write_text(struct json_writer *json, const char *text); /* NULL: null */
void json_write_raw(struct json_writer *json, const char *text);  /* JSON already, one value */

/*
 * A string in parts, for what does not stand in one piece: begin, add any bytes, end. What is not UTF-8 becomes U+FFFD,
 * and json_write_bytes() then returns true: the text is lossy. A character does not reach over the border of two parts.
 */
void json_write_string_begin(struct json_writer *json);
bool json_write_bytes(struct json_writer *json, const void *data, size_t size);
void json_write_string_end(struct json_writer *json);

/* A member of an object in one line. */
void json_write_member_time(struct json_writer *json, const char *key, struct wall time); /* 0: null, it is not known */

static inline void json_write_member_text(struct json_writer *json, const char *key, const char *text)
{
  json_write_key(json, key);
  json_write_text(json, text);
}

static inline void json_write_member_u64(struct json_writer *json, const char *key, uint64_t value)
{
  json_write_key(json, key);
  json_write_u64(json, value);
}

static inline void json_write_member_i64(struct json_writer *json, const char *key, int64_t value)
{
  json_write_key(json, key);
  json_write_i64(json, value);
}

static inline void json_write_member_bool(struct json_writer *json, const char *key, bool value)
{
  json_write_key(json, key);
  json_write_bool(json, value);
}
