/*
 * What the parser takes and what it refuses, as two tables. Every row is fed whole, byte by byte and in random pieces:
 * the outcome must be the same.
 */

#include "http/parser.h"

#include "../scarce_memory.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HEAD_BYTES_MAX = 1024, BODY_BYTES_MAX_HERE = 100 };
enum { SPLITS = 50 };

static const struct parser_limits limits = {.head_bytes_max = HEAD_BYTES_MAX, .body_bytes_max = BODY_BYTES_MAX_HERE};

#define TEXT(literal) literal, sizeof(literal) - 1
#define HOST "Host: h\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
#define FIELDS_10 "a:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n"
#define FIELDS_50 FIELDS_10 FIELDS_10 FIELDS_10 FIELDS_10 FIELDS_10

struct malformed {
  const char *name;
  const char *bytes;
  size_t size;
  int status;
};

static const struct malformed malformed[] = {
  /* Where the body ends */
  {"content_length_with_transfer_encoding", TEXT(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
  {"transfer_encoding_with_content_length", TEXT(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), 400},
  {"transfer_encoding_with_content_length_0", TEXT(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
   400},
  {"two_equal_content_lengths", TEXT(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), 400},
  {"two_different_content_lengths", TEXT(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 400},
  {"two_content_lengths_of_zero", TEXT(POST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n"), 400},
  {"content_length_list", TEXT(POST "Content-Length: 5, 5\r\n\r\nhello"), 400},
  {"content_length_with_sign", TEXT(POST "Content-Length: +5\r\n\r\nhello"), 400},
  {"negative_content_length", TEXT(POST "Content-Length: -5\r\n\r\nhello"), 400},
  {"hexadecimal_content_length", TEXT(POST "Content-Length: 0x5\r\n\r\nhello"), 400},
  {"empty_content_length", TEXT(POST "Content-Length:\r\n\r\nhello"), 400},
  {"content_length_in_two_words", TEXT(POST "Content-Length: 1 0\r\n\r\nhello"), 400},
  {"content_length_beyond_64_bits", TEXT(POST "Content-Length: 18446744073709551621\r\n\r\nhello"), 400},
  {"content_length_with_space_before_colon", TEXT(POST "Content-Length : 5\r\n\r\nhello"), 400},
  {"transfer_encoding_gzip", TEXT(POST "Transfer-Encoding: gzip\r\n\r\n"), 501},
  {"transfer_encoding_identity", TEXT(POST "Transfer-Encoding: identity\r\n\r\n"), 501},
  {"transfer_encoding_gzip_chunked", TEXT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501},
  {"transfer_encoding_chunked_last_of_two",
   TEXT(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 501},
  {"transfer_encoding_empty", TEXT(POST "Transfer-Encoding:\r\n\r\n"), 501},
  {"transfer_encoding_xchunked", TEXT(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 501},
  {"transfer_encoding_quoted", TEXT(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"), 501},
  {"transfer_encoding_in_http_1_0", TEXT("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
   400},

  /* Lines */
  {"bare_lf_after_request_line", TEXT("GET / HTTP/1.1\n" HOST "\r\n"), 400},
  {"bare_lf_after_field", TEXT("GET / HTTP/1.1\r\nHost: h\n\r\n"), 400},
  {"bare_lf_at_end_of_head", TEXT(GET "\n"), 400},
  {"bare_lf_before_request_line", TEXT("\n" GET "\r\n"), 400},
  {"bare_cr_in_value", TEXT(GET "A: b\rc\r\n\r\n"), 400},
  {"bare_cr_in_request_line", TEXT("GET /\r HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"two_cr_before_lf", TEXT(GET "A: b\r\r\n\r\n"), 400},
  {"obs_fold_with_space", TEXT(GET "A: b\r\n c\r\n\r\n"), 400},
  {"obs_fold_with_tab", TEXT(GET "A: b\r\n\tc\r\n\r\n"), 400},
  {"obs_fold_of_first_field", TEXT("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), 400},
  {"line_of_spaces", TEXT(GET " \r\n\r\n"), 400},
  {"nul_in_method", TEXT("G\0ET / HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"nul_in_target", TEXT("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"nul_in_name", TEXT(GET "A\0: b\r\n\r\n"), 400},
  {"nul_in_value", TEXT(GET "A: b\0c\r\n\r\n"), 400},
  {"bell_in_value", TEXT(GET "A: b\ac\r\n\r\n"), 400},
  {"escape_in_value", TEXT(GET "A: \x1b[2J\r\n\r\n"), 400},
  {"delete_in_value", TEXT(GET "A: b\x7f\r\n\r\n"), 400},
  {"vertical_tab_before_value", TEXT(GET "A:\vb\r\n\r\n"), 400},

  /* Fields */
  {"space_before_colon", TEXT(GET "A : b\r\n\r\n"), 400},
  {"tab_before_colon", TEXT(GET "A\t: b\r\n\r\n"), 400},
  {"field_without_colon", TEXT(GET "A\r\n\r\n"), 400},
  {"field_without_name", TEXT(GET ": b\r\n\r\n"), 400},
  {"name_with_slash", TEXT(GET "A/B: c\r\n\r\n"), 400},
  {"name_with_bracket", TEXT(GET "A[]: c\r\n\r\n"), 400},
  {"name_not_ascii", TEXT(GET "\xc3\x84: c\r\n\r\n"), 400},
  {"host_missing", TEXT("GET / HTTP/1.1\r\n\r\n"), 400},
  {"host_twice", TEXT(GET HOST "\r\n"), 400},
  {"host_twice_in_http_1_0", TEXT("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), 400},
  {"host_with_slash", TEXT("GET / HTTP/1.1\r\nHost: h/x\r\n\r\n"), 400},
  {"host_with_user", TEXT("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"), 400},
  {"host_with_space", TEXT("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400},
  {"unknown_expectation", TEXT(POST "Expect: the-unexpected\r\nContent-Length: 1\r\n\r\n"), 417},
  {"101_fields", TEXT(GET FIELDS_50 FIELDS_50 "\r\n"), 431},
  {"head_too_large_by_a_field", TEXT(GET "A: " THOUSAND "\r\n\r\n"), 431},
  {"head_too_large_by_the_target", TEXT("GET /" THOUSAND HUNDRED), 431},
  {"head_too_large_by_the_method", TEXT(THOUSAND HUNDRED), 431},

  /* The request line */
  {"http_0_9", TEXT("GET /\r\n"), 505},
  {"http_0_9_by_name", TEXT("GET / HTTP/0.9\r\n\r\n"), 505},
  {"http_1_2", TEXT("GET / HTTP/1.2\r\n" HOST "\r\n"), 505},
  {"http_2_0", TEXT("GET / HTTP/2.0\r\n" HOST "\r\n"), 505},
  {"http_2_preface", TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
  {"http_11_1", TEXT("GET / HTTP/11.1\r\n" HOST "\r\n"), 400},
  {"version_without_digits", TEXT("GET / HTTP/x.y\r\n" HOST "\r\n"), 400},
  {"version_in_lower_case", TEXT("GET / http/1.1\r\n" HOST "\r\n"), 400},
  {"another_protocol", TEXT("GET / RTSP/1.0\r\n" HOST "\r\n"), 400},
  {"two_spaces_before_target", TEXT("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"two_spaces_before_version", TEXT("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"space_after_version", TEXT("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400},
  {"space_before_method", TEXT(" GET / HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"tab_as_separator", TEXT("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"no_target", TEXT("GET HTTP/1.1\r\n" HOST "\r\n"), 505},
  {"one_word", TEXT("GET\r\n"), 400},
  {"method_in_lower_case", TEXT("get / HTTP/1.1\r\n" HOST "\r\n"), 501},
  {"unknown_method", TEXT("BREW / HTTP/1.1\r\n" HOST "\r\n"), 501},
  {"method_that_is_no_token", TEXT("G(T / HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"connect", TEXT("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"), 501},
  {"tls_client_hello", TEXT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400},

  /* The target */
  {"relative_target", TEXT("GET index.html HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"asterisk_for_get", TEXT("GET * HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"other_scheme", TEXT("GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"absolute_form_without_host", TEXT("GET http:///x HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"absolute_form_with_user", TEXT("GET http://u@h/x HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"fragment", TEXT("GET /x#y HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"target_not_ascii", TEXT("GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"percent_at_the_end", TEXT("GET /% HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"percent_and_one_digit", TEXT("GET /%4 HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"percent_without_digits", TEXT("GET /%zz HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"percent_with_sign", TEXT("GET /%+4 HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"percent_nul_in_path", TEXT("GET /a%00b HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"percent_nul_in_query", TEXT("GET /?a=%00 HTTP/1.1\r\n" HOST "\r\n"), 400},
  {"bad_percent_in_query", TEXT("GET /?a=%g0 HTTP/1.1\r\n" HOST "\r\n"), 400},

  /* The body */
  {"content_length_too_large", TEXT(POST "Content-Length: 101\r\n\r\n"), 413},
  {"content_length_of_64_bits", TEXT(POST "Content-Length: 18446744073709551615\r\n\r\n"), 413},
  {"chunk_too_large", TEXT(CHUNKED "65\r\n"), 413},
  {"chunks_too_large_together", TEXT(CHUNKED "1\r\na\r\n64\r\n"), 413},
  {"chunk_size_of_64_bits", TEXT(CHUNKED "FFFFFFFFFFFFFFFF\r\n"), 413},
  {"chunk_size_beyond_64_bits", TEXT(CHUNKED "10000000000000001\r\nx"), 400},
  {"empty_chunk_size", TEXT(CHUNKED "\r\n"), 400},
  {"chunk_size_with_prefix", TEXT(CHUNKED "0x1\r\na\r\n0\r\n\r\n"), 400},
  {"chunk_size_with_sign", TEXT(CHUNKED "+1\r\na\r\n0\r\n\r\n"), 400},
  {"negative_chunk_size", TEXT(CHUNKED "-1\r\na\r\n0\r\n\r\n"), 400},
  {"space_before_chunk_size", TEXT(CHUNKED " 1\r\na\r\n0\r\n\r\n"), 400},
  {"space_after_chunk_size", TEXT(CHUNKED "1 \r\na\r\n0\r\n\r\n"), 400},
  {"chunk_size_no_number", TEXT(CHUNKED "g\r\na\r\n0\r\n\r\n"), 400},
  {"bare_lf_after_chunk_size", TEXT(CHUNKED "1\na\r\n0\r\n\r\n"), 400},
  {"bare_lf_after_chunk", TEXT(CHUNKED "1\r\na\n0\r\n\r\n"), 400},
  {"chunk_longer_than_its_size", TEXT(CHUNKED "1\r\nab\r\n0\r\n\r\n"), 400},
  {"chunk_shorter_than_its_size", TEXT(CHUNKED "3\r\na\r\n0\r\n\r\n"), 400},
  {"control_in_chunk_extension", TEXT(CHUNKED "1;a=\x01\r\na\r\n0\r\n\r\n"), 400},
  {"bare_cr_in_chunk_extension", TEXT(CHUNKED "1;a\rb\r\na\r\n0\r\n\r\n"), 400},
  {"chunk_extension_too_long", TEXT(CHUNKED "1;" HUNDRED HUNDRED HUNDRED "\r\na\r\n0\r\n\r\n"), 400},
  {"bare_lf_at_end_of_trailer", TEXT(CHUNKED "0\r\n\n"), 400},
  {"folded_trailer", TEXT(CHUNKED "0\r\nA: b\r\n c\r\n\r\n"), 400},
  {"trailer_without_colon", TEXT(CHUNKED "0\r\nA\r\n\r\n"), 400},
  {"nul_in_trailer", TEXT(CHUNKED "0\r\nA: \0\r\n\r\n"), 400},
  {"trailer_too_large", TEXT(CHUNKED "0\r\nA: " THOUSAND HUNDRED "\r\n\r\n"), 431},
};

struct valid {
  const char *name;
  const char *bytes;
  size_t size;
  const char *method, *path, *body;
  size_t left; /* bytes of the next request */
  bool is_closed, wants_continue;
};

static const struct valid valid[] = {
  {"get", TEXT(GET "\r\n"), "GET", "/", "", 0, 0, 0},
  {"empty_lines_before", TEXT("\r\n\r\n" GET "\r\n"), "GET", "/", "", 0, 0, 0},
  {"head_request", TEXT("HEAD /x HTTP/1.1\r\n" HOST "\r\n"), "HEAD", "/x", "", 0, 0, 0},
  {"path_and_query", TEXT("GET /a/b?c=d HTTP/1.1\r\n" HOST "\r\n"), "GET", "/a/b", "", 0, 0, 0},
  {"decoded_path", TEXT("GET /a%20b%2Fc+d%C3%A4%7e HTTP/1.1\r\n" HOST "\r\n"), "GET", "/a b/c+d\xc3\xa4~", "", 0, 0, 0},
  {"absolute_form", TEXT("GET http://h:1/a?b HTTP/1.1\r\n" HOST "\r\n"), "GET", "/a", "", 0, 0, 0},
  {"absolute_form_without_path", TEXT("GET HTTP://h HTTP/1.1\r\n" HOST "\r\n"), "GET", "/", "", 0, 0, 0},
  {"absolute_form_with_query_only", TEXT("GET http://h?a=b HTTP/1.1\r\n" HOST "\r\n"), "GET", "/", "", 0, 0, 0},
  {"asterisk_for_options", TEXT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), "OPTIONS", "*", "", 0, 0, 0},
  {"content_length", TEXT(POST "Content-Length: 5\r\n\r\nhello"), "POST", "/", "hello", 0, 0, 0},
  {"content_length_0", TEXT(POST "Content-Length: 0\r\n\r\n"), "POST", "/", "", 0, 0, 0},
  {"content_length_between_spaces", TEXT(POST "Content-Length: \t5  \r\n\r\nhello"), "POST", "/", "hello", 0, 0, 0},
  {"body_of_get", TEXT(GET "Content-Length: 2\r\n\r\nab"), "GET", "/", "ab", 0, 0, 0},
  {"body_as_large_as_may_be", TEXT(POST "Content-Length: 100\r\n\r\n" HUNDRED), "POST", "/", HUNDRED, 0, 0, 0},
  {"chunks", TEXT(CHUNKED "5\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n0\r\n\r\n"), "POST", "/", "hello world", 0, 0, 0},
  {"chunks_as_large_as_may_be", TEXT(CHUNKED "64\r\n" HUNDRED "\r\n0\r\n\r\n"), "POST", "/", HUNDRED, 0, 0, 0},
  {"chunk_that_looks_like_framing", TEXT(CHUNKED "5\r\n0\r\n\r\n\r\n0\r\n\r\n"), "POST", "/", "0\r\n\r\n", 0, 0, 0},
  {"chunk_extension", TEXT(CHUNKED "2;a=b;c=\"d\"\r\nab\r\n0;e\r\n\r\n"), "POST", "/", "ab", 0, 0, 0},
  {"trailer", TEXT(CHUNKED "2\r\nab\r\n0\r\nContent-Length: 9\r\nHost: x\r\n\r\n"), "POST", "/", "ab", 0, 0, 0},
  {"chunked_in_capitals", TEXT(POST "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n"), "POST", "/", "", 0, 0, 0},
  {"pipelined", TEXT(GET "\r\n" GET "\r\n"), "GET", "/", "", sizeof(GET "\r\n") - 1, 0, 0},
  {"pipelined_after_body", TEXT(POST "Content-Length: 2\r\n\r\nabGET"), "POST", "/", "ab", 3, 0, 0},
  {"pipelined_after_chunks", TEXT(CHUNKED "1\r\na\r\n0\r\n\r\nGET"), "POST", "/", "a", 3, 0, 0},
  {"connection_close", TEXT(GET "Connection: close\r\n\r\n"), "GET", "/", "", 0, 1, 0},
  {"connection_close_in_a_list", TEXT(GET "Connection: x, Close\r\n\r\n"), "GET", "/", "", 0, 1, 0},
  {"http_1_0", TEXT("GET / HTTP/1.0\r\n\r\n"), "GET", "/", "", 0, 1, 0},
  {"http_1_0_keep_alive", TEXT("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "GET", "/", "", 0, 1, 0},
  {"http_1_0_expectation", TEXT("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na"), "POST", "/",
   "a", 0, 1, 0},
  {"expectation", TEXT(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\na"), "POST", "/", "a", 0, 0, 1},
  {"expectation_without_body", TEXT(POST "Expect: 100-continue\r\n\r\n"), "POST", "/", "", 0, 0, 0},
  {"upgrade_is_ignored", TEXT(GET "Connection: upgrade\r\nUpgrade: websocket\r\n\r\nGET"), "GET", "/", "", 3, 0, 0},
  {"upgrade_to_h2c_is_ignored",
   TEXT(POST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\nContent-Length: 1\r\n\r\na"),
   "POST", "/", "a", 0, 0, 0},
  {"empty_host", TEXT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "GET", "/", "", 0, 0, 0},
  {"host_with_address", TEXT("GET / HTTP/1.1\r\nHost: [::1]:7117\r\n\r\n"), "GET", "/", "", 0, 0, 0},
  {"value_not_ascii", TEXT(GET "A: \xc3\xa4\xff\r\n\r\n"), "GET", "/", "", 0, 0, 0},
  {"100_fields",
   TEXT("GET / HTTP/1.1\r\n" HOST FIELDS_50 FIELDS_10 FIELDS_10 FIELDS_10 FIELDS_10
        "a:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n\r\n"),
   "GET", "/", "", 0, 0, 0},
};

/* Feeding, in pieces of at most `piece` bytes; or of random sizes when it is 0. */

struct outcome {
  enum parse_state state;
  enum refusal refusal;
  size_t used;
  struct http_request *request;
};

static struct outcome parse(const char *bytes, size_t size, size_t piece)
{
  struct outcome outcome = {.request = request_create()};
  struct http_parser parser;
  parser_init(&parser, &limits, outcome.request);
  while (outcome.used < size && parser.state != PARSE_COMPLETE && parser.state != PARSE_REFUSED) {
    size_t next = piece ? piece : 1 + (size_t)rand() % 40;
    if (next > size - outcome.used)
      next = size - outcome.used;
    /* A copy of exactly this size, so that the sanitizer sees a read beyond it. */
    CLEANUP_FREE char *copy = xmalloc(next);
    memcpy(copy, bytes + outcome.used, next);
    outcome.used += parser_feed(&parser, copy, next);
  }
  outcome.state = parser.state;
  outcome.refusal = parser.refusal;
  parser_release(&parser);
  return outcome;
}

/* The sizes of pieces that each row is fed in: all at once, one by one, and then random ones. */
static size_t piece_of_round(int round, size_t size)
{
  return round == 0 ? size : round == 1 ? 1 : 0;
}

static void a_malformed_request_is_refused(void **state)
{
  const struct malformed *row = *state;
  for (int round = 0; round < 2 + SPLITS; round++) {
    struct outcome outcome = parse(row->bytes, row->size, piece_of_round(round, row->size));
    if (outcome.state != PARSE_REFUSED)
      fail_msg("state %d instead of a refusal", (int)outcome.state);
    assert_int_equal(refusal_status(outcome.refusal), row->status);
    request_destroy(outcome.request);
  }
}

static void a_valid_request_is_understood(void **state)
{
  const struct valid *row = *state;
  for (int round = 0; round < 2 + SPLITS; round++) {
    struct outcome outcome = parse(row->bytes, row->size, piece_of_round(round, row->size));
    if (outcome.state != PARSE_COMPLETE)
      fail_msg("state %d: %s", (int)outcome.state, outcome.refusal ? refusal_detail(outcome.refusal) : "unfinished");
    struct http_request *request = outcome.request;
    assert_string_equal(http_method(request), row->method);
    assert_string_equal(http_path(request), row->path);
    size_t size;
    const void *body = http_body(request, &size);
    assert_int_equal(size, strlen(row->body));
    assert_memory_equal(body, row->body, size);
    assert_int_equal(row->size - outcome.used, row->left);
    assert_int_equal(request->keep_alive, !row->is_closed);
    assert_int_equal(request->wants_continue, row->wants_continue);
    request_destroy(request);
  }
}

/* Each prefix of a valid request is neither whole nor refused. */
static void an_unfinished_request_is_waited_for(void **state)
{
  const struct valid *row = *state;
  for (size_t size = 0; size + row->left < row->size; size++) {
    struct outcome outcome = parse(row->bytes, size, size);
    assert_true(outcome.state == PARSE_HEAD || outcome.state == PARSE_BODY);
    request_destroy(outcome.request);
  }
}

/* Memory for a body. */

static void without_memory_for_its_body_a_request_is_refused_and_later_understood(void **state)
{
  (void)state;
  static const char text[] = POST "Content-Length: 100\r\n\r\n" HUNDRED;
  int before = 0;
  for (bool failed = true; failed; before += failed) {
    scarce_memory(before);
    struct outcome outcome = parse(text, strlen(text), 3);
    failed = scarce_memory_failed();
    assert_int_equal(outcome.state, failed ? PARSE_REFUSED : PARSE_COMPLETE);
    if (failed)
      assert_int_equal(refusal_status(outcome.refusal), 503);
    request_destroy(outcome.request);
  }
  assert_true(before > 1); /* it grows more than once */
}

/* What a handler reads. */

static void collect_field(void *context, const char *value)
{
  buffer_printf(context, "[%s]", value);
}

static void of_repeated_header_fields_the_first_or_each_is_read_in_any_case(void **state)
{
  (void)state;
  static const char text[] = GET "X-One:  first \t\r\nx-one: second\r\nEmpty:\r\n\r\n";
  struct outcome outcome = parse(text, strlen(text), 3);
  assert_string_equal(http_header(outcome.request, "x-ONE"), "first");
  assert_string_equal(http_header(outcome.request, "empty"), "");
  assert_null(http_header(outcome.request, "absent"));
  assert_int_equal(request_field_count(outcome.request, "X-One"), 2);
  CLEANUP_BUFFER struct buffer all = {0};
  http_header_each(outcome.request, "X-ONE", collect_field, &all);
  assert_string_equal(all.data, "[first][second]");
  request_destroy(outcome.request);
}

static void collect(void *context, const char *name, const char *value)
{
  buffer_printf(context, "[%s=%s]", name, value);
}

static void query_parameters_are_decoded_and_kept_in_order(void **state)
{
  (void)state;
  static const char text[] = "GET /?b=1&a+b=c%26d&&flag&b=2&=x&e=f=g HTTP/1.1\r\n" HOST "\r\n";
  struct outcome outcome = parse(text, strlen(text), strlen(text));
  assert_int_equal(outcome.state, PARSE_COMPLETE);
  CLEANUP_BUFFER struct buffer seen = {0};
  http_query_each(outcome.request, collect, &seen);
  assert_string_equal(seen.data, "[b=1][a b=c&d][flag=][b=2][=x][e=f=g]");
  assert_string_equal(http_query(outcome.request, "b"), "1");
  assert_string_equal(http_query(outcome.request, "flag"), "");
  assert_null(http_query(outcome.request, "absent"));
  request_destroy(outcome.request);
}

/* Rows become tests of their own, so that each is counted and named. */

static struct CMUnitTest row_test(const char *prefix, const char *name, CMUnitTestFunction function, const void *row)
{
  return (struct CMUnitTest){
    .name = xasprintf("%s: %s", prefix, name),
    .test_func = function,
    .initial_state = (void *)(uintptr_t)row,
  };
}

enum {
  FUNCTIONS = 3,
  MALFORMED_COUNT = sizeof malformed / sizeof *malformed,
  VALID_COUNT = sizeof valid / sizeof *valid
};

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  srand(7117); /* the same splits each time */
  static struct CMUnitTest tests[MALFORMED_COUNT + 2 * VALID_COUNT + FUNCTIONS] = {
    cmocka_unit_test(without_memory_for_its_body_a_request_is_refused_and_later_understood),
    cmocka_unit_test(of_repeated_header_fields_the_first_or_each_is_read_in_any_case),
    cmocka_unit_test(query_parameters_are_decoded_and_kept_in_order),
  };
  size_t count = FUNCTIONS;
  for (size_t i = 0; i < MALFORMED_COUNT; i++)
    tests[count++] = row_test("refused", malformed[i].name, a_malformed_request_is_refused, &malformed[i]);
  for (size_t i = 0; i < VALID_COUNT; i++) {
    tests[count++] = row_test("understood", valid[i].name, a_valid_request_is_understood, &valid[i]);
    tests[count++] = row_test("waited for", valid[i].name, an_unfinished_request_is_waited_for, &valid[i]);
  }
  int failed = cmocka_run_group_tests_name("http/parser", tests, 0, 0);
  for (size_t i = FUNCTIONS; i < count; i++)
    free((void *)(uintptr_t)tests[i].name);
  return failed;
}
