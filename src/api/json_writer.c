#include "api/json_writer.h"

#include "api/utf8.h"

#include <string.h>

static void put(struct json_writer *json, const char *text, size_t size)
{
  buffer_append(json->out, text, size);
}

static void separate(struct json_writer *json)
{
  if (json->comma)
    put(json, ",", 1);
  json->comma = true;
}

static void begin(struct json_writer *json, char bracket)
{
  separate(json);
  put(json, &bracket, 1);
  json->comma = false;
}

static void end(struct json_writer *json, char bracket)
{
  put(json, &bracket, 1);
  json->comma = true;
}

void json_write_object_begin(struct json_writer *json)
{
  begin(json, '{');
}

void json_write_object_end(struct json_writer *json)
{
  end(json, '}');
}

void json_write_array_begin(struct json_writer *json)
{
  begin(json, '[');
}

void json_write_array_end(struct json_writer *json)
{
  end(json, ']');
}

void json_write_key(struct json_writer *json, const char *key)
{
  begin(json, '"');
  put(json, key, strlen(key));
  put(json, "\":", 2);
}

void json_write_raw(struct json_writer *json, const char *text)
{
  separate(json);
  put(json, text, strlen(text));
}

void json_write_null(struct json_writer *json)
{
  json_write_raw(json, "null");
}

void json_write_bool(struct json_writer *json, bool value)
{
  json_write_raw(json, value ? "true" : "false");
}

void json_write_u64(struct json_writer *json, uint64_t value)
{
  char digits[20];
  size_t at = sizeof digits;
  do
    digits[--at] = (char)('0' + value % 10);
  while (value /= 10);
  separate(json);
  put(json, digits + at, sizeof digits - at);
}

void json_write_i64(struct json_writer *json, int64_t value)
{
  if (value >= 0) {
    json_write_u64(json, (uint64_t)value);
    return;
  }
  separate(json);
  put(json, "-", 1);
  json->comma = false;
  json_write_u64(json, -(uint64_t)value);
}

void json_write_text(struct json_writer *json, const char *text)
{
  if (!text) {
    json_write_null(json);
    return;
  }
  json_write_string_begin(json);
  json_write_bytes(json, text, strlen(text));
  json_write_string_end(json);
}

void json_write_string_begin(struct json_writer *json)
{
  begin(json, '"');
}

void json_write_string_end(struct json_writer *json)
{
  end(json, '"');
}

/* Eight bytes at once, as most of every output is plain: no control character, no '"', no '\\', nothing beyond ASCII.
 */
static bool all_plain(const unsigned char *bytes)
{
  const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
  /* (x - n) has the top bit of a byte below n set; what borrows into the next byte can only say no too often. */
  return !((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops);
}

static bool is_plain(unsigned char byte)
{
  return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

static size_t plain_run(const unsigned char *bytes, size_t size)
{
  size_t run = 0;
  while (run + sizeof(uint64_t) <= size && all_plain(bytes + run))
    run += sizeof(uint64_t);
  while (run < size && is_plain(bytes[run]))
    run++;
  return run;
}

/* The two-character escapes of RFC 8259, section 7; 0: there is none. */
static char short_escape(unsigned char byte)
{
  switch (byte) {
  case '"':
  case '\\':
    return (char)byte;
  case '\b':
    return 'b';
  case '\f':
    return 'f';
  case '\n':
    return 'n';
  case '\r':
    return 'r';
  case '\t':
    return 't';
  default:
    return 0;
  }
}

static void put_escaped(struct json_writer *json, unsigned char byte)
{
  static const char hex[] = "0123456789abcdef";
  char escape = short_escape(byte);
  if (escape)
    put(json, (char[]){'\\', escape}, 2);
  else
    put(json, (char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6);
}

bool json_write_bytes(struct json_writer *json, const void *data, size_t size)
{
  const unsigned char *bytes = data;
  bool lossy = false;
  buffer_reserve(json->out, size + size / 16);
  for (size_t at = 0; at < size;) {
    size_t run = plain_run(bytes + at, size - at);
    put(json, (const char *)bytes + at, run);
    at += run;
    if (at == size)
      break;
    size_t length;
    if (bytes[at] < 0x80) {
      put_escaped(json, bytes[at++]);
    } else {
      bool valid = utf8_next(bytes + at, size - at, &length);
      put(json, valid ? (const char *)bytes + at : UTF8_REPLACEMENT, valid ? length : strlen(UTF8_REPLACEMENT));
      lossy |= !valid;
      at += length;
    }
  }
  return lossy;
}

void json_write_member_time(struct json_writer *json, const char *key, struct wall time)
{
  char text[WALL_TEXT_SIZE];
  if (time.ms)
    wall_format(time, text);
  json_write_member_text(json, key, time.ms ? text : NULL);
}
