#pragma once

/*
 * Bytes into a request. Pure: no clock, no socket, so that it can be fuzzed and fed in any pieces; how the bytes are
 * cut never changes the outcome.
 *
 * parser_init(), then parser_feed() with whatever arrives, until the state is PARSE_COMPLETE or PARSE_REFUSED. Bytes
 * beyond the end of the request are left to the caller: they belong to the next one. parser_release() gives back memory
 * in any state; the request belongs to the caller.
 */

#include "http/request.h"

#include <llhttp.h>

enum parse_state { PARSE_HEAD, PARSE_BODY, PARSE_COMPLETE, PARSE_REFUSED };

struct parser_limits {
  size_t head_bytes_max; /* request line and header fields; trailer fields again as much */
  uint64_t body_bytes_max;
  /* Which requests have bodies that are taken as they come, and how large those may be. NULL: none. */
  bool (*is_streamed)(void *context, const struct http_request *request);
  uint64_t streamed_bytes_max;
  void *context; /* of is_streamed */
};

enum { FIELDS_MAX = 100 };
enum { CHUNK_LINE_BYTES_MAX = 256 }; /* a chunk's size with its extensions */

enum line_kind { LINE_REQUEST, LINE_FIELD, LINE_CHUNK_SIZE, LINE_CHUNK_END, LINE_TRAILER };

struct http_parser {
  llhttp_t llhttp;
  struct parser_limits limits;
  struct http_request *request;
  enum parse_state state;
  enum refusal refusal;

  enum line_kind expected;  /* the line that comes next, or after the data */
  struct buffer line;       /* what there is of it */
  size_t line_bytes_left;   /* how much more there may be of lines of this kind */
  uint64_t data_bytes_left; /* of the body or of a chunk, before the next line */
  uint64_t body_bytes;      /* that have come of it */
  bool in_name;             /* of a header field */
};

void parser_init(struct http_parser *parser, const struct parser_limits *limits, struct http_request *request);
void parser_release(struct http_parser *parser);

/* Returns how many bytes it took: all, unless the request ended before or was refused. */
size_t parser_feed(struct http_parser *parser, const char *data, size_t size);
