#pragma once

/*
 * An HTTP/1.1 server on llhttp and libuv. It knows nothing of evaluations.
 *
 * What llhttp lets through is refused here: missing or doubled Host, obs-fold, space before a colon, both
 * Content-Length and Transfer-Encoding, doubled Content-Length, bare LF, control characters. Head and body have
 * deadlines and limits; connections are counted. One request of a connection is handled at a time; pipelined ones wait.
 * What is refused is answered with a problem document by the server itself (refusal.h), and the connection is closed.
 *
 * A request lives from the handler's call until it is answered, or until its client has left, whichever is later: then
 * `gone` was called (if set) and http_respond() only frees it. Every request must be answered exactly once. One thread.
 */

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"

#include <uv.h>

struct http_server;
struct http_request;

typedef void http_handler(void *context, struct http_request *request);

#define BODIES_BYTES_MAX MIB(512)

/* type, name, default. A limit that is 0 has its default. */
#define HTTP_LIMITS(X)                                                                                                    \
  /* Open at once. For one more, the one whose request has been waited for longest is closed; it is told 503 only where \
     all have their requests in. Never more than RLIMIT_NOFILE leaves beside the rest of the process. */ \
  X(unsigned, connections_max, 10000)                                                                                     \
  /* Of TLS, from the connection's beginning to its end. */                                                               \
  X(unsigned, handshake_ms_max, 10 * 1000)                                                                                \
  X(unsigned, head_bytes_max, 16 * 1024)                                                                                  \
  /* From its first byte to its last. */                                                                                  \
  X(unsigned, head_ms_max, 10 * 1000)                                                                                     \
  X(uint64_t, body_bytes_max, BODY_BYTES_MAX)                                                                             \
  /* Without any progress. */                                                                                             \
  X(unsigned, body_ms_max, 30 * 1000)                                                                                     \
  /* All bodies together that are arriving or being handled; more are told 503. */                                        \
  X(uint64_t, bodies_bytes_max, BODIES_BYTES_MAX)                                                                         \
  /* Open without a request. */                                                                                           \
  X(unsigned, idle_ms_max, 75 * 1000)                                                                                     \
  /* Of an answer, without any progress. */                                                                               \
  X(unsigned, write_ms_max, 30 * 1000)

struct http_limits {
#define X(type, name, by_default) type name;
  HTTP_LIMITS(X)
#undef X
};

/* `limits` may be NULL. */
struct http_server *http_server_create(uv_loop_t *loop, const struct http_limits *limits, http_handler *handler,
                                       void *context);
/*
 * "127.0.0.1:7117", "[::1]:0", "localhost:7117" (which is 127.0.0.1), "unix:/path" (mode: see below). A stale Unix socket is
 * replaced, a live one is an error. The name of what is listened on, with the real port, is written to `ret_address`.
 */
bool http_server_listen(struct http_server *server, const char *address, char ret_address[static 256],
                        struct error *error);
/* Listens on a socket that somebody else bound and listens on already, such as a supervisor; takes `fd`, also when it
 * fails. A Unix socket's file stays whoever's it is. */
bool http_server_adopt(struct http_server *server, int fd, char ret_address[static 256], struct error *error);
/* The mode of the files of Unix sockets that are listened on from now on; 0600 before. */
void http_server_set_socket_mode(struct http_server *server, mode_t mode);
/* TCP connections are TLS from now on, with this certificate chain and its key (PEM files). */
bool http_server_set_tls(struct http_server *server, const char *certificate_path, const char *key_path,
                         struct error *error);
/* Open connections stay, but each answer from now on asks its client to close. */
void http_server_stop_listening(struct http_server *server);
/* Closes everything; requests that are being handled are told `gone`. The loop must run on for the handles to close;
 * then `closed` is called, and the server is freed. */
void http_server_destroy(struct http_server *server, void (*closed)(void *context), void *context);

/* The request. Strings live as long as it does. */
const char *http_method(const struct http_request *request);
const char *http_path(const struct http_request *request); /* percent-decoded, no query; no NUL in it */
/* The decoded value of a query parameter, or NULL. A repeated one gives its first. */
const char *http_query(const struct http_request *request, const char *name);
/* Calls `each` for all query parameters in order. */
void http_query_each(const struct http_request *request,
                     void (*each)(void *context, const char *name, const char *value), void *context);
const char *http_header(const struct http_request *request, const char *name); /* any case; NULL: absent */
/* Calls `each` for every field of this name, in order. */
void http_header_each(const struct http_request *request, const char *name,
                      void (*each)(void *context, const char *value), void *context);
/* Whether it came over a Unix socket, and so from somebody whom the socket's mode lets in. */
bool http_is_from_unix(const struct http_request *request);
/* Who it came from, for a log: the address of a TCP client, or "unix". */
enum { HTTP_PEER_SIZE = 64 };
void http_peer(const struct http_request *request, char ret[static HTTP_PEER_SIZE]);
const void *http_body(const struct http_request *request, size_t *ret_size);
/*
 * A body that is taken as it comes, for requests that may be larger than memory: of those that `is_streamed` says (with
 * the handler's context), the handler is called as soon as the head is there. http_body() is what has come and was not consumed; `arrived` is told of
 * more, and of the end. Only so much is read ahead of the handler: what it does not consume waits with the client, for as
 * long as the handler likes, and http_body_read_on() asks for more than is there because that is not enough. An answer
 * before the end closes the connection. A body that ends early, or is malformed, is a client that has left.
 */
void http_server_stream_bodies(struct http_server *server,
                               bool (*is_streamed)(void *context, const struct http_request *request),
                               uint64_t body_bytes_max);
void http_body_on_arrival(struct http_request *request, void (*arrived)(void *context), void *context);
bool http_body_has_ended(const struct http_request *request);
void http_body_consume(struct http_request *request, size_t size); /* bytes from the front */
void http_body_read_on(struct http_request *request);
/* Frees the body early, for a request that will wait long for its answer. http_body() is empty from then on. */
void http_body_release(struct http_request *request);
/*
 * Calls `gone` once the client has left before its answer: before this returns, if it has left already. NULL: no
 * longer. A client that closes only its sending side (as nc -N does) has left too: it cannot be told from one that is
 * gone.
 */
void http_on_gone(struct http_request *request, void (*gone)(void *context), void *context);

/* Its answer is the last one of its connection. */
void http_close_after(struct http_request *request);

/*
 * Answers. Content-Length, Date and Connection are added, and must not be among `fields`. X-Content-Type-Options,
 * Cache-Control: no-store and Content-Security-Policy are added unless `fields` has them. HEAD sends no body.
 */
struct http_header_field {
  const char *name, *value;
};
struct http_response {
  int status;
  const char *content_type;               /* NULL: no body */
  const struct http_header_field *fields; /* ends with a NULL name; or NULL */
};
/* `body` is copied out or taken over before this returns: it is empty afterwards. NULL: empty. */
void http_respond(struct http_request *request, const struct http_response *response, struct buffer *body);
/*
 * `length` bytes of the file from `offset`; takes `fd`. Read in pieces as the client takes them; a file that turns out
 * shorter closes the connection early, which the client can tell by the Content-Length.
 */
void http_respond_file(struct http_request *request, const struct http_response *response, int fd, uint64_t offset,
                       uint64_t length);
/*
 * An answer whose end is not known yet, given piece by piece: in chunks (RFC 9112, section 7.1), or to a client of
 * HTTP/1.0 until the connection closes. The head is sent at once. One piece at a time is on its way, so that a slow
 * client costs one reference to what others may share; one that takes nothing for write_ms_max is dropped.
 *
 * NULL where there is nobody to stream to (the client has left, or asked with HEAD): the request is answered then.
 * Neither event is ever told from inside the calls below. After `gone`, or http_stream_end(), the stream is no more.
 */
struct http_stream;
struct http_stream_events {
  void (*ready)(void *context); /* what was under way is with the kernel: the next piece may be sent, now or later */
  void (*gone)(void *context);  /* the client has left or was dropped, or the server is being destroyed */
  void *context;
};
struct http_stream *http_respond_stream(struct http_request *request, const struct http_response *response,
                                        const struct http_stream_events *events);
bool http_stream_is_ready(const struct http_stream *stream);
/* Takes a reference. Only when it is ready, and never nothing. Returns whether it is ready again: the kernel has all of
 * the piece, and `ready` will not be told of it. */
bool http_stream_send(struct http_stream *stream, struct blob *piece);
void http_stream_end(struct http_stream *stream); /* once what is under way has arrived */
/* Ends it in the middle: what is under way arrives if it can, and the connection is closed without a last chunk, which
 * tells the client that this is not all. */
void http_stream_cut(struct http_stream *stream);
/* RFC 9457 application/problem+json for an error; `detail` is its message. 429 and 503 get Retry-After: 1. */
void http_respond_error(struct http_request *request, const struct error *error);

struct http_server_counts {
  uint64_t connections, requests; /* since the start */
  unsigned open;                  /* connections */
};
struct http_server_counts http_server_count(const struct http_server *server);
