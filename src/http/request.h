#pragma once

/*
 * A request as the parser leaves it, and what server.h reads from it. Pure: it knows no socket but for a pointer that
 * connection.c sets and clears.
 *
 * All strings stand one after another in `text`, each with its NUL. They are kept as offsets, because the buffer moves
 * while it grows; by the time a handler sees the request it grows no more.
 */

#include "base/buffer.h"
#include "http/refusal.h"
#include "http/server.h"

#include <stdbool.h>

struct connection;

struct text_pair {
  uint32_t name, value; /* offsets into `text` */
};

struct text_pairs {
  struct text_pair *items;
  size_t count, capacity;
};

struct http_request {
  struct buffer text;
  const char *method;
  uint32_t target, path; /* offsets into `text`: as sent, and decoded */
  struct text_pairs fields, parameters;
  bool keep_alive;
  bool takes_chunks;   /* HTTP/1.1 */
  bool wants_continue; /* Expect: 100-continue */
  struct buffer body;
  bool is_from_unix;
  bool is_streamed;    /* the handler takes the body as it comes (server.h) */
  bool body_has_ended; /* nothing more of it comes */
  size_t body_room;    /* streamed: as much is read ahead of the handler */
  void (*arrived)(void *context);
  void *arrived_context;

  struct connection *connection; /* NULL once the client has left */
  size_t body_bytes_counted;     /* what the server has on its account for `body` */
  void (*gone)(void *context);
  void *gone_context;
};

struct http_request *request_create(void);
void request_destroy(struct http_request *request);

/* Building: a pair is opened with both offsets at the end of the text; what is appended to the text then is its name.
 */
struct text_pair *request_open_pair(struct http_request *request, struct text_pairs *pairs);
const char *request_text(const struct http_request *request, uint32_t offset);

/* How often a header field is there. */
unsigned request_field_count(const struct http_request *request, const char *name);

/* Splits and decodes `target` into path and parameters. */
enum refusal request_decode_target(struct http_request *request);
