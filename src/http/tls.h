#pragma once

/*
 * TLS (1.2 and later) of the server's side, in memory: bytes go in and come out, and no socket is touched here. An identity is a
 * certificate chain with its key, shared by all connections. One thread.
 */

#include "base/buffer.h"
#include "base/error.h"

#include <sys/types.h>

struct tls_identity;
struct tls;

/* PEM files; the chain begins with the server's own. NULL: they cannot be read, or do not belong together. */
struct tls_identity *tls_identity_load(const char *certificate_path, const char *key_path, struct error *error);
void tls_identity_destroy(struct tls_identity *identity); /* accepts NULL; connections keep what they use */

struct tls *tls_create(const struct tls_identity *identity);
void tls_destroy(struct tls *tls); /* accepts NULL */

/* What came from the client. Then tls_read() until it gives no more, and what tls_take() has is to be sent. */
void tls_receive(struct tls *tls, const void *data, size_t size);
enum tls_read { TLS_READ, TLS_READ_LATER, TLS_READ_END, TLS_READ_FAILED };
/* TLS_READ: at least one byte of what the client meant. END: it said that nothing more comes. */
enum tls_read tls_read(struct tls *tls, void *bytes, size_t size, size_t *ret_size);
bool tls_is_established(const struct tls *tls); /* the handshake is done */

/* What is meant for the client, and that nothing more comes. Only once established. False: it failed for good. */
bool tls_write(struct tls *tls, const void *data, size_t size);
void tls_write_end(struct tls *tls);

/* What is to be sent to the client: takes all of it to the end of `ret`. False: there is no memory for it. */
bool tls_take(struct tls *tls, struct buffer *ret);
