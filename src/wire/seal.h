#pragma once

/*
 * A record that comes back by a way on which others can write: the termination message of a pod's container is a file that
 * the program may write to as well. So the record is sealed with a key that only the daemon and the attempt's keeper know:
 *
 *     assay-record <base64 of the record's text> <base64 of HMAC-SHA256(key, that text)>
 */

#include "base/buffer.h"
#include "wire/name.h"
#include "wire/record.h"

enum { SEAL_KEY_BYTES = 32 };
/* Whatever the record says: as much as Kubernetes keeps of a termination message. */
enum { SEAL_BYTES_MAX = 4096 };

/* The key of one attempt, from a secret of whoever launches it. */
void seal_key_derive(const void *secret, size_t size, struct name name, unsigned char ret[static SEAL_KEY_BYTES]);

/* One line, without its end. */
void seal_record(const unsigned char key[static SEAL_KEY_BYTES], const struct record *record, struct buffer *ret);
/* False where this was not made with the key, or is no record. A line's end behind it does not matter. `ret` is untouched
 * on failure. */
bool seal_open(const unsigned char key[static SEAL_KEY_BYTES], const char *text, size_t size, struct record *ret,
               struct error *error);
