#pragma once

/*
 * http/server.h without a server: a request is made by hand, and what it is answered with is kept. A request outlives
 * its answer, until fake_request_destroy(), which fails the test if it was not answered exactly once.
 */

#include "base/buffer.h"
#include "http/server.h"

#include <stdbool.h>

enum { FAKE_PAIRS_MAX = 12 };

struct fake_pair {
  char name[64], value[320];
};

struct http_request {
  char method[16], path[256];
  struct fake_pair query[FAKE_PAIRS_MAX], header[FAKE_PAIRS_MAX];
  size_t query_count, header_count;
  bool is_from_tcp; /* and not over a Unix socket */
  struct buffer body;
  bool body_goes_on; /* more of it will arrive */
  void (*arrived)(void *context);
  void *arrived_context;
  void (*gone)(void *context);
  void *gone_context;

  bool closes; /* its answer ends the connection */
  unsigned answers;
  int status;
  char content_type[64];
  struct fake_pair answer_field[FAKE_PAIRS_MAX];
  size_t answer_field_count;
  struct buffer answer;

  /* An answer that is given piece by piece. */
  struct http_stream {
    struct http_request *request;
    struct http_stream_events events;
    bool is_open;         /* neither ended nor left */
    bool is_cut;          /* ended in the middle */
    bool is_full;         /* the client has not taken the last piece */
    unsigned pieces_left; /* that the client takes before it is full; 0: it takes all */
  } stream;
};

/* "/path?name=value&…", nothing percent-encoded */
struct http_request *fake_request(const char *method, const char *target);
void fake_request_header(struct http_request *request, const char *name, const char *value);
void fake_request_body(struct http_request *request, const char *text);
/* More of the body arrives; `last`: the end of it. */
void fake_request_arrives(struct http_request *request, const char *text, bool last);
void fake_request_leave(struct http_request *request); /* the client hangs up */
/* The client of a stream takes what it was given, and so many more pieces. */
void fake_stream_take(struct http_request *request, unsigned pieces);
void fake_request_destroy(struct http_request *request);

const char *fake_answer_field(const struct http_request *request, const char *name); /* NULL: not there */
bool fake_answer_contains(const struct http_request *request, const char *text);
