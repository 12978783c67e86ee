#include "api/access/secret.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

static_assert(STORE_DIGEST_SIZE == SHA256_DIGEST_LENGTH, "the store keeps a SHA-256");

bool secret_make(char ret[static SECRET_SIZE], struct error *error)
{
  unsigned char random[SECRET_BYTES];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return error_errno(error, "getrandom");
  int used = snprintf(ret, SECRET_SIZE, "%s", SECRET_PREFIX);
  for (size_t i = 0; i < sizeof random; i++)
    used += snprintf(ret + used, SECRET_SIZE - (size_t)used, "%02x", random[i]);
  OPENSSL_cleanse(random, sizeof random);
  return true;
}

void secret_digest(const char *secret, unsigned char ret[static STORE_DIGEST_SIZE])
{
  SHA256((const unsigned char *)secret, strlen(secret), ret);
}

bool secret_digests_equal(const unsigned char a[static STORE_DIGEST_SIZE],
                          const unsigned char b[static STORE_DIGEST_SIZE])
{
  return CRYPTO_memcmp(a, b, STORE_DIGEST_SIZE) == 0;
}

const char *secret_of_field(const char *field)
{
  static const char scheme[] = "Bearer";
  size_t length = strlen(scheme);
  if (!field || strncasecmp(field, scheme, length) != 0 || (field[length] && field[length] != ' '))
    return NULL;
  return field + length + strspn(field + length, " ");
}
