#pragma once

/*
 * An HTTP/1.1 server on llhttp and libuv. It knows nothing of evaluations.
 *
 * What llhttp lets through is refused here: missing or doubled Host, obs-fold, space before a colon, both Content-Length
 * and Transfer-Encoding, doubled Content-Length, bare LF, control characters. Head and body have deadlines and limits;
 * connections are counted. One request of a connection is handled at a time; pipelined ones wait, unread.
 *
 * A request lives from the handler's call until it is answered, or until its client has left, whichever is later: then
 * `gone` was called (if set) and http_respond() only frees it. Every request must be answered exactly once. One thread.
 */

#include "base/buffer.h"
#include "base/error.h"

#include <uv.h>

struct http_server;
struct http_request;

typedef void http_handler(void *context, struct http_request *request);

struct http_limits {
  unsigned connections_max;   /* 0: default, as for all of these */
  unsigned head_bytes_max, head_ms_max;
  uint64_t body_bytes_max;
  unsigned body_ms_max;       /* without any progress */
  unsigned idle_ms_max;       /* kept alive without a request */
  unsigned write_ms_max;      /* a response without any progress */
};

struct http_server *http_server_create(uv_loop_t *loop, const struct http_limits *limits, http_handler *handler,
                                       void *context);
/* "127.0.0.1:7117", "[::1]:0", "unix:/path". A stale Unix socket is replaced, a live one is an error. The name of what is listened on, with the real port,
 * is written to `ret_address`. */
bool http_server_listen(struct http_server *server, const char *address, char ret_address[static 256],
                        struct error *error);
void http_server_stop_listening(struct http_server *server);
/* Closes everything. The loop must run on for the handles to close; then `closed` is called, and the server is freed. */
void http_server_destroy(struct http_server *server, void (*closed)(void *context), void *context);

/* The request. Strings live as long as it does. */
const char *http_method(const struct http_request *request);
const char *http_path(const struct http_request *request);  /* percent-decoded, no query; no NUL in it */
/* The decoded value of a query parameter, or NULL. A repeated one gives its first. */
const char *http_query(const struct http_request *request, const char *name);
/* Calls `each` for all query parameters in order. */
void http_query_each(const struct http_request *request, void (*each)(void *context, const char *name, const char *value),
                     void *context);
const char *http_header(const struct http_request *request, const char *name); /* any case; NULL: absent */
const void *http_body(const struct http_request *request, size_t *ret_size);
void http_on_gone(struct http_request *request, void (*gone)(void *context), void *context); /* NULL: no longer */

/* Answers. Content-Length, Date, Connection and the security headers (nosniff, …) are added; HEAD sends no body. */
struct http_header_field {
  const char *name, *value;
};
struct http_response {
  int status;
  const char *content_type;              /* NULL: no body */
  const struct http_header_field *fields; /* ends with a NULL name; or NULL */
};
/* `body` is copied out or taken over before this returns: it is empty afterwards. NULL: empty. */
void http_respond(struct http_request *request, const struct http_response *response, struct buffer *body);
/* `length` bytes of the file from `offset`; takes `fd`. Read in pieces as the client takes them. */
void http_respond_file(struct http_request *request, const struct http_response *response, int fd, uint64_t offset,
                       uint64_t length);
/* RFC 9457 application/problem+json for an error; `detail` is its message. */
void http_respond_error(struct http_request *request, const struct error *error);

struct http_server_counts {
  uint64_t connections, requests; /* since the start */
  unsigned open;
};
struct http_server_counts http_server_count(const struct http_server *server);
