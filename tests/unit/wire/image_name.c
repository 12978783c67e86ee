#include "wire/image_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SHA256 "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct image_name parsed(const char *text)
{
  struct image_name name;
  struct error error = {0};
  if (!image_name_parse(text, &name, &error))
    fail_msg("\"%s\" is refused: %s", text, error.message);
  return name;
}

static void a_name_falls_into_its_parts(void **state)
{
  (void)state;
  static const struct {
    const char *text, *repository, *tag, *digest;
  } cases[] = {
    {"python", "python", "", ""},
    {"python:3.11-slim", "python", "3.11-slim", ""},
    {"team/python:_x.Y-9", "team/python", "_x.Y-9", ""},
    {"localhost/a", "localhost/a", "", ""},
    {"localhost:5000/a", "localhost:5000/a", "", ""},
    {"localhost:5000", "localhost", "5000", ""},
    {"Registry.Example.COM:443/a/b__c/d.e/f---g:1", "Registry.Example.COM:443/a/b__c/d.e/f---g", "1", ""},
    {"127.0.0.1:5000/a", "127.0.0.1:5000/a", "", ""},
    {"[fd00:1::a]:5000/a:b", "[fd00:1::a]:5000/a", "b", ""},
    {"python@" SHA256, "python", "", SHA256},
    {"python:3@" SHA256, "python", "3", SHA256},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct image_name name = parsed(cases[i].text);
    assert_string_equal(name.repository, cases[i].repository);
    assert_string_equal(name.tag, cases[i].tag);
    assert_string_equal(name.digest, cases[i].digest);
  }
}

static void what_is_no_name_is_refused_with_a_reason(void **state)
{
  (void)state;
  static const char *const cases[] = {
    "",
    " python",
    "python ",
    "python\n",
    "Python",
    "-a",
    "a-",
    "_a",
    "a_",
    "a..b",
    "a___b",
    "a._b",
    ".a",
    "/a",
    "a/",
    "a//b",
    "../a",
    "a/../b",
    "a?b",
    "a#b",
    "a%2fb",
    "a&b",
    ":3",
    "a:",
    "a:.b",
    "a:-b",
    "a:b:c",
    "a:b/c",
    "http://a/b",
    "registry.example.com:x/a",
    "registry.example.com:/a",
    "registry..com/a",
    ".com/a",
    "a.com./b",
    "-x.com/a",
    "x-.com/a",
    "[::1/a",
    "[]/a",
    "[::g]:1/a",
    "@" SHA256,
    "a@",
    "a@sha256:0123",
    "a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF",
    "a@md5:0123456789abcdef0123456789abcdef",
    "a@" SHA256 "0",
    "a@" SHA256 "@" SHA256,
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct image_name name = {.repository = "as it was"};
    struct error error = {0};
    if (image_name_parse(cases[i], &name, &error))
      fail_msg("\"%s\" is taken", cases[i]);
    assert_int_equal(error.kind, ERROR_INVALID);
    assert_true(error.message[0]);
    assert_string_equal(name.repository, "as it was");
  }
}

static void an_id_is_not_a_name(void **state)
{
  (void)state;
  assert_false(image_name_parse(SHA256, 0, 0));
  assert_false(image_name_parse(SHA256 + strlen("sha256:"), 0, 0));
  parsed("sha256/0123");
  parsed("deadbeef"); /* may begin an id: its canonical form has a tag, and cannot */
}

static void lengths_are_limited(void **state)
{
  (void)state;
  char text[IMAGE_BYTES_MAX + 2];
  memset(text, 'a', sizeof text);
  text[255] = 0;
  parsed(text);
  text[255] = 'a', text[256] = 0;
  assert_false(image_name_parse(text, 0, 0));

  text[1] = ':', text[2 + 128] = 0;
  parsed(text);
  text[2 + 128] = 'a', text[2 + 129] = 0;
  assert_false(image_name_parse(text, 0, 0));

  memset(text, 'a', sizeof text);
  text[IMAGE_BYTES_MAX + 1] = 0;
  assert_false(image_name_parse(text, 0, 0));
}

static void the_canonical_name_always_says_which_one(void **state)
{
  (void)state;
  static const char *const cases[][3] = {
    {"python", "python:latest", "latest"},          {"python:3", "python:3", "3"},
    {"a.b:1/c", "a.b:1/c:latest", "latest"},        {"python@" SHA256, "python@" SHA256, SHA256},
    {"python:3@" SHA256, "python@" SHA256, SHA256},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct image_name name = parsed(cases[i][0]);
    char text[IMAGE_NAME_SIZE];
    image_name_canonical(&name, text);
    assert_string_equal(text, cases[i][1]);
    assert_string_equal(image_name_pull_tag(&name), cases[i][2]);
    parsed(text);
  }
}

static void a_pattern_allows_what_it_describes(void **state)
{
  (void)state;
  static const struct {
    const char *pattern, *name;
    bool allowed;
  } cases[] = {
    {"python", "python", true},
    {"python", "python:latest", false},
    {"python:latest", "python", true},
    {"python:*", "python", true},
    {"python:3.*", "python", false},
    {"python:3.*", "python:3.11", true},
    {"python:3.1?", "python:3.1", false},
    {"python:3.1?", "python:3.12", true},
    {"python:*", "evil.example/python:3", false},
    {"python:*", "python2:3", false},
    {"python*", "python.evil/x:3", false},
    {"team/*", "team/a", true},
    {"team/*", "team/a:1", true},
    {"team/*", "team/a/b", false},
    {"team/**", "team/a/b:1", true},
    {"team?a", "team/a", false},
    {"**", "registry.example:1/a/b", true},
    {"*", "registry.example/a", false},
    {"**/python:*", "registry.example/x/python:3", true},
    {"", "python", false},
    {"PYTHON", "python", false},
    {"[a-z]*", "python", false},
    {"python@*", "python@" SHA256, true},
    {"python:*", "python@" SHA256, false},
    {"python:3", "python:3@" SHA256, false},
    {"python:*", "python:3@" SHA256, false},
    {"python@" SHA256, "python:3@" SHA256, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct image_name name = parsed(cases[i].name);
    if (image_name_matches(&name, cases[i].pattern) != cases[i].allowed)
      fail_msg("\"%s\" against \"%s\"", cases[i].name, cases[i].pattern);
  }
}

static void any_of_several_patterns_allows(void **state)
{
  (void)state;
  struct image_name name = parsed("team/a");
  assert_true(image_name_allowed(&name, (const char *const[]){"python:*", "team/*", 0}));
  assert_false(image_name_allowed(&name, (const char *const[]){"python:*", "team", 0}));
  assert_false(image_name_allowed(&name, (const char *const[]){0}));
}

/* A matcher that tries every way would take longer than the universe is going to last. */
static void many_stars_cost_no_time(void **state)
{
  (void)state;
  char text[256], pattern[512] = "";
  memset(text, 'a', sizeof text - 1);
  text[255] = 0;
  for (int i = 0; i < 100; i++)
    strcat(pattern, "a*");
  strcat(pattern, "b");
  struct image_name name = parsed(text);
  assert_false(image_name_matches(&name, pattern));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_name_falls_into_its_parts),
    cmocka_unit_test(what_is_no_name_is_refused_with_a_reason),
    cmocka_unit_test(an_id_is_not_a_name),
    cmocka_unit_test(lengths_are_limited),
    cmocka_unit_test(the_canonical_name_always_says_which_one),
    cmocka_unit_test(a_pattern_allows_what_it_describes),
    cmocka_unit_test(any_of_several_patterns_allows),
    cmocka_unit_test(many_stars_cost_no_time),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
