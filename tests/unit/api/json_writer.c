#include "api/json_writer.h"

#include "testing.h"

#include <jansson.h>
#include <string.h>

static void commas_stand_between_values_and_nowhere_else(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer out = {0};
  struct json_writer json = {.out = &out};
  json_write_object_begin(&json);
  json_write_member_text(&json, "a", "x");
  json_write_key(&json, "b");
  json_write_array_begin(&json);
  json_write_array_end(&json);
  json_write_key(&json, "c");
  json_write_array_begin(&json);
  json_write_u64(&json, 0);
  json_write_i64(&json, -7);
  json_write_object_begin(&json);
  json_write_object_end(&json);
  json_write_raw(&json, "{\"d\":1}");
  json_write_array_end(&json);
  json_write_member_bool(&json, "e", false);
  json_write_member_text(&json, "f", NULL);
  json_write_object_end(&json);
  assert_string_equal(out.data, "{\"a\":\"x\",\"b\":[],\"c\":[0,-7,{},{\"d\":1}],\"e\":false,\"f\":null}");
}

static void numbers_reach_their_ends(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer out = {0};
  struct json_writer json = {.out = &out};
  json_write_array_begin(&json);
  json_write_u64(&json, UINT64_MAX);
  json_write_i64(&json, INT64_MIN);
  json_write_i64(&json, INT64_MAX);
  json_write_array_end(&json);
  assert_string_equal(out.data, "[18446744073709551615,-9223372036854775808,9223372036854775807]");
}

/* Every single byte, and every pair with an e2 in front, as text: what comes out must be JSON to a strict reader. */
static void every_byte_gives_valid_json(void **state)
{
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++) {
    CLEANUP_BUFFER struct buffer out = {0};
    struct json_writer json = {.out = &out};
    unsigned char bytes[] = {(unsigned char)byte, 0xe2, (unsigned char)byte, 'z'};
    json_write_array_begin(&json);
    json_write_string_begin(&json);
    bool lossy = json_write_bytes(&json, bytes, sizeof bytes);
    json_write_string_end(&json);
    json_write_array_end(&json);
    assert_true(lossy); /* for the e2 */
    json_t *array = json_loadb(out.data, out.size, JSON_ALLOW_NUL, NULL);
    assert_non_null(array);
    assert_int_equal(json_array_size(array), 1);
    const json_t *text = json_array_get(array, 0);
    if (byte < 0x80)
      assert_int_equal(*json_string_value(text), byte);
    assert_int_equal(json_string_value(text)[json_string_length(text) - 1], 'z');
    json_decref(array);
  }
}

/* Long plain runs are looked at in steps; wherever a byte stands in one, it is seen. */
static void a_byte_is_seen_wherever_it_stands_in_a_run(void **state)
{
  (void)state;
  enum { RUN = 27 };
  for (unsigned byte = 0; byte < 0x80 * RUN; byte++) {
    CLEANUP_BUFFER struct buffer out = {0};
    struct json_writer json = {.out = &out};
    char text[RUN];
    memset(text, 'x', sizeof text);
    text[byte % RUN] = (char)(byte / RUN);
    json_write_array_begin(&json);
    json_write_string_begin(&json);
    assert_false(json_write_bytes(&json, text, sizeof text));
    json_write_string_end(&json);
    json_write_array_end(&json);
    json_t *array = json_loadb(out.data, out.size, JSON_ALLOW_NUL, NULL);
    assert_int_equal(json_string_length(json_array_get(array, 0)), RUN);
    assert_memory_equal(json_string_value(json_array_get(array, 0)), text, RUN);
    json_decref(array);
  }
}

static void escapes_are_those_of_the_rfc(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer out = {0};
  struct json_writer json = {.out = &out};
  json_write_text(&json, "\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9");
  assert_string_equal(out.data, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\"");
}

/* Unicode 15, table 3-8: one U+FFFD for each maximal subpart. */
static void each_maximal_subpart_becomes_one_replacement(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer out = {0};
  struct json_writer json = {.out = &out};
  static const char bytes[] = "\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64";
  json_write_string_begin(&json);
  assert_true(json_write_bytes(&json, bytes, sizeof bytes - 1));
  json_write_string_end(&json);
#define R "\xef\xbf\xbd"
  assert_string_equal(out.data, "\"a" R R R "b" R "c" R R "d\"");
}

static void two_parts_do_not_make_a_character_together(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer out = {0};
  struct json_writer json = {.out = &out};
  json_write_string_begin(&json);
  assert_true(json_write_bytes(&json, "\xc3", 1));
  assert_true(json_write_bytes(&json, "\xa9", 1));
  json_write_string_end(&json);
  assert_string_equal(out.data, "\"" R R "\"");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(commas_stand_between_values_and_nowhere_else),
    cmocka_unit_test(numbers_reach_their_ends),
    cmocka_unit_test(every_byte_gives_valid_json),
    cmocka_unit_test(a_byte_is_seen_wherever_it_stands_in_a_run),
    cmocka_unit_test(escapes_are_those_of_the_rfc),
    cmocka_unit_test(each_maximal_subpart_becomes_one_replacement),
    cmocka_unit_test(two_parts_do_not_make_a_character_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
