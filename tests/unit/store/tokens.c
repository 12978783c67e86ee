/* Access tokens are durable once it is said so, one of a name, and gone once they are removed. */

#include "support.h"

#include "base/buffer.h"

#include <string.h>

struct answer {
  bool done;
  enum store_result result;
};

static void note(void *context, enum store_result result)
{
  *(struct answer *)context = (struct answer){true, result};
}

static enum store_result put_now(struct fixture *fixture, const char *name, const char *scopes)
{
  struct answer answer = {0};
  const struct store_token token = {
    .name = name, .scopes = scopes, .limits = "{}", .digest = {1, 0, 3}, .created_at = {42}};
  store_put_token(fixture->store, &token, note, &answer);
  fixture_wait(fixture, &answer.done);
  return answer.result;
}

static enum store_result remove_now(struct fixture *fixture, const char *name)
{
  struct answer answer = {0};
  store_remove_token(fixture->store, name, note, &answer);
  fixture_wait(fixture, &answer.done);
  return answer.result;
}

static void write_down(void *context, const struct store_token *token)
{
  buffer_printf(context, "%s:%s:%s:%lld:%d%d%d;", token->name, token->scopes, token->limits,
                (long long)token->created_at.ms, token->digest[0], token->digest[1], token->digest[2]);
}

static void expect_tokens(struct fixture *fixture, const char *expected)
{
  CLEANUP_BUFFER struct buffer text = {0};
  buffer_puts(&text, "");
  assert_true(store_each_token(fixture->store, write_down, &text, 0));
  assert_string_equal(text.data, expected);
}

static void what_was_put_is_there_after_a_crash(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  expect_tokens(fixture, "");
  assert_int_equal(put_now(fixture, "z", "read"), STORE_DONE);
  assert_int_equal(put_now(fixture, "a", "submit read"), STORE_DONE);
  struct fixture *after = fixture_crash(fixture);
  expect_tokens(after, "a:submit read:{}:42:103;z:read:{}:42:103;");
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void a_name_stands_as_it_is(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  assert_int_equal(put_now(fixture, "a", "read"), STORE_DONE);
  assert_int_equal(put_now(fixture, "a", "admin"), STORE_STANDS);
  expect_tokens(fixture, "a:read:{}:42:103;");
  fixture_destroy(fixture);
}

static void what_was_removed_stays_away(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  assert_int_equal(put_now(fixture, "a", "read"), STORE_DONE);
  assert_int_equal(remove_now(fixture, "a"), STORE_DONE);
  assert_int_equal(remove_now(fixture, "a"), STORE_DONE);
  struct fixture *after = fixture_crash(fixture);
  expect_tokens(after, "");
  assert_int_equal(put_now(after, "a", "submit"), STORE_DONE);
  expect_tokens(after, "a:submit:{}:42:103;");
  fixture_destroy(after);
  fixture_destroy(fixture);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_put_is_there_after_a_crash),
    cmocka_unit_test(a_name_stands_as_it_is),
    cmocka_unit_test(what_was_removed_stays_away),
  };
  return cmocka_run_group_tests_name("store/tokens", tests, 0, 0);
}
