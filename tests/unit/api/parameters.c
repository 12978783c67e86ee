#include "api/parameters.h"

#include "fake_http.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

/* Some parameters are read from a request that only lives here. */
static void release(struct http_request *request)
{
  request->answers = 1;
  fake_request_destroy(request);
}

struct wait_case {
  const char *name, *target, *prefer;
  bool good;
  unsigned seconds;
};

static const struct wait_case wait_cases[] = {
  {"no_wait", "/", NULL, true, 0},
  {"wait_in_the_query", "/?wait=30", NULL, true, 30},
  {"wait_at_the_most", "/?wait=3600", NULL, true, 3600},
  {"wait_over_the_most_is_refused", "/?wait=3601", NULL, false, 0},
  {"wait_in_words_is_refused", "/?wait=long", NULL, false, 0},
  {"wait_with_a_sign_is_refused", "/?wait=-1", NULL, false, 0},
  {"an_empty_wait_is_refused", "/?wait=", NULL, false, 0},
  {"a_preference", "/", "wait=10", true, 10},
  {"a_preference_among_others", "/", "respond-async, wait=10;foo , handling=lenient", true, 10},
  {"a_preference_in_capitals", "/", "Wait=7", true, 7},
  {"a_preference_over_the_most_is_cut", "/", "wait=99999", true, WAIT_SECONDS_MAX},
  {"a_preference_in_words_is_ignored", "/", "wait=long", true, 0},
  {"another_preference_that_ends_alike", "/", "await=5", true, 0},
  {"the_query_comes_first", "/?wait=2", "wait=10", true, 2},
};
enum { WAIT_CASES = sizeof wait_cases / sizeof *wait_cases };

static void run_wait(void **state)
{
  const struct wait_case *the_case = *state;
  struct http_request *request = fake_request("GET", the_case->target);
  if (the_case->prefer)
    fake_request_header(request, "Prefer", the_case->prefer);
  unsigned seconds = 777;
  struct error error;
  assert_int_equal(parameter_wait(request, &seconds, &error), the_case->good);
  assert_int_equal(seconds, the_case->good ? the_case->seconds : 777);
  release(request);
}

static void an_encoding_is_utf8_or_base64(void **state)
{
  (void)state;
  static const struct {
    const char *target;
    bool good, base64;
  } cases[] = {{"/", true, false},
               {"/?encoding=utf8", true, false},
               {"/?encoding=base64", true, true},
               {"/?encoding=BASE64", false, false},
               {"/?encoding=", false, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_request *request = fake_request("GET", cases[i].target);
    bool base64 = false;
    struct error error;
    assert_int_equal(parameter_encoding(request, &base64, &error), cases[i].good);
    assert_int_equal(base64, cases[i].base64);
    release(request);
  }
}

static bool key_is_good(const char *text)
{
  struct http_request *request = fake_request("POST", "/");
  fake_request_header(request, "idempotency-key", text);
  const char *key = NULL;
  struct error error;
  bool good = parameter_idempotency_key(request, &key, &error);
  assert_int_equal(good, key && !strcmp(key, text));
  release(request);
  return good;
}

static void an_idempotency_key_is_visible_ascii(void **state)
{
  (void)state;
  char longest[IDEMPOTENCY_KEY_BYTES_MAX + 2];
  memset(longest, 'k', sizeof longest);
  longest[IDEMPOTENCY_KEY_BYTES_MAX + 1] = 0;
  assert_false(key_is_good(longest));
  longest[IDEMPOTENCY_KEY_BYTES_MAX] = 0;
  assert_true(key_is_good(longest));
  assert_true(key_is_good("!~"));
  assert_false(key_is_good(""));
  assert_false(key_is_good("a b"));
  assert_false(key_is_good("caf\xc3\xa9"));
  assert_false(key_is_good("a\x7f"));
}

static void a_cursor_is_read_as_it_was_given(void **state)
{
  (void)state;
  static const uint64_t sequences[] = {1, 42, 1000000, UINT64_MAX};
  for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
    char text[CURSOR_SIZE];
    uint64_t sequence = 0;
    cursor_format(sequences[i], text);
    assert_true(cursor_parse(text, &sequence));
    assert_true(sequence == sequences[i]);
  }
}

static void anything_else_is_no_cursor(void **state)
{
  (void)state;
  static const char *const wrong[] = {"", "a", "1", "b1", "a0", "a1 ", "aX", "a-1", "a11112222333344445", "A1"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    uint64_t sequence = 7;
    assert_false(cursor_parse(wrong[i], &sequence));
  }
}

static bool parse_list(const char *target, struct list_parameters *ret, struct error *error)
{
  struct http_request *request = fake_request("GET", target);
  bool good = parameters_list(request, ret, error);
  ret->status = NULL; /* it belongs to the request */
  release(request);
  return good;
}

static void a_list_is_filtered_and_paged(void **state)
{
  (void)state;
  struct list_parameters parameters;
  struct error error;
  assert_true(parse_list("/", &parameters, &error));
  assert_int_equal(parameters.limit, LIST_LIMIT_DEFAULT);
  assert_int_equal(parameters.before_sequence, 0);
  assert_string_equal(parameters.label_key, "");
  assert_false(parameters.status_is_open);

  assert_true(parse_list("/?status=preparing", &parameters, &error));
  assert_true(parameters.status_is_open);
  assert_true(parse_list("/?status=running&limit=1000&cursor=aff&label=run:4=2", &parameters, &error));
  assert_true(parameters.status_is_open);
  assert_int_equal(parameters.limit, 1000);
  assert_int_equal(parameters.before_sequence, 255);
  assert_string_equal(parameters.label_key, "run");
  assert_string_equal(parameters.label_value, "4=2");

  assert_true(parse_list("/?label=run=4:2&status=out_of_memory", &parameters, &error));
  assert_false(parameters.status_is_open);
  assert_string_equal(parameters.label_value, "4:2");
}

static void a_wrong_filter_is_refused(void **state)
{
  (void)state;
  static const char *const wrong[] = {
    "/?status=done", "/?status=finished", "/?status=accepting", "/?status=",         "/?limit=0",
    "/?limit=1001",  "/?limit=x",         "/?cursor=x",         "/?cursor=",         "/?label=run",
    "/?label=:x",    "/?label=",          "/?state=queued",     "/?limit=1&limit=2", "/?label=a:b&label=c:d"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct list_parameters parameters;
    struct error error;
    if (parse_list(wrong[i], &parameters, &error))
      fail_msg("taken: %s", wrong[i]);
    assert_int_equal(error.kind, ERROR_INVALID);
  }
}

static const struct CMUnitTest others[] = {
  cmocka_unit_test(an_encoding_is_utf8_or_base64),    cmocka_unit_test(an_idempotency_key_is_visible_ascii),
  cmocka_unit_test(a_cursor_is_read_as_it_was_given), cmocka_unit_test(anything_else_is_no_cursor),
  cmocka_unit_test(a_list_is_filtered_and_paged),     cmocka_unit_test(a_wrong_filter_is_refused),
};
enum { OTHERS = sizeof others / sizeof *others };

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  struct CMUnitTest tests[WAIT_CASES + OTHERS];
  for (size_t i = 0; i < WAIT_CASES; i++)
    tests[i] = (struct CMUnitTest){wait_cases[i].name, run_wait, NULL, NULL, (void *)&wait_cases[i]};
  memcpy(tests + WAIT_CASES, others, sizeof others);
  return _cmocka_run_group_tests("parameters", tests, WAIT_CASES + OTHERS, NULL, NULL);
}
