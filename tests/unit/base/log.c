#include "base/log.h"

#include "base/fd.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* What is written to standard error between capture_begin() and capture_end(). */
struct capture {
  int file, standard_error;
};

static struct capture capture_begin(void)
{
  struct capture capture = {memfd_create("log", MFD_CLOEXEC), dup(STDERR_FILENO)};
  dup2(capture.file, STDERR_FILENO);
  return capture;
}

static struct blob *capture_end(struct capture capture)
{
  dup2(capture.standard_error, STDERR_FILENO);
  close(capture.standard_error);
  struct blob *text = fd_read_file(capture.file, 65536, 0);
  close(capture.file);
  return text;
}

static int reset(void **state)
{
  (void)state;
  log_set_format(LOG_TEXT);
  log_set_level(LOG_INFO);
  return 0;
}

static const char controls[] = "a\nb\rc\033[2Jd\te\177f\"g\\h";

static void a_line_of_text_has_time_level_id_and_message(void **state)
{
  (void)state;
  struct capture capture = capture_begin();
  log_warning("20261122_195800_0123abcd", "disk is %d %% full", 93);
  CLEANUP_BLOB struct blob *text = capture_end(capture);
  assert_string_equal((char *)text->data + 24, " warning 20261122_195800_0123abcd disk is 93 % full\n");
  assert_int_equal(text->data[23], 'Z');
}

static const struct log_field fields[] = {{"event", "token_made"}, {"left_out", NULL}, {"by", "a\"b\nc"}, {0}};

static void members_stand_behind_a_text(void **state)
{
  (void)state;
  struct capture capture = capture_begin();
  log_fields(LOG_INFO, 0, fields, "made");
  CLEANUP_BLOB struct blob *text = capture_end(capture);
  assert_string_equal((char *)text->data + 24, " info    made event=token_made by=a\"b?c\n");
}

static void members_are_strings_of_an_object(void **state)
{
  (void)state;
  log_set_format(LOG_JSON);
  struct capture capture = capture_begin();
  log_fields(LOG_INFO, 0, fields, "made");
  CLEANUP_BLOB struct blob *text = capture_end(capture);
  assert_non_null(
    strstr((char *)text->data,
           "\"level\":\"info\",\"event\":\"token_made\",\"by\":\"a\\\"b\\u000ac\",\"message\":\"made\"}\n"));
}

static void control_characters_in_text_are_neutralised(void **state)
{
  (void)state;
  struct capture capture = capture_begin();
  log_error(0, "%s", controls);
  CLEANUP_BLOB struct blob *text = capture_end(capture);
  assert_non_null(strstr((char *)text->data, "a?b?c?[2Jd?e?f\"g\\h\n"));
  for (size_t i = 0; i + 1 < text->size; i++)
    assert_true(text->data[i] >= 0x20 && text->data[i] != 0x7f);
}

static void control_characters_in_json_are_escaped(void **state)
{
  (void)state;
  log_set_format(LOG_JSON);
  struct capture capture = capture_begin();
  log_error("some-id", "%s", controls);
  CLEANUP_BLOB struct blob *text = capture_end(capture);
  assert_non_null(strstr((char *)text->data, ",\"level\":\"error\",\"id\":\"some-id\",\"message\":\""
                                             "a\\u000ab\\u000dc\\u001b[2Jd\\u0009e\\u007ff\\\"g\\\\h\"}\n"));
  assert_ptr_equal(memchr(text->data, '\n', text->size), text->data + text->size - 1);
}

static void json_without_an_id_has_no_id(void **state)
{
  (void)state;
  log_set_format(LOG_JSON);
  struct capture capture = capture_begin();
  log_info(0, "hello");
  CLEANUP_BLOB struct blob *text = capture_end(capture);
  assert_null(strstr((char *)text->data, "\"id\""));
}

static void what_is_below_the_level_is_not_written(void **state)
{
  (void)state;
  struct capture capture = capture_begin();
  log_debug(0, "not this");
  log_set_level(LOG_ERROR);
  log_warning(0, "nor this");
  CLEANUP_BLOB struct blob *text = capture_end(capture);
  assert_int_equal(text->size, 0);
}

static void a_long_message_is_cut_off_and_still_one_line(void **state)
{
  (void)state;
  char large[5000];
  memset(large, 'a', sizeof large);
  large[sizeof large - 1] = 0;
  struct capture capture = capture_begin();
  log_info(0, "%s", large);
  CLEANUP_BLOB struct blob *text = capture_end(capture);
  assert_true(text->size < 1200);
  assert_int_equal(text->data[text->size - 1], '\n');
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(a_line_of_text_has_time_level_id_and_message, reset),
    cmocka_unit_test_setup(members_stand_behind_a_text, reset),
    cmocka_unit_test_setup(members_are_strings_of_an_object, reset),
    cmocka_unit_test_setup(control_characters_in_text_are_neutralised, reset),
    cmocka_unit_test_setup(control_characters_in_json_are_escaped, reset),
    cmocka_unit_test_setup(json_without_an_id_has_no_id, reset),
    cmocka_unit_test_setup(what_is_below_the_level_is_not_written, reset),
    cmocka_unit_test_setup(a_long_message_is_cut_off_and_still_one_line, reset),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
