#pragma once

/*
 * The secret of an access token: "assay_" and 256 random bits. Because it is random and long, one round of SHA-256 is
 * all the hiding that it needs; a slow hash is for what people choose.
 */

#include "base/error.h"
#include "store/store.h"

#define SECRET_PREFIX "assay_"
enum { SECRET_BYTES = 32, SECRET_SIZE = sizeof SECRET_PREFIX + 2 * SECRET_BYTES };

bool secret_make(char ret[static SECRET_SIZE], struct error *error);
void secret_digest(const char *secret, unsigned char ret[static STORE_DIGEST_SIZE]);
/* Takes the same time wherever they differ. */
bool secret_digests_equal(const unsigned char a[static STORE_DIGEST_SIZE],
                          const unsigned char b[static STORE_DIGEST_SIZE]);

/* What stands behind "Bearer" in an Authorization field (RFC 6750, section 2.1); NULL: it is of another scheme, or there
 * is no such field. Borrowed from `field`, which may be NULL. */
const char *secret_of_field(const char *field);
