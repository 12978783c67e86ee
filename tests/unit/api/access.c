/* Who may do what: tokens and their scopes, the socket, and pages of other sites. */

#include "api/access/access.h"

#include "api/access/admission.h"
#include "api/access/origin.h"
#include "api/access/secret.h"
#include "base/memory.h"
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Origins. */

static void only_pages_of_this_address_or_of_allowed_sites_are_own(void **state)
{
  (void)state;
  static const char *const allowed[] = {"https://assay.example.org", NULL};
  static const struct {
    const char *origin, *host;
    bool is_own;
  } cases[] = {
    {"http://127.0.0.1:7117", "127.0.0.1:7117", true},
    {"http://localhost:7117", "localhost:7117", true},
    {"http://[::1]:7117", "[::1]:7117", true},
    {"http://10.1.2.3", "10.1.2.3", true},
    {"https://assay.example.org", "assay.example.org", true},
    {"https://assay.example.org", "127.0.0.1:7117", true},
    {"http://assay.example.org", "assay.example.org", false},
    {"http://127.0.0.1:8000", "127.0.0.1:7117", false},
    {"http://127.0.0.1", "127.0.0.1:7117", false},
    {"https://evil.example.org", "127.0.0.1:7117", false},
    {"http://rebound.example.org:7117", "rebound.example.org:7117", false},
    {"http://localhost.example.org", "localhost.example.org", false},
    {"http://127.0.0.1.example.org", "127.0.0.1.example.org", false},
    {"http://[::1", "[::1", true}, /* the same nonsense twice is nobody's page */
    {"null", "127.0.0.1:7117", false},
    {"", "127.0.0.1:7117", false},
    {"http://127.0.0.1:7117", NULL, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (origin_is_own(cases[i].origin, cases[i].host, allowed) != cases[i].is_own)
      fail_msg("%s asks %s", cases[i].origin, cases[i].host);
  assert_false(origin_is_own("https://assay.example.org", "assay.example.org", NULL));
}

/* Secrets. */

static void a_secret_is_long_and_never_the_same(void **state)
{
  (void)state;
  char first[SECRET_SIZE], second[SECRET_SIZE];
  assert_true(secret_make(first, NULL));
  assert_true(secret_make(second, NULL));
  assert_int_equal(strlen(first), strlen(SECRET_PREFIX) + 64);
  assert_string_not_equal(first, second);
}

static void a_digest_is_the_sha_256_of_its_secret(void **state)
{
  (void)state;
  static const unsigned char of_abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
  unsigned char digest[STORE_DIGEST_SIZE], other[STORE_DIGEST_SIZE];
  secret_digest("abc", digest);
  assert_memory_equal(digest, of_abc, sizeof of_abc);
  memcpy(other, digest, sizeof other);
  assert_true(secret_digests_equal(digest, other));
  other[STORE_DIGEST_SIZE - 1] ^= 1;
  assert_false(secret_digests_equal(digest, other));
}

static void a_bearer_s_secret_is_found_and_no_other_scheme_s(void **state)
{
  (void)state;
  assert_string_equal(secret_of_field("Bearer abc"), "abc");
  assert_string_equal(secret_of_field("bearer   abc"), "abc");
  assert_string_equal(secret_of_field("Bearer"), "");
  assert_null(secret_of_field("Bearers abc"));
  assert_null(secret_of_field("Basic YTpi"));
  assert_null(secret_of_field(NULL));
}

/* Tokens. */

static void a_name_is_of_few_characters(void **state)
{
  (void)state;
  static const char *const good[] = {"ci", "_", "a.b-c", "0123456789012345678901234567890"};
  static const char *const bad[] = {"", ".", "-x", "a b", "a/b", "\xc3\xa4", "01234567890123456789012345678901"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(token_name_valid(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(token_name_valid(bad[i]));
}

static void a_token_is_the_same_from_the_store(void **state)
{
  (void)state;
  struct token token = {.name = "ci", .scopes = SCOPE_SUBMIT | SCOPE_ADMIN, .digest = {1, 2, 3}, .created_at = {42}};
  token.limits = limits_most();
  token.limits.wall_time_ms = 1000;
  token.open_evaluations = 4;
  struct token_texts texts;
  struct store_token stored = token_to_store(&token, &texts);
  assert_string_equal(stored.scopes, "submit admin");
  assert_string_equal(stored.limits, "{\"open_evaluations\":4,\"wall_time_ms\":1000}");
  struct token again = token_from_store(&stored);
  assert_memory_equal(&again, &token, sizeof token);
  token_texts_release(&texts);
}

static void a_scope_of_a_later_version_gives_nothing(void **state)
{
  (void)state;
  struct store_token stored = {.name = "ci", .scopes = "read administer", .limits = "{}"};
  assert_int_equal(token_from_store(&stored).scopes, SCOPE_READ);
}

static void a_limit_of_a_later_version_takes_the_right_to_submit(void **state)
{
  (void)state;
  struct store_token stored = {.name = "ci", .scopes = "submit read admin", .limits = "{\"evaluations_a_week\":1}"};
  assert_int_equal(token_from_store(&stored).scopes, SCOPE_READ);
}

static void every_fault_of_a_request_for_a_token_is_told(void **state)
{
  (void)state;
  static const struct {
    const char *body, *path;
  } cases[] = {
    {"[]", "$"},
    {"{", "$"},
    {"{}", "$.name"},
    {"{\"name\":1}", "$.name"},
    {"{\"name\":\"a b\"}", "$.name"},
    {"{\"name\":\"a\\u0000b\"}", "$"},
    {"{\"name\":\"a\",\"scopes\":[]}", "$.scopes"},
    {"{\"name\":\"a\",\"scopes\":\"read\"}", "$.scopes"},
    {"{\"name\":\"a\",\"scopes\":[\"read\",\"write\"]}", "$.scopes[1]"},
    {"{\"name\":\"a\",\"secret\":\"b\"}", "$.secret"},
    {"{\"name\":\"a\",\"limits\":[]}", "$.limits"},
    {"{\"name\":\"a\",\"limits\":{\"nonsense\":1}}", "$.limits.nonsense"},
    {"{\"name\":\"a\",\"limits\":{\"open_evaluations\":0}}", "$.limits.open_evaluations"},
    {"{\"name\":\"a\",\"limits\":{\"submissions_per_minute\":\"9\"}}", "$.limits.submissions_per_minute"},
    {"{\"name\":\"a\",\"limits\":{\"wall_time_ms\":0}}", "$.limits.wall_time_ms"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct faults faults;
    struct token token;
    faults.count = 0;
    assert_false(token_decode(cases[i].body, strlen(cases[i].body), &token, &faults));
    if (strcmp(faults.entry[0].path, cases[i].path) != 0)
      fail_msg("%s: %s %s", cases[i].body, faults.entry[0].path, faults.entry[0].message);
  }
}

/* The decision. */

static struct token token_with(const char *name, const char *secret, unsigned scopes)
{
  struct token token = {.scopes = scopes};
  snprintf(token.name, sizeof token.name, "%s", name);
  secret_digest(secret, token.digest);
  return token;
}

enum { ALLOWED = 0 };

struct question {
  bool is_required, is_from_tcp;
  const char *authorization; /* or NULL */
  enum scope scope;
  int status; /* ALLOWED, or the error's */
};

static void decide(const struct question *question)
{
  struct access *access = access_create(&(struct access_config){.is_required = question->is_required});
  struct token reader = token_with("reader", "sesame", SCOPE_READ), owner = token_with("owner", "open", SCOPE_ADMIN);
  assert_true(access_add(access, &reader));
  assert_true(access_add(access, &owner));
  struct http_request *request = fake_request("GET", "/");
  request->is_from_tcp = question->is_from_tcp;
  if (question->authorization)
    fake_request_header(request, "Authorization", question->authorization);
  struct error error;
  bool allowed = access_allows(access, request, question->scope, &error);
  int status = allowed ? ALLOWED : error_http_status(error.kind);
  if (status != question->status)
    fail_msg("%s: %d", question->authorization ? question->authorization : "nothing", status);
  if (!allowed && strstr(error.message, "guess"))
    fail_msg("a secret is told: %s", error.message);
  request->answers = 1;
  fake_request_destroy(request);
  access_destroy(access);
}

static void what_a_request_may_follows_from_token_socket_and_scope(void **state)
{
  (void)state;
  static const struct question questions[] = {
    /* where no token is required, none is needed */
    {false, true, NULL, SCOPE_SUBMIT, ALLOWED},
    {false, true, NULL, SCOPE_ADMIN, ALLOWED},
    /* where one is, the socket is the way without */
    {true, true, NULL, SCOPE_READ, 401},
    {true, true, "Basic YTpi", SCOPE_READ, 401},
    {true, false, NULL, SCOPE_ADMIN, ALLOWED},
    {true, true, NULL, SCOPE_OPEN, ALLOWED},
    {true, true, "Bearer guess", SCOPE_OPEN, ALLOWED},
    /* a token gives its scopes, and no others */
    {true, true, "Bearer sesame", SCOPE_READ, ALLOWED},
    {true, true, "Bearer sesame", SCOPE_SUBMIT, 403},
    {true, true, "Bearer sesame", SCOPE_ADMIN, 403},
    {true, true, "Bearer open", SCOPE_READ, ALLOWED},
    {true, true, "Bearer open", SCOPE_ADMIN, ALLOWED},
    /* and counts wherever it is presented */
    {false, true, "Bearer guess", SCOPE_READ, 401},
    {false, false, "Bearer guess", SCOPE_READ, 401},
    {true, false, "Bearer sesame", SCOPE_SUBMIT, 403},
    {true, true, "Bearer ", SCOPE_READ, 401},
  };
  for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
    decide(&questions[i]);
}

static void tokens_are_held_by_name_and_gone_once_removed(void **state)
{
  (void)state;
  struct access *access = access_create(&(struct access_config){0});
  static const char *const names[] = {"m", "a", "z"};
  for (size_t i = 0; i < 3; i++) {
    struct token token = token_with(names[i], names[i], SCOPE_READ);
    assert_true(access_add(access, &token));
    assert_false(access_add(access, &token));
  }
  assert_string_equal(access_each(access, 0)->name, "a");
  assert_string_equal(access_each(access, 2)->name, "z");
  assert_null(access_each(access, 3));
  access_remove(access, "m");
  access_remove(access, "m");
  assert_null(access_find(access, "m"));
  assert_string_equal(access_each(access, 1)->name, "z");
  access_destroy(access);
}

/* How much. */

static bool take_at(struct access *access, struct executor *executor, const struct evaluation *evaluation, uint64_t ms,
                    struct error *error)
{
  return admission_take(access, executor, access_find(access, "ci"), evaluation, (struct mono){ms * 1000}, error);
}

static struct access *access_with(unsigned per_minute, unsigned open)
{
  struct access *access = access_create(&(struct access_config){0});
  struct token token = token_with("ci", "secret", SCOPE_SUBMIT);
  token.limits = limits_most();
  token.limits.wall_time_ms = 60000;
  token.submissions_per_minute = per_minute;
  token.open_evaluations = open;
  assert_true(access_add(access, &token));
  return access;
}

static void a_rate_lets_a_minute_s_worth_at_once_and_then_evenly(void **state)
{
  (void)state;
  struct access *access = access_with(3, 0);
  struct executor executor = {0};
  struct evaluation *evaluation = evaluation_create();
  struct error error;
  for (int i = 0; i < 3; i++)
    assert_true(take_at(access, &executor, evaluation, 100000, NULL));
  assert_false(take_at(access, &executor, evaluation, 100000, &error));
  assert_int_equal(error.kind, ERROR_OVERLOADED);
  assert_non_null(strstr(error.message, "the next one in 20000 ms"));
  const struct token *token = access_find(access, "ci");
  assert_int_equal(admission_wait_s(access, token, (struct mono){100000 * 1000}), 20);
  assert_int_equal(admission_wait_s(access, token, (struct mono){100001 * 1000}), 20); /* and not a second too early */
  assert_int_equal(admission_wait_s(access, token, (struct mono){120000 * 1000}), 0);
  assert_false(take_at(access, &executor, evaluation, 119999, NULL));
  assert_true(take_at(access, &executor, evaluation, 120000, NULL));
  assert_false(take_at(access, &executor, evaluation, 120000, NULL));
  for (int i = 0; i < 3; i++) /* what was not used in hours is not saved up */
    assert_true(take_at(access, &executor, evaluation, 10000000, NULL));
  assert_false(take_at(access, &executor, evaluation, 10000000, NULL));
  evaluation_destroy(evaluation);
  access_destroy(access);
}

static void open_ones_count_for_the_token_that_they_came_with(void **state)
{
  (void)state;
  struct access *access = access_with(0, 1);
  struct executor executor = {0};
  struct evaluation *evaluation = evaluation_create(), *other = fake_evaluation(ID_OPEN, 1, STATE_QUEUED);
  struct error error;
  other->token = xstrdup("another");
  fake_open(&executor, other);
  assert_true(take_at(access, &executor, evaluation, 1, NULL));
  struct evaluation *own = fake_evaluation(ID_FINISHED, 2, STATE_RUNNING);
  own->token = xstrdup("ci");
  fake_open(&executor, own);
  assert_false(take_at(access, &executor, evaluation, 1, &error));
  assert_int_equal(error.kind, ERROR_OVERLOADED);
  assert_true(admission_take(access, &executor, NULL, evaluation, (struct mono){1}, NULL));
  fake_executor_release(&executor);
  evaluation_destroy(evaluation);
  access_destroy(access);
}

static void of_many_refusals_few_are_logged_and_the_others_counted(void **state)
{
  (void)state;
  struct access *access = access_create(&(struct access_config){0});
  unsigned logged = 0, left_out = 0;
  for (int i = 0; i < 1000; i++)
    logged += access_logs_refusal(access, (struct mono){5000000}, &left_out);
  assert_int_equal(logged, 10);
  assert_int_equal(left_out, 0);
  assert_true(access_logs_refusal(access, (struct mono){6000000}, &left_out));
  assert_int_equal(left_out, 990);
  assert_true(access_logs_refusal(access, (struct mono){6000000}, &left_out));
  assert_int_equal(left_out, 0);
  access_destroy(access);
}

static void no_evaluation_gets_more_than_its_token_allows(void **state)
{
  (void)state;
  struct access *access = access_with(0, 0);
  struct executor executor = {0};
  struct evaluation *evaluation = evaluation_create();
  struct error error;
  evaluation->limits.wall_time_ms = 60000;
  assert_true(take_at(access, &executor, evaluation, 1, NULL));
  evaluation->limits.wall_time_ms = 60001;
  assert_false(take_at(access, &executor, evaluation, 1, &error));
  assert_int_equal(error.kind, ERROR_FORBIDDEN);
  assert_non_null(strstr(error.message, "wall_time_ms of 60000"));
  evaluation_destroy(evaluation);
  access_destroy(access);
}

/* The routes. */

static struct http_request *ask_with(struct fixture *fixture, const char *method, const char *target,
                                     const char *authorization, const char *body)
{
  struct http_request *request = fake_request(method, target);
  request->is_from_tcp = authorization != NULL;
  if (authorization && *authorization)
    fake_request_header(request, "Authorization", authorization);
  if (body)
    fake_request_body(request, body);
  fixture_handle(fixture, request);
  fake_store_dispatch(&fixture->store);
  return request;
}

static void expect(struct http_request *request, int status)
{
  if (request->status != status)
    fail_msg("%s %s: %d %s", request->method, request->path, request->status, request->answer.data);
  fake_request_destroy(request);
}

static void require_tokens(struct api_config *config)
{
  config->tokens_required = true;
}

static int set_up_required(void **state)
{
  return fixture_set_up_with(state, require_tokens);
}

/* The secret of a token that is made over the socket. */
static char *make(struct fixture *fixture, const char *body)
{
  struct http_request *made = ask_with(fixture, "POST", "/v1/tokens", NULL, body);
  assert_int_equal(made->status, 201);
  const char *secret = strstr(made->answer.data, SECRET_PREFIX);
  assert_non_null(secret);
  char *authorization = xasprintf("Bearer %.*s", SECRET_SIZE - 1, secret);
  fake_request_destroy(made);
  return authorization;
}

static void a_token_lets_in_until_it_is_revoked(void **state)
{
  struct fixture *fixture = *state;
  CLEANUP_FREE char *reader = make(fixture, "{\"name\":\"ci\",\"scopes\":[\"read\"]}");
  assert_string_equal(fixture->store.token, "ci read {}");
  struct http_request *guess = ask_with(fixture, "GET", "/v1/evaluations", "", NULL);
  assert_true(guess->closes);
  expect(guess, 401);
  expect(ask_with(fixture, "GET", "/v1/evaluations", reader, NULL), 200);
  expect(ask_with(fixture, "POST", "/v1/evaluations", reader, "{}"), 403);
  expect(ask_with(fixture, "POST", "/v1/tokens/ci/revoke", reader, NULL), 403);
  expect(ask_with(fixture, "POST", "/v1/tokens/ci/revoke", NULL, NULL), 200);
  assert_string_equal(fixture->store.token, "");
  expect(ask_with(fixture, "GET", "/v1/evaluations", reader, NULL), 401);
}

static void who_is_not_let_in_is_told_how(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *refused = ask_with(fixture, "GET", "/v1/evaluations", "", NULL);
  assert_string_equal(fake_answer_field(refused, "WWW-Authenticate"), "Bearer realm=\"assay\"");
  assert_true(fake_answer_contains(refused, "assay token create"));
  expect(refused, 401);
}

static void a_secret_is_shown_once(void **state)
{
  struct fixture *fixture = *state;
  CLEANUP_FREE char *secret = make(fixture, "{\"name\":\"ci\"}");
  struct http_request *list = ask_with(fixture, "GET", "/v1/tokens", NULL, NULL);
  assert_true(fake_answer_contains(list, "{\"name\":\"ci\",\"scopes\":[\"submit\",\"read\"],"));
  assert_false(fake_answer_contains(list, SECRET_PREFIX));
  expect(list, 200);
}

static void a_name_is_given_once(void **state)
{
  struct fixture *fixture = *state;
  CLEANUP_FREE char *secret = make(fixture, "{\"name\":\"ci\"}");
  expect(ask_with(fixture, "POST", "/v1/tokens", NULL, "{\"name\":\"ci\"}"), 409);
  fixture->store.fails = true;
  expect(ask_with(fixture, "POST", "/v1/tokens", NULL, "{\"name\":\"other\"}"), 503);
  expect(ask_with(fixture, "POST", "/v1/tokens/ci/revoke", NULL, NULL), 503);
  fixture->store.fails = false;
  expect(ask_with(fixture, "POST", "/v1/tokens/ci/revoke", NULL, NULL), 200);
  expect(ask_with(fixture, "POST", "/v1/tokens/ci/revoke", NULL, NULL), 404);
}

static void what_is_in_the_store_is_known_after_a_start(void **state)
{
  struct fixture *fixture = *state;
  assert_true(api_load_tokens(fixture->api, NULL));
  struct http_request *list = ask_with(fixture, "GET", "/v1/tokens", NULL, NULL);
  assert_true(fake_answer_contains(list, "\"required\":true"));
  assert_true(fake_answer_contains(list, "{\"name\":\"loaded\",\"scopes\":[\"submit\",\"read\"],"));
  expect(list, 200);
}

static void accept_submitted(struct fixture *fixture)
{
  struct evaluation *evaluation = TAKE_PTR(fixture->executor.submitted);
  snprintf(evaluation->id, sizeof evaluation->id, "%s", ID_OPEN);
  evaluation->state = STATE_QUEUED;
  evaluation->entered_at[STATE_QUEUED].ms = 1000;
  fake_open(&fixture->executor, evaluation);
  api_accepted(fixture->api, evaluation, fixture->executor.token, STORE_DONE, NULL);
}

static void an_evaluation_knows_the_token_that_it_came_with(void **state)
{
  struct fixture *fixture = *state;
  CLEANUP_FREE char *submitter = make(fixture, "{\"name\":\"ci\",\"scopes\":[\"submit\"]}");
  struct http_request *request = ask_with(fixture, "POST", "/v1/evaluations", submitter, "{\"command\":[\"true\"]}");
  assert_non_null(fixture->executor.submitted);
  assert_string_equal(fixture->executor.submitted->token, "ci");
  accept_submitted(fixture);
  assert_true(fake_answer_contains(request, "\"token\":\"ci\""));
  expect(request, 202);
}

static void a_submission_is_held_against_its_token_s_limits(void **state)
{
  struct fixture *fixture = *state;
  CLEANUP_FREE char *secret =
    make(fixture, "{\"name\":\"ci\",\"limits\":{\"wall_time_ms\":1000,\"submissions_per_minute\":1}}");
  struct http_request *wrong =
    ask_with(fixture, "POST", "/v1/evaluations", secret, "{\"command\":[\"x\"],\"limits\":{\"wall_time_ms\":1001}}");
  assert_true(fake_answer_contains(wrong, "$.limits.wall_time_ms"));
  expect(wrong, 400);
  struct http_request *request = ask_with(fixture, "POST", "/v1/evaluations", secret, "{\"command\":[\"x\"]}");
  assert_int_equal(fixture->executor.submitted->limits.wall_time_ms, 1000);
  accept_submitted(fixture);
  expect(request, 202);
  struct http_request *early = ask_with(fixture, "POST", "/v1/evaluations", secret, "{\"command\":[\"x\"]}");
  int retry_after_s = atoi(fake_answer_field(early, "Retry-After")); /* one a minute */
  assert_true(retry_after_s > 1 && retry_after_s <= 60);
  expect(early, 429);
}

static void tokens_are_not_anybody_s_where_none_is_required(void **state)
{
  struct fixture *fixture = *state;
  expect(ask_with(fixture, "GET", "/v1/evaluations", "", NULL), 200);
  expect(ask_with(fixture, "GET", "/v1/tokens", "", NULL), 403);
  expect(ask_with(fixture, "POST", "/v1/tokens", "", "{\"name\":\"ci\"}"), 403);
  expect(ask_with(fixture, "POST", "/v1/tokens/ci/revoke", "", NULL), 403);
}

static void a_page_of_another_site_is_refused_everywhere(void **state)
{
  struct fixture *fixture = *state;
  static const char *const targets[] = {"/", "/healthz", "/v1/evaluations", "/nothing"};
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    struct http_request *request = fake_request("GET", targets[i]);
    fake_request_header(request, "Host", "127.0.0.1:7117");
    fake_request_header(request, "Origin", "https://evil.example.org");
    fixture_handle(fixture, request);
    assert_null(fake_answer_field(request, "Access-Control-Allow-Origin"));
    expect(request, 403);
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define required_test(name) cmocka_unit_test_setup_teardown(name, set_up_required, fixture_tear_down)
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_pages_of_this_address_or_of_allowed_sites_are_own),
    cmocka_unit_test(a_secret_is_long_and_never_the_same),
    cmocka_unit_test(a_digest_is_the_sha_256_of_its_secret),
    cmocka_unit_test(a_bearer_s_secret_is_found_and_no_other_scheme_s),
    cmocka_unit_test(a_name_is_of_few_characters),
    cmocka_unit_test(a_token_is_the_same_from_the_store),
    cmocka_unit_test(a_scope_of_a_later_version_gives_nothing),
    cmocka_unit_test(every_fault_of_a_request_for_a_token_is_told),
    cmocka_unit_test(what_a_request_may_follows_from_token_socket_and_scope),
    cmocka_unit_test(tokens_are_held_by_name_and_gone_once_removed),
    cmocka_unit_test(a_limit_of_a_later_version_takes_the_right_to_submit),
    cmocka_unit_test(a_rate_lets_a_minute_s_worth_at_once_and_then_evenly),
    cmocka_unit_test(open_ones_count_for_the_token_that_they_came_with),
    cmocka_unit_test(of_many_refusals_few_are_logged_and_the_others_counted),
    cmocka_unit_test(no_evaluation_gets_more_than_its_token_allows),
    required_test(a_token_lets_in_until_it_is_revoked),
    required_test(who_is_not_let_in_is_told_how),
    required_test(a_secret_is_shown_once),
    required_test(a_name_is_given_once),
    required_test(what_is_in_the_store_is_known_after_a_start),
    required_test(an_evaluation_knows_the_token_that_it_came_with),
    required_test(a_submission_is_held_against_its_token_s_limits),
    fixture_test(tokens_are_not_anybody_s_where_none_is_required),
    fixture_test(a_page_of_another_site_is_refused_everywhere),
  };
  return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
