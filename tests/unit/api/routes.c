#include "api/routes.h"

#include "fixture.h"

#include <string.h>

struct route_case {
  const char *name, *method, *target;
  int status;
  const char *allow;
};

static const struct route_case cases[] = {
  {"the_root_says_where_to_go", "GET", "/", 200, NULL},
  {"health", "GET", "/healthz", 200, NULL},
  {"a_head_is_answered_as_its_get", "HEAD", "/healthz", 200, NULL},
  {"readiness", "GET", "/readyz", 200, NULL},
  {"metrics", "GET", "/metrics", 200, NULL},
  {"runtimes", "GET", "/v1/runtimes", 200, NULL},
  {"doctor", "GET", "/v1/doctor", 200, NULL},
  {"a_backup", "POST", "/v1/admin/backup", 201, NULL},
  {"the_tokens", "GET", "/v1/tokens", 200, NULL},
  {"a_token_that_there_is_not", "POST", "/v1/tokens/nobody/revoke", 404, NULL},
  {"what_is_no_name_of_a_token", "POST", "/v1/tokens/.hidden/revoke", 404, NULL},
  {"the_description_of_the_api", "GET", "/openapi.json", 200, NULL},
  {"an_unknown_path", "GET", "/v1/nothing", 404, NULL},
  {"a_path_that_goes_on", "GET", "/healthz/", 404, NULL},
  {"a_path_that_ends_early", "GET", "/health", 404, NULL},
  {"an_unknown_path_with_any_method", "BREW", "/coffee", 404, NULL},
  {"a_list_with_a_slash_behind", "GET", "/v1/evaluations/", 404, NULL},
  {"what_is_no_id", "GET", "/v1/evaluations/latest", 404, NULL},
  {"an_id_that_is_too_long", "GET", "/v1/evaluations/" ID_OPEN "0000000000000000", 404, NULL},
  {"an_unknown_part_of_an_evaluation", "GET", "/v1/evaluations/" ID_OPEN "/stdin", 404, NULL},
  {"an_unknown_evaluation", "GET", "/v1/evaluations/" ID_UNKNOWN, 404, NULL},
  {"a_wrong_method", "DELETE", "/healthz", 405, "GET, HEAD"},
  {"a_wrong_method_of_two", "PUT", "/v1/evaluations", 405, "POST, GET, HEAD"},
  {"a_get_of_what_is_posted", "GET", "/v1/evaluations/" ID_OPEN "/cancel", 405, "POST"},
  {"a_wrong_method_of_one_evaluation", "POST", "/v1/evaluations/" ID_OPEN "/stdout", 405, "GET, HEAD"},
};
enum { CASES = sizeof cases / sizeof *cases };

static void is_answered_so(void **state)
{
  const struct route_case *the_case = *state;
  void *fixture = NULL;
  assert_int_equal(fixture_set_up(&fixture), 0);
  struct http_request *request = fixture_ask(fixture, the_case->method, the_case->target);
  assert_int_equal(request->status, the_case->status);
  const char *allow = fake_answer_field(request, "Allow");
  assert_string_equal(allow ? allow : "", the_case->allow ? the_case->allow : "");
  if (the_case->status >= 400)
    assert_string_equal(request->content_type, "application/problem+json");
  fake_request_destroy(request);
  fixture_tear_down(&fixture);
}

static void every_route_has_words_for_it(void **state)
{
  (void)state;
  const struct route *route;
  for (size_t i = 0; (route = routes_at(i)); i++) {
    assert_true(route->path[0] == '/');
    assert_true(strlen(route->summary) > 0);
    assert_non_null(route->handler);
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  struct CMUnitTest tests[CASES + 1];
  for (size_t i = 0; i < CASES; i++)
    tests[i] = (struct CMUnitTest){cases[i].name, is_answered_so, NULL, NULL, (void *)&cases[i]};
  tests[CASES] = (struct CMUnitTest)cmocka_unit_test(every_route_has_words_for_it);
  return _cmocka_run_group_tests("routes", tests, CASES + 1, NULL, NULL);
}
