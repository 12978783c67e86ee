/*
 * The request parser, fed with whatever comes. Besides what the sanitizers see, these must hold:
 *
 * - how the bytes are cut does not matter: whole and in pieces, the outcome is the same;
 * - what is taken has exactly one Host (or is HTTP/1.0) and one way to tell where its body ends;
 * - limits are kept.
 */

#include "base/error.h"
#include "http/parser.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct parser_limits limits = {.head_bytes_max = 2048, .body_bytes_max = 4096};

struct outcome {
  enum parse_state state;
  enum refusal refusal;
  size_t used;
  struct http_request *request;
};

/* The sizes of the pieces follow from `seed`, so that an input always does the same; 0 is one piece. */
static size_t next_piece(uint32_t *seed, size_t left)
{
  if (*seed == 0)
    return left;
  *seed = *seed * 1664525 + 1013904223;
  size_t piece = 1 + (*seed >> 24) % 32;
  return piece < left ? piece : left;
}

static struct outcome parse(const char *bytes, size_t size, uint32_t seed)
{
  struct outcome outcome = {.request = request_create()};
  struct http_parser parser;
  parser_init(&parser, &limits, outcome.request);
  while (outcome.used < size && parser.state != PARSE_COMPLETE && parser.state != PARSE_REFUSED) {
    size_t piece = next_piece(&seed, size - outcome.used);
    size_t used = parser_feed(&parser, bytes + outcome.used, piece);
    ASSERT(used <= piece);
    ASSERT(used == piece || parser.state == PARSE_COMPLETE || parser.state == PARSE_REFUSED);
    outcome.used += used;
  }
  outcome.state = parser.state;
  outcome.refusal = parser.refusal;
  parser_release(&parser);
  return outcome;
}

static void check_equal(const struct outcome *whole, const struct outcome *pieces)
{
  ASSERT(whole->state == pieces->state);
  ASSERT(whole->refusal == pieces->refusal);
  ASSERT(whole->used == pieces->used || whole->state == PARSE_REFUSED); /* how far it had read does not matter then */
  ASSERT(whole->request->text.size == pieces->request->text.size);
  ASSERT(whole->request->body.size == pieces->request->body.size);
  if (whole->request->text.size)
    ASSERT(memcmp(whole->request->text.data, pieces->request->text.data, whole->request->text.size) == 0);
  if (whole->request->body.size)
    ASSERT(memcmp(whole->request->body.data, pieces->request->body.data, whole->request->body.size) == 0);
}

static void check_taken(const struct http_request *request)
{
  ASSERT(request->body.size <= limits.body_bytes_max);
  ASSERT(request->fields.count <= FIELDS_MAX);
  ASSERT(request_field_count(request, "Host") <= 1);
  ASSERT(request_field_count(request, "Host") == 1 || !request->keep_alive);
  ASSERT(request_field_count(request, "Content-Length") + request_field_count(request, "Transfer-Encoding") <= 1);
  const char *path = http_path(request);
  ASSERT(*path == '/' || strcmp(path, "*") == 0);
  ASSERT(strcmp(http_method(request), "CONNECT") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const char *bytes = (const char *)data;
  bool goes_on = true;
  while (goes_on && size > 0) {
    struct outcome whole = parse(bytes, size, 0);
    struct outcome pieces = parse(bytes, size, (uint32_t)size);
    check_equal(&whole, &pieces);
    goes_on = whole.state == PARSE_COMPLETE; /* then the next, pipelined one */
    if (goes_on)
      check_taken(whole.request);
    bytes += whole.used;
    size -= whole.used;
    request_destroy(whole.request);
    request_destroy(pieces.request);
  }
  return 0;
}
