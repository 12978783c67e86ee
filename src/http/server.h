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

#include <uv.h>

struct http_server;
struct http_request;

typedef void http_handler(void *context, struct http_request *request);

/* type, name, default. A limit that is 0 has its default. */
#define HTTP_LIMITS(X)                                                                                                 \
  /* Open at once; more are told 503. Never more than RLIMIT_NOFILE leaves beside the rest of the process. */          \
  X(unsigned, connections_max, 10000)                                                                                  \
  X(unsigned, head_bytes_max, 16 * 1024)                                                                               \
  /* From its first byte to its last. */                                                                               \
  X(unsigned, head_ms_max, 10 * 1000)                                                                                  \
  X(uint64_t, body_bytes_max, BODY_BYTES_MAX)                                                                          \
  /* Without any progress. */                                                                                          \
  X(unsigned, body_ms_max, 30 * 1000)                                                                                  \
  /* All bodies together that are arriving or being handled; more are told 503. */                                     \
  X(uint64_t, bodies_bytes_max, MIB(512))                                                                              \
  /* Open without a request. */                                                                                        \
  X(unsigned, idle_ms_max, 75 * 1000)                                                                                  \
  /* Of an answer, without any progress. */                                                                            \
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
 * "127.0.0.1:7117", "[::1]:0", "localhost:7117" (which is 127.0.0.1), "unix:/path" (mode 0600). A stale Unix socket is
 * replaced, a live one is an error. The name of what is listened on, with the real port, is written to `ret_address`.
 */
bool http_server_listen(struct http_server *server, const char *address, char ret_address[static 256],
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
const void *http_body(const struct http_request *request, size_t *ret_size);
/* Frees the body early, for a request that will wait long for its answer. http_body() is empty from then on. */
void http_body_release(struct http_request *request);
/*
 * Calls `gone` once the client has left before its answer: before this returns, if it has left already. NULL: no
 * longer. A client that closes only its sending side (as nc -N does) has left too: it cannot be told from one that is
 * gone.
 */
void http_on_gone(struct http_request *request, void (*gone)(void *context), void *context);

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
/* RFC 9457 application/problem+json for an error; `detail` is its message. 429 and 503 get Retry-After: 1. */
void http_respond_error(struct http_request *request, const struct error *error);

struct http_server_counts {
  uint64_t connections, requests; /* since the start */
  unsigned open;                  /* connections */
};
struct http_server_counts http_server_count(const struct http_server *server);
