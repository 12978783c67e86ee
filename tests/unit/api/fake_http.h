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
  struct buffer body;
  void (*gone)(void *context);
  void *gone_context;

  unsigned answers;
  int status;
  char content_type[64];
  struct fake_pair answer_field[FAKE_PAIRS_MAX];
  size_t answer_field_count;
  struct buffer answer;
};

/* "/path?name=value&…", nothing percent-encoded */
struct http_request *fake_request(const char *method, const char *target);
void fake_request_header(struct http_request *request, const char *name, const char *value);
void fake_request_body(struct http_request *request, const char *text);
void fake_request_leave(struct http_request *request); /* the client hangs up */
void fake_request_destroy(struct http_request *request);

const char *fake_answer_field(const struct http_request *request, const char *name); /* NULL: not there */
bool fake_answer_contains(const struct http_request *request, const char *text);
