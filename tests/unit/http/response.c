/* Heads and problem documents, byte by byte. */

#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct response_frame frame = {.content_length = 5, .keep_alive = true, .date = "a date"};

static void a_head_has_the_safe_defaults(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer head = {0};
  response_put_head(&head, &(struct http_response){.status = 404, .content_type = "text/plain"}, &frame);
  assert_string_equal(head.data, "HTTP/1.1 404 Not Found\r\n"
                                 "Date: a date\r\n"
                                 "Connection: keep-alive\r\n"
                                 "Content-Length: 5\r\n"
                                 "Content-Type: text/plain\r\n"
                                 "X-Content-Type-Options: nosniff\r\n"
                                 "Cache-Control: no-store\r\n"
                                 "Content-Security-Policy: default-src 'none'\r\n"
                                 "\r\n");
}

static void a_field_of_the_handler_replaces_the_default(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer head = {0};
  static const struct http_header_field fields[] = {{"cache-control", "max-age=60"}, {"Location", "/x"}, {0}};
  response_put_head(&head, &(struct http_response){.status = 200, .fields = fields}, &frame);
  assert_null(strstr(head.data, "no-store"));
  assert_non_null(strstr(head.data, "\r\ncache-control: max-age=60\r\nLocation: /x\r\n\r\n"));
}

static void a_field_cannot_start_another_one(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer head = {0};
  static const struct http_header_field fields[] = {{"Location", "/x\r\nSet-Cookie: a=b"}, {0}};
  response_put_head(&head, &(struct http_response){.status = 303, .fields = fields}, &frame);
  assert_non_null(strstr(head.data, "\r\nLocation: /x  Set-Cookie: a=b\r\n"));
}

static void no_content_has_no_content_length(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer head = {0};
  response_put_head(&head, &(struct http_response){.status = 204}, &frame);
  assert_null(strstr(head.data, "Content-Length"));
}

static void an_unknown_status_has_an_empty_reason(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer head = {0};
  response_put_head(&head, &(struct http_response){.status = 299}, &frame);
  assert_memory_equal(head.data, "HTTP/1.1 299 \r\n", 15);
}

static const struct {
  const char *detail, *json;
} details[] = {
  {"plain", "\"plain\""},
  {"a \"quote\" and a \\", "\"a \\\"quote\\\" and a \\\\\""},
  {"line\nescape\x1b", "\"line\\u000aescape\\u001b\""},
  {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\""},
  {"cut \xe2\x82", "\"cut \\ufffd\\ufffd\""},
  {"overlong \xc0\xaf \xe0\x80\xaf", "\"overlong \\ufffd\\ufffd \\ufffd\\ufffd\\ufffd\""},
  {"surrogate \xed\xa0\x80", "\"surrogate \\ufffd\\ufffd\\ufffd\""},
  {"beyond \xf4\x90\x80\x80", "\"beyond \\ufffd\\ufffd\\ufffd\\ufffd\""},
};

static void a_problem_is_json_whatever_its_detail(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
    CLEANUP_BUFFER struct buffer body = {0}, expected = {0};
    response_put_problem(&body, 400, "invalid request", details[i].detail);
    buffer_printf(&expected, "{\"type\":\"about:blank\",\"title\":\"invalid request\",\"status\":400,\"detail\":%s}\n",
                  details[i].json);
    assert_string_equal(body.data, expected.data);
  }
}

static void a_date_is_in_the_form_of_http(void **state)
{
  (void)state;
  char text[DATE_SIZE];
  response_format_date(784111777, text); /* the example of RFC 9110, section 5.6.7 */
  assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_head_has_the_safe_defaults),
    cmocka_unit_test(a_field_of_the_handler_replaces_the_default),
    cmocka_unit_test(a_field_cannot_start_another_one),
    cmocka_unit_test(no_content_has_no_content_length),
    cmocka_unit_test(an_unknown_status_has_an_empty_reason),
    cmocka_unit_test(a_problem_is_json_whatever_its_detail),
    cmocka_unit_test(a_date_is_in_the_form_of_http),
  };
  return cmocka_run_group_tests_name("http/response", tests, 0, 0);
}
