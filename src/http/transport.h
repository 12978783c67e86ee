#pragma once

/*
 * Between a connection and its socket: the bytes as they are, or inside of TLS. reader.c, writer.c and stream.c know no
 * difference: they give and get what client and server mean.
 *
 * With TLS nothing is ever written by trying: all that is given is sealed at once, and waits in libuv's queue. What a
 * handshake or an alert has to say goes the same way, so that the order is that in which it was sealed.
 */

#include "http/server_impl.h"

/* As uv_try_write(); UV_EAGAIN where it cannot be tried. */
int transport_try_write(struct connection *connection, const uv_buf_t *parts, unsigned count);
/* As uv_write() with the connection's own request, whose `data` is the connection. 0, or a negative error. */
int transport_write(struct connection *connection, const uv_buf_t *parts, unsigned count, uv_write_cb written);
/* A few bytes beside the answers, if they can be had at once. False: the connection is of no use any more. */
bool transport_write_beside(struct connection *connection, const char *text);
/* Says that nothing more comes, as far as that can be had at once. */
void transport_write_end(struct connection *connection);

/* TLS: opens what the socket had, in place of the reader's bytes: hands it to `take`, as often as there is something. `end` once
 * the client has said that nothing more comes. Closes the connection where the client does not speak TLS as we do. */
void transport_receive(struct connection *connection, const char *data, size_t size,
                       void (*take)(struct connection *connection, const char *data, size_t size),
                       void (*end)(struct connection *connection));
