/*
 * Theory of operation
 *
 * llhttp knows the grammar of HTTP/1.1 and is the parser; but it forgives things that other programs read differently,
 * and such differences are how requests are smuggled. So it is given nothing raw. Whatever has lines (the head, the
 * sizes of chunks, trailers) is gathered line by line, and a line reaches llhttp only once it is whole, ends with CR
 * LF, holds no control character, and has passed the check for lines of its kind (line_rules). Only then do llhttp's
 * callbacks store what it found. When the head is whole, head_rules judge it as a whole. Data, whose length the head or
 * a chunk's size has told, goes straight through.
 *
 * Since every line is fed whole, the outcome cannot depend on how the network has cut the bytes.
 */

#include "http/parser.h"

#include "base/memory.h"
#include "base/number.h"

#include <string.h>
#include <strings.h>

static int parser_refuse(struct http_parser *parser, enum refusal refusal)
{
  parser->refusal = refusal;
  parser->state = PARSE_REFUSED;
  return -1; /* what a callback returns to make llhttp stop */
}

/* Lines. */

static bool is_token_char(char c)
{
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_length(const char *text)
{
  size_t length = 0;
  while (is_token_char(text[length]))
    length++;
  return length;
}

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* METHOD SP TARGET SP HTTP/d.d, with single spaces. A line that ends after the target is HTTP/0.9. */
static enum refusal check_request_line(const char *line)
{
  size_t method = token_length(line);
  if (method == 0 || line[method] != ' ')
    return REFUSAL_REQUEST_LINE;
  if (strncmp(line, "CONNECT ", 8) == 0)
    return REFUSAL_METHOD;
  const char *target = line + method + 1;
  const char *end = target;
  while (*end > ' ' && *end <= '~')
    end++;
  if (end == target || (*end && *end != ' '))
    return REFUSAL_REQUEST_LINE;
  if (!*end)
    return REFUSAL_VERSION;
  const char *version = end + 1;
  if (strncmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) || version[6] != '.' || !is_digit(version[7]) ||
      version[8])
    return REFUSAL_REQUEST_LINE;
  bool is_spoken = version[5] == '1' && (version[7] == '0' || version[7] == '1');
  return is_spoken ? REFUSAL_NONE : REFUSAL_VERSION;
}

static enum refusal check_field_line(const char *line)
{
  if (!*line)
    return REFUSAL_NONE; /* the end of the head, or of the trailer */
  if (*line == ' ' || *line == '\t')
    return REFUSAL_OBS_FOLD;
  size_t name = token_length(line);
  return name && line[name] == ':' ? REFUSAL_NONE : REFUSAL_FIELD;
}

static enum refusal check_chunk_size_line(const char *line)
{
  size_t digits = strspn(line, "0123456789abcdefABCDEF");
  bool is_size = digits >= 1 && digits <= 16 && (line[digits] == 0 || line[digits] == ';');
  return is_size ? REFUSAL_NONE : REFUSAL_CHUNK;
}

static enum refusal check_chunk_end_line(const char *line)
{
  return *line ? REFUSAL_CHUNK : REFUSAL_NONE;
}

/* `next` is what follows unless a callback of llhttp knows better. */
static const struct line_rule {
  enum refusal (*check)(const char *line);
  enum refusal too_long;
  enum line_kind next;
} line_rules[] = {
  [LINE_REQUEST] = {check_request_line, REFUSAL_HEAD_TOO_LARGE, LINE_FIELD},
  [LINE_FIELD] = {check_field_line, REFUSAL_HEAD_TOO_LARGE, LINE_FIELD},
  [LINE_CHUNK_SIZE] = {check_chunk_size_line, REFUSAL_CHUNK, LINE_CHUNK_END},
  [LINE_CHUNK_END] = {check_chunk_end_line, REFUSAL_CHUNK, LINE_CHUNK_SIZE},
  [LINE_TRAILER] = {check_field_line, REFUSAL_HEAD_TOO_LARGE, LINE_TRAILER},
};

/* The head as a whole. */

static bool is_host_char(char c)
{
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c && strchr("-._~!$&'()*+,;=%:[]", c));
}

static enum refusal check_host(const struct http_parser *parser)
{
  unsigned count = request_field_count(parser->request, "Host");
  if (count > 1)
    return REFUSAL_HOST_REPEATED;
  if (count == 0)
    return parser->llhttp.http_minor == 0 ? REFUSAL_NONE : REFUSAL_HOST_MISSING;
  for (const char *c = http_header(parser->request, "Host"); *c; c++)
    if (!is_host_char(*c))
      return REFUSAL_HOST;
  return REFUSAL_NONE;
}

static enum refusal check_target(const struct http_parser *parser)
{
  return request_decode_target(parser->request);
}

/* No fault: the target and the method tell how long the body may be. */
static enum refusal check_streamed(const struct http_parser *parser)
{
  const struct parser_limits *limits = &parser->limits;
  parser->request->is_streamed = limits->is_streamed && limits->is_streamed(limits->context, parser->request);
  return REFUSAL_NONE;
}

static uint64_t body_bytes_max(const struct http_parser *parser)
{
  return parser->request->is_streamed ? parser->limits.streamed_bytes_max : parser->limits.body_bytes_max;
}

/* Exactly one way to know where the body ends (RFC 9112, section 6.3). */
static enum refusal check_body_length(const struct http_parser *parser)
{
  const struct http_request *request = parser->request;
  unsigned lengths = request_field_count(request, "Content-Length");
  unsigned codings = request_field_count(request, "Transfer-Encoding");
  if (lengths > 1 || (lengths && codings))
    return REFUSAL_CONTENT_LENGTH;
  uint64_t length = 0;
  if (lengths && !parse_u64_text(http_header(request, "Content-Length"), UINT64_MAX, &length))
    return REFUSAL_CONTENT_LENGTH;
  if (codings && parser->llhttp.http_minor == 0)
    return REFUSAL_TRANSFER_CODING_HTTP_1_0;
  if (codings && (codings > 1 || strcasecmp(http_header(request, "Transfer-Encoding"), "chunked") != 0))
    return REFUSAL_TRANSFER_CODING;
  return length > body_bytes_max(parser) ? REFUSAL_BODY_TOO_LARGE : REFUSAL_NONE;
}

static enum refusal check_expectation(const struct http_parser *parser)
{
  const char *expectation = http_header(parser->request, "Expect");
  return !expectation || strcasecmp(expectation, "100-continue") == 0 ? REFUSAL_NONE : REFUSAL_EXPECTATION;
}

static enum refusal (*const head_rules[])(const struct http_parser *parser) = {
  check_host, check_target, check_streamed, check_body_length, check_expectation,
};

/* What llhttp finds. Every span may come in several pieces. */

static int on_url(llhttp_t *llhttp, const char *at, size_t length)
{
  struct http_parser *parser = llhttp->data;
  buffer_append(&parser->request->text, at, length);
  return 0;
}

static int on_url_complete(llhttp_t *llhttp)
{
  struct http_parser *parser = llhttp->data;
  buffer_append(&parser->request->text, "", 1);
  return 0;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t length)
{
  struct http_parser *parser = llhttp->data;
  struct http_request *request = parser->request;
  if (!parser->in_name) {
    if (request->fields.count == FIELDS_MAX)
      return parser_refuse(parser, REFUSAL_FIELDS_TOO_MANY);
    request_open_pair(request, &request->fields);
    parser->in_name = true;
  }
  buffer_append(&request->text, at, length);
  return 0;
}

static int on_header_field_complete(llhttp_t *llhttp)
{
  struct http_parser *parser = llhttp->data;
  struct http_request *request = parser->request;
  buffer_append(&request->text, "", 1);
  request->fields.items[request->fields.count - 1].value = (uint32_t)request->text.size;
  parser->in_name = false;
  return 0;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t length)
{
  struct http_parser *parser = llhttp->data;
  buffer_append(&parser->request->text, at, length);
  return 0;
}

static int on_header_value_complete(llhttp_t *llhttp)
{
  struct http_parser *parser = llhttp->data;
  struct http_request *request = parser->request;
  struct buffer *text = &request->text;
  size_t start = request->fields.items[request->fields.count - 1].value;
  while (text->size > start && (text->data[text->size - 1] == ' ' || text->data[text->size - 1] == '\t'))
    text->size--;
  buffer_append(text, "", 1);
  return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
  struct http_parser *parser = llhttp->data;
  struct http_request *request = parser->request;
  request->method = llhttp_method_name((llhttp_method_t)llhttp->method);
  for (size_t i = 0; i < sizeof head_rules / sizeof *head_rules; i++) {
    enum refusal refusal = head_rules[i](parser);
    if (refusal)
      return parser_refuse(parser, refusal);
  }
  /* Upgrade is optional to heed (RFC 9110, section 7.8); llhttp would take what follows for another protocol. */
  llhttp->upgrade = 0;
  bool chunked = llhttp->flags & F_CHUNKED;
  bool has_body = chunked || llhttp->content_length > 0;
  bool is_http_1_0 = llhttp->http_minor == 0;
  request->takes_chunks = !is_http_1_0;
  request->keep_alive = !is_http_1_0 && llhttp_should_keep_alive(llhttp);
  request->wants_continue = !is_http_1_0 && has_body && http_header(request, "Expect");
  parser->state = PARSE_BODY;
  if (chunked) {
    parser->expected = LINE_CHUNK_SIZE;
    parser->line_bytes_left = CHUNK_LINE_BYTES_MAX;
  } else {
    parser->data_bytes_left = llhttp->content_length;
  }
  return 0;
}

static int on_chunk_header(llhttp_t *llhttp)
{
  struct http_parser *parser = llhttp->data;
  uint64_t length = llhttp->content_length;
  if (length > body_bytes_max(parser) - parser->body_bytes)
    return parser_refuse(parser, REFUSAL_BODY_TOO_LARGE);
  parser->data_bytes_left = length;
  parser->expected = length ? LINE_CHUNK_END : LINE_TRAILER;
  parser->line_bytes_left = length ? strlen("\r\n") + CHUNK_LINE_BYTES_MAX : parser->limits.head_bytes_max;
  return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t length)
{
  struct http_parser *parser = llhttp->data;
  parser->body_bytes += length;
  return buffer_try_append(&parser->request->body, at, length) ? 0 : parser_refuse(parser, REFUSAL_NO_MEMORY);
}

static int on_message_complete(llhttp_t *llhttp)
{
  struct http_parser *parser = llhttp->data;
  parser->state = PARSE_COMPLETE;
  return 0;
}

static const llhttp_settings_t settings = {
  .on_url = on_url,
  .on_url_complete = on_url_complete,
  .on_header_field = on_header_field,
  .on_header_field_complete = on_header_field_complete,
  .on_header_value = on_header_value,
  .on_header_value_complete = on_header_value_complete,
  .on_headers_complete = on_headers_complete,
  .on_chunk_header = on_chunk_header,
  .on_body = on_body,
  .on_message_complete = on_message_complete,
};

static enum refusal refusal_of_llhttp(llhttp_errno_t code)
{
  switch (code) {
  case HPE_INVALID_METHOD:
    return REFUSAL_METHOD;
  case HPE_INVALID_URL:
    return REFUSAL_TARGET;
  case HPE_INVALID_CONTENT_LENGTH:
  case HPE_UNEXPECTED_CONTENT_LENGTH:
    return REFUSAL_CONTENT_LENGTH;
  case HPE_INVALID_CHUNK_SIZE:
    return REFUSAL_CHUNK;
  default:
    return REFUSAL_SYNTAX;
  }
}

static void parser_execute(struct http_parser *parser, const char *data, size_t size)
{
  llhttp_errno_t code = llhttp_execute(&parser->llhttp, data, size);
  if (code != HPE_OK && parser->state != PARSE_REFUSED)
    parser_refuse(parser, refusal_of_llhttp(code));
}

/* Feeding. */

/* The first fault among the bytes of a line, of which `before` is the byte that came ahead of them (0: none). */
static enum refusal check_line_bytes(char before, const char *data, size_t size)
{
  for (size_t i = 0; i < size; before = data[i++]) {
    unsigned char c = (unsigned char)data[i];
    if (before == '\r' && c != '\n')
      return REFUSAL_BARE_CR;
    if (c == '\n' && before != '\r')
      return REFUSAL_BARE_LF;
    if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
      return REFUSAL_CONTROL_CHARACTER;
  }
  return REFUSAL_NONE;
}

/* Nobody reads trailer fields and chunk extensions, so they are checked, and then kept from llhttp. */
static bool is_for_llhttp(enum line_kind kind, size_t length)
{
  return kind != LINE_TRAILER || length == 0;
}

static size_t length_for_llhttp(enum line_kind kind, const char *line, size_t length)
{
  return kind == LINE_CHUNK_SIZE ? strcspn(line, ";") : length;
}

static void parser_take_line(struct http_parser *parser)
{
  struct buffer *line = &parser->line;
  enum line_kind kind = parser->expected;
  size_t length = line->size - strlen("\r\n");
  line->data[length] = 0;
  if (kind == LINE_REQUEST && length == 0) {
    buffer_clear(line); /* RFC 9112, section 2.2: an empty line before the request line is passed over */
    return;
  }
  enum refusal refusal = line_rules[kind].check(line->data);
  if (refusal) {
    parser_refuse(parser, refusal);
    return;
  }
  parser->expected = line_rules[kind].next;
  if (is_for_llhttp(kind, length)) {
    length = length_for_llhttp(kind, line->data, length);
    memcpy(line->data + length, "\r\n", 2);
    parser_execute(parser, line->data, length + 2);
  }
  buffer_clear(line);
}

static size_t parser_feed_line(struct http_parser *parser, const char *data, size_t size)
{
  struct buffer *line = &parser->line;
  const char *end = memchr(data, '\n', size);
  size_t wanted = end ? (size_t)(end - data) + 1 : size;
  size_t length = wanted < parser->line_bytes_left ? wanted : parser->line_bytes_left;
  enum refusal refusal = check_line_bytes(line->size ? line->data[line->size - 1] : 0, data, length);
  if (!refusal && length < wanted)
    refusal = line_rules[parser->expected].too_long;
  if (refusal) {
    parser_refuse(parser, refusal);
    return length;
  }
  buffer_append(line, data, length);
  parser->line_bytes_left -= length;
  if (end)
    parser_take_line(parser);
  return length;
}

static size_t parser_feed_data(struct http_parser *parser, const char *data, size_t size)
{
  size_t length = size < parser->data_bytes_left ? size : (size_t)parser->data_bytes_left;
  parser->data_bytes_left -= length;
  parser_execute(parser, data, length);
  return length;
}

size_t parser_feed(struct http_parser *parser, const char *data, size_t size)
{
  size_t used = 0;
  while (used < size && (parser->state == PARSE_HEAD || parser->state == PARSE_BODY))
    used += parser->data_bytes_left ? parser_feed_data(parser, data + used, size - used)
                                    : parser_feed_line(parser, data + used, size - used);
  return used;
}

void parser_init(struct http_parser *parser, const struct parser_limits *limits, struct http_request *request)
{
  *parser = (struct http_parser){
    .limits = *limits,
    .request = request,
    .expected = LINE_REQUEST,
    .line_bytes_left = limits->head_bytes_max,
  };
  llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
  parser->llhttp.data = parser;
}

void parser_release(struct http_parser *parser)
{
  buffer_release(&parser->line);
  parser->request = 0;
}
