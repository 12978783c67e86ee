/* Text as a part of a query or of a path. */

#include "http/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_encoded(const char *text, const char *encoded)
{
  CLEANUP_BUFFER struct buffer out = {0};
  buffer_puts(&out, "before:");
  http_encode_part(&out, text);
  assert_memory_equal(out.data, "before:", 7);
  assert_string_equal(out.data + 7, encoded);
}

static void unreserved_characters_stay(void **state)
{
  (void)state;
  assert_encoded("", "");
  assert_encoded("azAZ09-._~", "azAZ09-._~");
}

static void all_others_are_percent_encoded(void **state)
{
  (void)state;
  assert_encoded("a/b?c=d&e", "a%2Fb%3Fc%3Dd%26e");
  assert_encoded("{\"label\":[\"a b\"]}", "%7B%22label%22%3A%5B%22a%20b%22%5D%7D");
  assert_encoded("100%+#", "100%25%2B%23");
  assert_encoded("\r\n\t\x01\x7f", "%0D%0A%09%01%7F");
  assert_encoded("\303\244\377", "%C3%A4%FF");
}

static void every_byte_is_what_it_was_once_decoded(void **state)
{
  (void)state;
  for (unsigned byte = 1; byte < 256; byte++) {
    CLEANUP_BUFFER struct buffer out = {0};
    char text[] = {(char)byte, 0};
    http_encode_part(&out, text);
    unsigned decoded = (unsigned char)*out.data;
    if (out.size == 3)
      assert_int_equal(sscanf(out.data, "%%%2X", &decoded), 1);
    else
      assert_int_equal(out.size, 1);
    assert_int_equal(decoded, byte);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(unreserved_characters_stay),
    cmocka_unit_test(all_others_are_percent_encoded),
    cmocka_unit_test(every_byte_is_what_it_was_once_decoded),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("http/client_encode", tests, 0, 0);
}
