/* Signatures of webhooks, against the example of Standard Webhooks; and files of secrets. */

#include "webhook/secrets.h"

#include "base/base64.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct secrets *load(const char *text, struct error *error)
{
  char path[] = "/tmp/assay-secrets-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  close(fd);
  struct secrets *secrets = secrets_load(path, error);
  unlink(path);
  return secrets;
}

static char *sign(const char *file, const char *id, int64_t timestamp_s, const char *body)
{
  struct error error = {0};
  struct secrets *secrets = load(file, &error);
  if (!secrets)
    fail_msg("%s", error.message);
  struct buffer signature = {0};
  secrets_sign(secrets, id, timestamp_s, body, strlen(body), &signature);
  secrets_destroy(secrets);
  return buffer_take(&signature, NULL);
}

#define EXAMPLE_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define EXAMPLE_ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define EXAMPLE_BODY "{\"test\": 2432232314}"
#define EXAMPLE_SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static void a_signature_is_that_of_standard_webhooks(void **state)
{
  (void)state;
  CLEANUP_FREE char *signature = sign(EXAMPLE_SECRET "\n", EXAMPLE_ID, 1614265330, EXAMPLE_BODY);
  assert_string_equal(signature, EXAMPLE_SIGNATURE);
}

static void a_secret_need_not_be_base64(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer encoded = {0};
  base64_encode("a secret of thirty-two bytes, or", 32, &encoded);
  CLEANUP_FREE char *line = xasprintf("whsec_%s", encoded.data);
  CLEANUP_FREE char *one = sign(line, "msg_1", 1, "{}");
  CLEANUP_FREE char *other = sign("a secret of thirty-two bytes, or\r\n", "msg_1", 1, "{}");
  assert_string_equal(one, other);
}

static void every_line_signs(void **state)
{
  (void)state;
  CLEANUP_FREE char *signature =
    sign("\n" EXAMPLE_SECRET "\n\n" EXAMPLE_SECRET "\r\n", EXAMPLE_ID, 1614265330, EXAMPLE_BODY);
  assert_string_equal(signature, EXAMPLE_SIGNATURE " " EXAMPLE_SIGNATURE);
}

static void id_time_and_body_are_signed(void **state)
{
  (void)state;
  CLEANUP_FREE char *id = sign(EXAMPLE_SECRET, "msg_2", 1614265330, EXAMPLE_BODY);
  CLEANUP_FREE char *time = sign(EXAMPLE_SECRET, EXAMPLE_ID, 1614265331, EXAMPLE_BODY);
  CLEANUP_FREE char *body = sign(EXAMPLE_SECRET, EXAMPLE_ID, 1614265330, "{}");
  assert_string_not_equal(id, EXAMPLE_SIGNATURE);
  assert_string_not_equal(time, EXAMPLE_SIGNATURE);
  assert_string_not_equal(body, EXAMPLE_SIGNATURE);
}

static void a_file_that_is_wrong_is_refused_and_not_told(void **state)
{
  (void)state;
  static const struct {
    const char *text, *why;
  } cases[] = {
    {"", "no secret"},
    {"\n\n", "no secret"},
    {EXAMPLE_SECRET "\ntoo short\n", "line 2 is neither"},
    {"whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!\n", "line 1 is neither"},
    {"0123456789012345678901234567890123456789012345678901234567890123456789", "line 1 is neither"},
    {EXAMPLE_SECRET "\n" EXAMPLE_SECRET "\n" EXAMPLE_SECRET "\n" EXAMPLE_SECRET "\n" EXAMPLE_SECRET, "more than 4"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct error error = {0};
    assert_null(load(cases[i].text, &error));
    if (!strstr(error.message, cases[i].why) || strstr(error.message, "whsec_M") || strstr(error.message, "short"))
      fail_msg("%s", error.message);
  }
  struct error error = {0};
  assert_null(secrets_load("/nowhere/at/all", &error));
  assert_non_null(strstr(error.message, "/nowhere/at/all"));
  secrets_destroy(NULL);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_signature_is_that_of_standard_webhooks),
    cmocka_unit_test(a_secret_need_not_be_base64),
    cmocka_unit_test(every_line_signs),
    cmocka_unit_test(id_time_and_body_are_signed),
    cmocka_unit_test(a_file_that_is_wrong_is_refused_and_not_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
