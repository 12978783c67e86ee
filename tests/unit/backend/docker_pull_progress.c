#include "backend/docker/pull_progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool feed(struct pull_progress *progress, const char *line)
{
  return pull_progress_feed(progress, line, strlen(line));
}

static void assert_text(const struct pull_progress *progress, const char *expected)
{
  char text[PULL_TEXT_SIZE];
  pull_progress_text(progress, "python:3.11", text);
  assert_string_equal(text, expected);
}

static void a_pull_is_told_from_its_begin_to_its_end(void **state)
{
  (void)state;
  struct pull_progress progress = {0};
  assert_text(&progress, "pulling python:3.11");
  assert_false(feed(&progress, "{\"status\":\"Pulling from library/python\",\"id\":\"3.11\"}\r\n"));
  assert_text(&progress, "pulling python:3.11");
  feed(&progress, "{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"a\"}\r\n");
  feed(&progress, "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"b\"}\r\n");
  feed(&progress, "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"c\"}\r\n");
  assert_text(&progress, "pulling python:3.11");
  assert_true(feed(&progress,
                   "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":25000000,\"total\":100000000},"
                   "\"progress\":\"[==>  ]\",\"id\":\"b\"}\r\n"));
  feed(&progress,
       "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":15000000,\"total\":20000000},\"id\":\"c\"}\r\n");
  assert_text(&progress, "pulling python:3.11: 40 of 120 MB");
  feed(&progress, "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"c\"}\r\n");
  assert_text(&progress, "pulling python:3.11: 45 of 120 MB");
  feed(&progress, "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"b\"}\r\n");
  assert_text(&progress, "pulling python:3.11: unpacking, 0 of 2 layers");
  feed(&progress,
       "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":5,\"total\":100000000},\"id\":\"b\"}\r\n");
  feed(&progress, "{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"b\"}\r\n");
  assert_text(&progress, "pulling python:3.11: unpacking, 1 of 2 layers");
  feed(&progress, "{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"c\"}\r\n");
  feed(&progress, "{\"status\":\"Digest: sha256:00\"}\r\n{\"status\":\"Status: Downloaded newer image\"}\r\n");
  assert_true(pull_progress_end(&progress));
  assert_string_equal(progress.failure, "");
  pull_progress_release(&progress);
}

static void a_small_image_is_told_in_smaller_units(void **state)
{
  (void)state;
  struct pull_progress progress = {0};
  feed(&progress, "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":500,\"total\":2500},\"id\":\"b\"}\n");
  assert_text(&progress, "pulling python:3.11: 0 of 3 kB");
  pull_progress_release(&progress);
}

static void an_error_under_way_is_the_outcome(void **state)
{
  (void)state;
  static const char *const errors[][2] = {
    {"{\"errorDetail\":{\"message\":\"no space left\"},\"error\":\"something\"}\r\n", "no space left"},
    {"{\"error\":\"no space left\"}\r\n", "no space left"},
    {"{\"errorDetail\":{\"code\":5},\"error\":\"no space left\"}", "no space left"}, /* cut off behind the object */
    {"{\"errorDetail\":{}}\r\n", "the pull failed"},
    {"{\"error\":\"\"}\r\n", "the pull failed"},
    {"{\"error\":5}\r\n", "the pull failed"},
    {"{\"error\":\"a\\u001b[31m\\nb\"}\r\n", "a [31m b"},
    {"{\"error\":\"first\"}\r\n{\"error\":\"second\"}\r\n", "first"},
  };
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    struct pull_progress progress = {0};
    feed(&progress, "{\"status\":\"Pulling from library/python\",\"id\":\"3.11\"}\r\n");
    feed(&progress, errors[i][0]);
    assert_false(pull_progress_end(&progress));
    assert_string_equal(progress.failure, errors[i][1]);
    pull_progress_release(&progress);
  }
}

static void no_error_is_none(void **state)
{
  (void)state;
  struct pull_progress progress = {0};
  feed(&progress, "{\"status\":\"Pulling fs layer\",\"id\":\"b\",\"error\":null,\"errorDetail\":null}\n");
  assert_true(pull_progress_end(&progress));
  assert_int_equal(progress.layer_count, 1);
  pull_progress_release(&progress);
}

static void a_long_error_is_cut(void **state)
{
  (void)state;
  struct pull_progress progress = {0};
  CLEANUP_BUFFER struct buffer line = {0};
  buffer_puts(&line, "{\"error\":\"");
  for (int i = 0; i < 1000; i++)
    buffer_puts(&line, "no ");
  buffer_puts(&line, "\"}\n");
  pull_progress_feed(&progress, line.data, line.size);
  assert_false(pull_progress_end(&progress));
  assert_int_equal(strlen(progress.failure), REASON_SIZE - 1);
  pull_progress_release(&progress);
}

static void nonsense_changes_nothing(void **state)
{
  (void)state;
  static const char *const lines[] = {
    "nonsense\n",
    "[]\n",
    "5\n",
    "{}\n",
    "{\"status\":5,\"id\":\"b\"}\n",
    "{\"status\":\"Downloading\",\"id\":7}\n",
    "{\"status\":\"Downloading\"}\n",
    "{\"status\":\"Retrying in 5 seconds\",\"id\":\"b\"}\n",
    "{\"status\":\"Downloading\",\"id\":"
    "\"01234567890123456789012345678901234567890123456789012345678901234567890123456789\"}\n",
  };
  struct pull_progress progress = {0};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    assert_false(feed(&progress, lines[i]));
  assert_text(&progress, "pulling python:3.11");
  assert_true(pull_progress_end(&progress));
  pull_progress_release(&progress);
}

static void numbers_of_any_size_are_added_up(void **state)
{
  (void)state;
  struct pull_progress progress = {0};
  for (int i = 0; i < PULL_LAYERS_MAX; i++) {
    char line[256];
    snprintf(line, sizeof line,
             "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":9223372036854775807,"
             "\"total\":9223372036854775807},\"id\":\"%d\"}\n",
             i);
    assert_true(feed(&progress, line));
  }
  assert_false(feed(&progress, "{\"status\":\"Downloading\",\"progressDetail\":{\"total\":5},\"id\":\"more\"}\n"));
  assert_text(&progress, "pulling python:3.11: 288230376151 of 288230376152 MB");
  feed(&progress, "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":-1,\"total\":-1},\"id\":\"0\"}\n");
  assert_int_equal(progress.layers[0].total_bytes, 0);
  pull_progress_release(&progress);
}

static void the_longest_name_is_told_whole(void **state)
{
  (void)state;
  struct pull_progress progress = {0};
  char image[IMAGE_NAME_SIZE], text[PULL_TEXT_SIZE];
  memset(image, 'a', sizeof image - 1);
  image[sizeof image - 1] = 0;
  for (int i = 0; i < PULL_LAYERS_MAX; i++) {
    snprintf(text, sizeof text, "{\"status\":\"Pull complete\",\"id\":\"%d\"}\n", i);
    feed(&progress, text);
  }
  pull_progress_text(&progress, image, text);
  assert_non_null(strstr(text, "a: unpacking, 256 of 256 layers"));
  pull_progress_release(&progress);
}

static void how_the_bytes_are_cut_does_not_matter(void **state)
{
  (void)state;
  const char body[] =
    "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":4000000,\"total\":12000000},\"id\":\"b\"}\r\n"
    "{\"error\":\"no\"}\r\n";
  for (size_t piece = 1; piece < 30; piece++) {
    struct pull_progress progress = {0};
    for (size_t at = 0; at < sizeof body - 1; at += piece)
      pull_progress_feed(&progress, body + at, at + piece < sizeof body - 1 ? piece : sizeof body - 1 - at);
    assert_text(&progress, "pulling python:3.11: 4 of 12 MB");
    assert_false(pull_progress_end(&progress));
    pull_progress_release(&progress);
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_pull_is_told_from_its_begin_to_its_end),
    cmocka_unit_test(a_small_image_is_told_in_smaller_units),
    cmocka_unit_test(an_error_under_way_is_the_outcome),
    cmocka_unit_test(no_error_is_none),
    cmocka_unit_test(a_long_error_is_cut),
    cmocka_unit_test(nonsense_changes_nothing),
    cmocka_unit_test(numbers_of_any_size_are_added_up),
    cmocka_unit_test(the_longest_name_is_told_whole),
    cmocka_unit_test(how_the_bytes_are_cut_does_not_matter),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
