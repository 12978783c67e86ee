#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

struct pair {
  const char *plain, *encoded;
};

/* RFC 4648, section 10, and the digits that it does not use. */
static const struct pair pairs[] = {
  {"", ""},
  {"f", "Zg=="},
  {"fo", "Zm8="},
  {"foo", "Zm9v"},
  {"foob", "Zm9vYg=="},
  {"fooba", "Zm9vYmE="},
  {"foobar", "Zm9vYmFy"},
  {"\xfb\xff\xbe", "+/++"},
};

static void what_is_encoded_is_decoded_again(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    CLEANUP_BUFFER struct buffer encoded = {0}, decoded = {0};
    base64_encode(pairs[i].plain, strlen(pairs[i].plain), &encoded);
    assert_string_equal(encoded.data, pairs[i].encoded);
    assert_true(base64_decode(encoded.data, encoded.size, &decoded));
    assert_int_equal(decoded.size, strlen(pairs[i].plain));
    assert_memory_equal(decoded.data ? decoded.data : "", pairs[i].plain, decoded.size);
  }
}

static void what_is_not_base64_is_refused_and_leaves_nothing(void **state)
{
  (void)state;
  static const char *const wrong[] = {"Z",      "Zg",   "Zg=",  "Zg==Zg==", "Z===", "====", "Zm 9v",
                                      "Zm9v\n", "Zm-_", "Zh==", "Zm9=",     "Zg=a", "=Zg="};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CLEANUP_BUFFER struct buffer decoded = {0};
    buffer_puts(&decoded, "x");
    assert_false(base64_decode(wrong[i], strlen(wrong[i]), &decoded));
    assert_int_equal(decoded.size, 1);
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_encoded_is_decoded_again),
    cmocka_unit_test(what_is_not_base64_is_refused_and_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
