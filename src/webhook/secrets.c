#include "webhook/secrets.h"

#include "base/base64.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

struct secret {
  unsigned char bytes[SECRET_BYTES_MAX];
  size_t size;
};

struct secrets {
  struct secret items[SECRETS_MAX];
  unsigned count;
};

static bool take_bytes(struct secret *secret, const void *bytes, size_t size)
{
  if (size < SECRET_BYTES_MIN || size > SECRET_BYTES_MAX)
    return false;
  memcpy(secret->bytes, bytes, size);
  secret->size = size;
  return true;
}

static bool take_line(struct secret *secret, const char *line, size_t length)
{
  static const char prefix[] = "whsec_";
  const size_t prefix_length = sizeof prefix - 1;
  if (length < prefix_length || memcmp(line, prefix, prefix_length) != 0)
    return take_bytes(secret, line, length);
  CLEANUP_BUFFER struct buffer bytes = {0};
  bool good =
    base64_decode(line + prefix_length, length - prefix_length, &bytes) && take_bytes(secret, bytes.data, bytes.size);
  if (bytes.data)
    explicit_bzero(bytes.data, bytes.size);
  return good;
}

static bool take_lines(struct secrets *secrets, const char *text, size_t size, struct error *error)
{
  for (size_t at = 0, number = 1; at < size; number++) {
    const char *line = text + at, *end = memchr(line, '\n', size - at);
    size_t length = end ? (size_t)(end - line) : size - at;
    at += length + 1;
    if (length && line[length - 1] == '\r')
      length--;
    if (!length)
      continue;
    if (secrets->count == SECRETS_MAX)
      return error_set(error, ERROR_INVALID, 0, "more than %d secrets", SECRETS_MAX);
    if (!take_line(&secrets->items[secrets->count++], line, length))
      return error_set(error, ERROR_INVALID, 0,
                       "line %zu is neither whsec_ with base64 nor a secret, of %d to %d bytes in both cases", number,
                       SECRET_BYTES_MIN, SECRET_BYTES_MAX);
  }
  return secrets->count || error_set(error, ERROR_INVALID, 0, "there is no secret in it");
}

struct secrets *secrets_load(const char *path, struct error *error)
{
  struct blob *text = file_read(AT_FDCWD, path, KIB(4), error);
  if (!text) {
    error_wrap(error, "%s", path);
    return NULL;
  }
  struct secrets *secrets = xcalloc(1, sizeof *secrets);
  bool good = take_lines(secrets, (const char *)text->data, text->size, error);
  explicit_bzero((void *)text->data, text->size);
  blob_unref(text);
  if (good)
    return secrets;
  error_wrap(error, "%s", path);
  secrets_destroy(secrets);
  return NULL;
}

void secrets_destroy(struct secrets *secrets)
{
  if (!secrets)
    return;
  explicit_bzero(secrets, sizeof *secrets);
  free(secrets);
}

static void append_signature(const struct secret *secret, const struct buffer *content, struct buffer *ret)
{
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ASSERT(HMAC(EVP_sha256(), secret->bytes, (int)secret->size, (const unsigned char *)content->data, content->size,
              digest, &size));
  buffer_puts(ret, ret->size ? " v1," : "v1,");
  base64_encode(digest, size, ret);
}

void secrets_sign(const struct secrets *secrets, const char *id, int64_t timestamp_s, const void *body, size_t size,
                  struct buffer *ret)
{
  CLEANUP_BUFFER struct buffer content = {0}, signatures = {0};
  buffer_printf(&content, "%s.%" PRId64 ".", id, timestamp_s);
  buffer_append(&content, body, size);
  for (unsigned i = 0; i < secrets->count; i++)
    append_signature(&secrets->items[i], &content, &signatures);
  buffer_append(ret, signatures.data, signatures.size);
}
