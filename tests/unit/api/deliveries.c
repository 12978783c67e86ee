/* What became of a webhook, and sending it again. */

#include "fixture.h"

#include "base/memory.h"

static unsigned told, told_pending;

static struct evaluation *finished(void)
{
  return fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
}

static struct evaluation *open_one(void)
{
  return fake_evaluation(ID_OPEN, 1, STATE_QUEUED);
}

static void note_again(void *context, bool was_pending)
{
  (void)context;
  told++;
  told_pending += was_pending;
}

static void adjust(struct api_config *config)
{
  config->delivery_again = note_again;
}

static int set_up(void **state)
{
  told = told_pending = 0;
  int failed = fixture_set_up_with(state, adjust);
  struct fixture *fixture = *state;
  fixture->store.make[0] = finished;
  fixture->store.make[1] = open_one;
  fixture->store.count = 2;
  return failed;
}

static char url[] = "https://example.org/hook";
static const struct delivery failing = {.url = url,
                                        .attempts = 2,
                                        .asked_at.ms = 1,
                                        .tried_at.ms = 2,
                                        .due_at.ms = 3,
                                        .status = 500,
                                        .message = "answered with status 500"};
static const struct delivery delivered = {.url = url, .state = DELIVERY_DELIVERED, .attempts = 1, .asked_at.ms = 1};

static void check(struct fixture *fixture, const char *method, const char *target, int status, const char *text)
{
  struct http_request *request = fixture_ask(fixture, method, target);
  assert_int_equal(request->status, status);
  if (!fake_answer_contains(request, text))
    fail_msg("no %s in it", text);
  fake_request_destroy(request);
}

static void a_delivery_is_told_with_its_last_fault(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.delivery = &failing;
  check(fixture, "GET", "/v1/evaluations/" ID_FINISHED "/deliveries", 200,
        "{\"deliveries\":[{\"id\":\"msg_" ID_FINISHED "\",\"url\":\"https://example.org/hook\",\"state\":\"pending\","
        "\"attempts\":2,\"requested_at\":\"1970-01-01T00:00:00.001Z\",\"last_attempt_at\":\"1970-01-01T00:00:00.002Z\","
        "\"next_attempt_at\":\"1970-01-01T00:00:00.003Z\",\"last_status\":500,"
        "\"last_error\":\"answered with status 500\"}]}");
  fixture->store.delivery = &delivered;
  check(fixture, "GET", "/v1/evaluations/" ID_FINISHED "/deliveries", 200,
        "\"next_attempt_at\":null,\"last_status\":null,\"last_error\":null");
}

static void where_nothing_is_told_the_list_is_empty(void **state)
{
  struct fixture *fixture = *state;
  check(fixture, "GET", "/v1/evaluations/" ID_FINISHED "/deliveries", 200, "{\"deliveries\":[]}");
  check(fixture, "GET", "/v1/evaluations/" ID_OPEN "/deliveries", 200, "{\"deliveries\":[]}");
  check(fixture, "GET", "/v1/evaluations/" ID_UNKNOWN "/deliveries", 404, "no evaluation");
}

static void sending_again_is_told_on(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.delivery = &failing;
  fixture->store.delivery_is_pending = true;
  check(fixture, "POST", "/v1/evaluations/" ID_FINISHED "/redeliver", 202, "\"state\":\"pending\"");
  assert_int_equal(told, 1);
  assert_int_equal(told_pending, 1);
}

static void what_cannot_be_sent_is_not(void **state)
{
  struct fixture *fixture = *state;
  check(fixture, "POST", "/v1/evaluations/" ID_FINISHED "/redeliver", 409, "without a callback_url");
  check(fixture, "POST", "/v1/evaluations/" ID_OPEN "/redeliver", 409, "no verdict yet");
  check(fixture, "POST", "/v1/evaluations/" ID_UNKNOWN "/redeliver", 404, "no evaluation");
  fixture->store.fails = true;
  check(fixture, "POST", "/v1/evaluations/" ID_FINISHED "/redeliver", 503, "the disk is on fire");
  check(fixture, "GET", "/v1/evaluations/" ID_FINISHED "/deliveries", 503, "the disk is on fire");
  assert_int_equal(told, 0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_delivery_is_told_with_its_last_fault, set_up, fixture_tear_down),
    cmocka_unit_test_setup_teardown(where_nothing_is_told_the_list_is_empty, set_up, fixture_tear_down),
    cmocka_unit_test_setup_teardown(sending_again_is_told_on, set_up, fixture_tear_down),
    cmocka_unit_test_setup_teardown(what_cannot_be_sent_is_not, set_up, fixture_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
