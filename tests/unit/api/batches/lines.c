/* A body into lines: however it is cut, the lines are the same. */

#include "api/batches/lines.h"

#include "../testing.h"
#include "base/buffer.h"

#include <string.h>

enum { LINE_BYTES_MAX = 8 };

/* What is found, as text: "number:line|", "number:-|" for a blank one, "number:!|" for one that is too long. */
static void read_lines(const char *body, size_t size, size_t piece, struct buffer *ret)
{
  CLEANUP_BUFFER struct buffer there = {0};
  struct lines lines = {.bytes_max = LINE_BYTES_MAX};
  size_t given = 0, line_size;
  const char *text;
  for (enum line_found found;
       (found = lines_next(&lines, there.data, there.size, given == size, &text, &line_size)) != LINE_NO_MORE;) {
    if (found == LINE_WANTED) {
      buffer_consume(&there, lines.begin);
      lines_dropped(&lines);
      assert_true(there.size <= LINE_BYTES_MAX + piece); /* a line that is too long is not held */
      size_t more = piece < size - given ? piece : size - given;
      buffer_append(&there, body + given, more);
      given += more;
      continue;
    }
    buffer_printf(ret, "%d:", (int)lines.number);
    if (found == LINE_THERE)
      buffer_append(ret, text, line_size);
    else
      buffer_puts(ret, found == LINE_BLANK ? "-" : "!");
    buffer_puts(ret, "|");
  }
}

static void assert_lines(const char *body, const char *expected)
{
  for (size_t piece = 1; piece <= strlen(body) + 1; piece++) {
    CLEANUP_BUFFER struct buffer found = {0};
    buffer_puts(&found, "");
    read_lines(body, strlen(body), piece, &found);
    assert_string_equal(found.data, expected);
  }
}

static void lines_end_with_lf_or_cr_lf_and_the_last_one_with_the_body(void **state)
{
  (void)state;
  assert_lines("", "");
  assert_lines("a", "1:a|");
  assert_lines("a\nb\r\nc", "1:a|2:b|3:c|");
  assert_lines("a\nb\n", "1:a|2:b|");
}

static void blank_lines_count(void **state)
{
  (void)state;
  assert_lines("\n \t\r\na\n\n", "1:-|2:-|3:a|4:-|");
}

static void a_line_that_is_too_long_is_passed_over_and_told(void **state)
{
  (void)state;
  assert_lines("12345678\n123456789\nb", "1:12345678|2:!|3:b|");
  assert_lines("a\n1234567890123456789012345", "1:a|2:!|");
  assert_lines("1234567890123456789\n\n", "1:!|2:-|");
}

static void a_nul_is_a_byte_like_others(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer found = {0};
  read_lines("\0\na", 3, 1, &found);
  assert_int_equal(found.size, strlen("1:x|2:a|"));
  assert_memory_equal(found.data, "1:\0|2:a|", found.size);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(lines_end_with_lf_or_cr_lf_and_the_last_one_with_the_body),
    cmocka_unit_test(blank_lines_count),
    cmocka_unit_test(a_line_that_is_too_long_is_passed_over_and_told),
    cmocka_unit_test(a_nul_is_a_byte_like_others),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
