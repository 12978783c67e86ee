/*
 * A record or start marker that can be decoded says the same once it has been encoded again.
 *
 * No fuzzer finds a text that agrees with the digest in its last line. So each input is tried as it is, and once more
 * with the right last line behind it.
 */

#include "wire/record.h"

#include <string.h>

static void check_record(const void *bytes, size_t size)
{
  struct record record, again;
  struct error error = {0};
  if (!record_decode(bytes, size, &record, &error)) {
    ASSERT(error.message[0]);
    return;
  }
  ASSERT(memchr(record.message, 0, sizeof record.message));
  CLEANUP_BUFFER struct buffer text = {0}, text_again = {0};
  record_encode(&record, &text);
  ASSERT(record_decode(text.data, text.size, &again, 0));
  record_encode(&again, &text_again);
  ASSERT(text.size == text_again.size && !memcmp(text.data, text_again.data, text.size));
}

static void check_start_marker(const void *bytes, size_t size)
{
  struct start_marker marker, again;
  if (!start_marker_decode(bytes, size, &marker, 0))
    return;
  CLEANUP_BUFFER struct buffer text = {0};
  start_marker_encode(&marker, &text);
  ASSERT(start_marker_decode(text.data, text.size, &again, 0));
  ASSERT(!memcmp(&marker, &again, sizeof marker));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  check_record(data, size);
  check_start_marker(data, size);
  CLEANUP_BUFFER struct buffer closed = {0};
  buffer_append(&closed, data, size);
  buffer_printf(&closed, "end %llu\n", (unsigned long long)digest_bytes(data, size));
  check_record(closed.data, closed.size);
  check_start_marker(closed.data, closed.size);
  return 0;
}
