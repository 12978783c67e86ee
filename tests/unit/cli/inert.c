#include "cli/inert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Fed whole, and again byte by byte: how a stream is cut into pieces must not show. */
static void expect_text(const char *data, size_t size, const char *expected)
{
  for (size_t step = 1; step <= size; step = step < size ? size : size + 1) {
    CLEANUP_BUFFER struct buffer text = {0};
    struct inert inert = {0};
    for (size_t at = 0; at < size; at += step)
      inert_feed(&inert, data + at, step, &text);
    inert_end(&inert, &text);
    assert_string_equal(text.data, expected);
  }
}
#define EXPECT(data, expected) expect_text(data, sizeof data - 1, expected)

static void text_lines_and_tabs_stay_as_they_are(void **state)
{
  (void)state;
  EXPECT("a line\n\tand another, äöü €uro 😀\n", "a line\n\tand another, äöü €uro 😀\n");
}

static void escape_sequences_become_text(void **state)
{
  (void)state;
  EXPECT("\x1b]0;owned\x07", "\\u001b]0;owned\\u0007");
  EXPECT("a\rb\0c\x7f", "a\\u000db\\u0000c\\u007f");
  EXPECT("\xc2\x9b"
         "31m",
         "\\u009b31m");
}

static void characters_that_turn_the_direction_of_writing_become_text(void **state)
{
  (void)state;
  EXPECT("\xe2\x80\xae"
         "txt",
         "\\u202etxt");
  EXPECT("\xe2\x81\xa6", "\\u2066");
}

static void bytes_that_are_not_utf8_become_text(void **state)
{
  (void)state;
  EXPECT("\xff\x9b x", "\\xff\\x9b x");
  EXPECT("\xc0\x80", "\\xc0\\x80");                   /* NUL in a longer form than needed */
  EXPECT("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
  EXPECT("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
  EXPECT("\xe2\x82"
         "A",
         "\\xe2\\x82A");
}

static void a_character_cut_off_at_the_end_becomes_text(void **state)
{
  (void)state;
  EXPECT("a\xf0\x9f\x98", "a\\xf0\\x9f\\x98");
}

static void a_line_has_no_line_feeds_and_no_tabs(void **state)
{
  (void)state;
  char *line = inert_line("a\nb\tc\x1b\xe2\x82");
  assert_string_equal(line, "a\\u000ab\\u0009c\\u001b\\xe2\\x82");
  free(line);
  line = inert_line("");
  assert_string_equal(line, "");
  free(line);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_lines_and_tabs_stay_as_they_are),
    cmocka_unit_test(escape_sequences_become_text),
    cmocka_unit_test(characters_that_turn_the_direction_of_writing_become_text),
    cmocka_unit_test(bytes_that_are_not_utf8_become_text),
    cmocka_unit_test(a_character_cut_off_at_the_end_becomes_text),
    cmocka_unit_test(a_line_has_no_line_feeds_and_no_tabs),
  };
  return cmocka_run_group_tests_name("cli/inert", tests, 0, 0);
}
