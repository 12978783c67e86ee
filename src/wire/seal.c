#include "wire/seal.h"

#include "base/base64.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>

#define TITLE "assay-record "

static void authenticate(const void *key, size_t key_size, const void *data, size_t size,
                         uint8_t ret[static SHA256_DIGEST_SIZE])
{
  struct hmac_sha256_ctx context;
  hmac_sha256_set_key(&context, key_size, key);
  hmac_sha256_update(&context, size, data);
  hmac_sha256_digest(&context, SHA256_DIGEST_SIZE, ret);
  explicit_bzero(&context, sizeof context);
}

void seal_key_derive(const void *secret, size_t size, struct name name, unsigned char ret[static SEAL_KEY_BYTES])
{
  static_assert(+SEAL_KEY_BYTES == SHA256_DIGEST_SIZE, "a digest is a key");
  authenticate(secret, size, name.text, strlen(name.text), ret);
}

void seal_record(const unsigned char key[static SEAL_KEY_BYTES], const struct record *record, struct buffer *ret)
{
  CLEANUP_BUFFER struct buffer text = {0};
  uint8_t tag[SHA256_DIGEST_SIZE];
  const size_t before = ret->size;
  record_encode(record, &text);
  authenticate(key, SEAL_KEY_BYTES, text.data, text.size, tag);
  buffer_puts(ret, TITLE);
  base64_encode(text.data, text.size, ret);
  buffer_puts(ret, " ");
  base64_encode(tag, sizeof tag, ret);
  ASSERT(ret->size - before <= SEAL_BYTES_MAX);
}

/* Takes the characters before `end`, which is not one of them and is skipped. */
static bool take_base64(const char **text, const char *stop, char end, struct buffer *ret)
{
  const char *found = memchr(*text, end, (size_t)(stop - *text));
  if (!found)
    found = stop;
  if (!base64_decode(*text, (size_t)(found - *text), ret))
    return false;
  *text = found < stop ? found + 1 : stop;
  return true;
}

bool seal_open(const unsigned char key[static SEAL_KEY_BYTES], const char *text, size_t size, struct record *ret,
               struct error *error)
{
  CLEANUP_BUFFER struct buffer encoded = {0}, tag = {0};
  uint8_t expected[SHA256_DIGEST_SIZE];
  if (size > SEAL_BYTES_MAX || size < strlen(TITLE) || memcmp(text, TITLE, strlen(TITLE)) != 0)
    return error_set(error, ERROR_INVALID, 0, "not a sealed record");
  const char *stop = text + size, *next = text + strlen(TITLE);
  if (!take_base64(&next, stop, ' ', &encoded) || !take_base64(&next, stop, '\n', &tag) || next != stop)
    return error_set(error, ERROR_INVALID, 0, "not a whole sealed record");
  authenticate(key, SEAL_KEY_BYTES, encoded.data ? encoded.data : "", encoded.size, expected);
  if (tag.size != sizeof expected || !memeql_sec(tag.data, expected, sizeof expected))
    return error_set(error, ERROR_FORBIDDEN, 0, "sealed by somebody else");
  return record_decode(encoded.data, encoded.size, ret, error);
}
