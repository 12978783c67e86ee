#include "fixture.h"

#include <jansson.h>
#include <string.h>

static void readiness_follows_the_daemon(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *ready = fixture_send(fixture, "GET", "/readyz");
  assert_int_equal(ready->status, 200);
  fake_request_destroy(ready);
  fixture->not_ready = "the disk is nearly full";
  fixture->not_ready_kind = ERROR_NO_SPACE;
  struct http_request *full = fixture_send(fixture, "GET", "/readyz");
  assert_int_equal(full->status, 507);
  assert_true(fake_answer_contains(full, "the disk is nearly full"));
  fake_request_destroy(full);
  struct http_request *healthy = fixture_send(fixture, "GET", "/healthz");
  assert_int_equal(healthy->status, 200); /* alive all the same */
  fake_request_destroy(healthy);
}

static void metrics_hold_ours_and_those_of_the_daemon(void **state)
{
  struct fixture *fixture = *state;
  fake_request_destroy(fixture_send(fixture, "GET", "/nothing"));
  struct http_request *request = fixture_send(fixture, "GET", "/metrics");
  assert_string_equal(request->content_type, "text/plain; version=0.0.4; charset=utf-8");
  assert_true(fake_answer_contains(request, "assay_build_info{version=\"1.2.3\"} 1\n"));
  assert_true(fake_answer_contains(request, "assay_http_responses_total{code=\"404\"} 1\n"));
  assert_true(fake_answer_contains(request, "assay_queue_bytes 77\n"));
  assert_true(fake_answer_contains(request, "assay_store_commits_total 5\n"));
  assert_true(fake_answer_contains(request, "\nmore_metrics 1\n"));
  fake_request_destroy(request);
}

static void runtimes_say_what_they_run(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fixture_send(fixture, "GET", "/v1/runtimes");
  json_t *root = json_loadb(request->answer.data, request->answer.size, JSON_REJECT_DUPLICATES, NULL);
  const json_t *list = json_object_get(root, "runtimes"), *c = NULL, *item;
  size_t index;
  json_array_foreach (list, index, item) {
    if (!strcmp(json_string_value(json_object_get(item, "name")), "c"))
      c = item;
  }
  assert_non_null(c);
  const json_t *offers = json_object_get(c, "backends");
  bool on_host = json_array_size(offers) == 2; /* this host may lack a compiler; an image may not */
  assert_string_equal(json_string_value(json_array_get(offers, 0)), on_host ? "native" : "boxes");
  assert_true(json_is_true(json_object_get(c, "available")));
  assert_true(json_is_null(json_object_get(c, "image")));
  assert_true(json_is_null(json_object_get(c, "version")));
  assert_string_equal(json_string_value(json_object_get(c, "file")), "main.c");
  assert_string_equal(json_string_value(json_array_get(json_object_get(c, "aliases"), 0)), "gcc");
  assert_int_equal(json_array_size(json_object_get(c, "compile")), 6);
  assert_string_equal(json_string_value(json_array_get(json_object_get(c, "command"), 0)), "./main");
  json_decref(root);
  fake_request_destroy(request);
}

static void the_doctor_is_the_daemons(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fixture_send(fixture, "GET", "/v1/doctor");
  assert_string_equal(request->content_type, "application/json");
  assert_string_equal(request->answer.data, "{\"isolation\":\"full\"}\n");
  fake_request_destroy(request);
}

static void a_backup_is_answered_with_its_place_or_why_there_is_none(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *made = fixture_send(fixture, "POST", "/v1/admin/backup");
  assert_int_equal(made->status, 201);
  assert_string_equal(made->answer.data, "{\"path\":\"/state/backups/20261129_100500\"}\n");
  fake_request_destroy(made);
  fixture->store.fails = true;
  struct http_request *failed = fixture_send(fixture, "POST", "/v1/admin/backup");
  assert_int_equal(failed->status, 507);
  assert_true(fake_answer_contains(failed, "no room for a copy"));
  fake_request_destroy(failed);
}

static void the_front_page_lists_every_path(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fixture_send(fixture, "GET", "/");
  assert_true(fake_answer_contains(request, "Assay 1.2.3"));
  assert_true(fake_answer_contains(request, "POST /v1/evaluations "));
  assert_true(fake_answer_contains(request, "/v1/evaluations/{id}/stdout"));
  fake_request_destroy(request);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    fixture_test(readiness_follows_the_daemon),
    fixture_test(metrics_hold_ours_and_those_of_the_daemon),
    fixture_test(runtimes_say_what_they_run),
    fixture_test(the_doctor_is_the_daemons),
    fixture_test(the_front_page_lists_every_path),
    fixture_test(a_backup_is_answered_with_its_place_or_why_there_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
