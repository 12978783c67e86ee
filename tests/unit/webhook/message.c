/* The message that a receiver is sent, as CloudEvents has it. */

#include "webhook/message.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct evaluation *finished(void)
{
  struct evaluation *evaluation = evaluation_create();
  snprintf(evaluation->id, sizeof evaluation->id, "20261122_195800_0123abcd");
  snprintf(evaluation->backend, sizeof evaluation->backend, "native");
  evaluation->labels = xstrdup("{}");
  evaluation->state = STATE_FINISHED;
  evaluation->entered_at[STATE_QUEUED].ms = 1000;
  evaluation->entered_at[STATE_FINISHED].ms = 2021;
  evaluation->verdict = (struct verdict){.kind = VERDICT_COMPLETED};
  evaluation->outputs = outputs_create();
  return evaluation;
}

static json_t *message_of(const struct evaluation *evaluation)
{
  CLEANUP_BUFFER struct buffer text = {0};
  message_encode(evaluation, &text);
  json_error_t error;
  json_t *message = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error);
  if (!message)
    fail_msg("%s: %s", error.text, text.data);
  return message;
}

static const char *attribute(const json_t *message, const char *name)
{
  return json_string_value(json_object_get(message, name));
}

static void it_is_a_cloud_event_with_the_verdict(void **state)
{
  (void)state;
  struct evaluation *evaluation = finished();
  json_t *message = message_of(evaluation), *data = json_object_get(message, "data");
  assert_string_equal(attribute(message, "specversion"), "1.0");
  assert_string_equal(attribute(message, "id"), "msg_20261122_195800_0123abcd");
  assert_string_equal(attribute(message, "type"), "assay.evaluation.finished");
  assert_string_equal(attribute(message, "subject"), evaluation->id);
  assert_string_equal(attribute(message, "time"), "1970-01-01T00:00:02.021Z");
  assert_string_equal(attribute(data, "status"), "completed");
  json_decref(message);
  evaluation_destroy(evaluation);
}

static void it_belongs_to_the_trace_of_the_submission(void **state)
{
  (void)state;
  struct evaluation *evaluation = finished();
  evaluation->traceparent = xstrdup(TRACEPARENT);
  evaluation->tracestate = xstrdup("rojo=1,\"b\"=2"); /* whatever is in it, it is one text */
  json_t *message = message_of(evaluation);
  assert_string_equal(attribute(message, "traceparent"), TRACEPARENT);
  assert_string_equal(attribute(message, "tracestate"), evaluation->tracestate);
  json_decref(message);
  evaluation_destroy(evaluation);
}

static void without_a_trace_there_is_no_such_attribute(void **state)
{
  (void)state;
  struct evaluation *evaluation = finished();
  json_t *message = message_of(evaluation);
  assert_null(json_object_get(message, "traceparent"));
  assert_null(json_object_get(message, "tracestate"));
  json_decref(message);
  evaluation_destroy(evaluation);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_is_a_cloud_event_with_the_verdict),
    cmocka_unit_test(it_belongs_to_the_trace_of_the_submission),
    cmocka_unit_test(without_a_trace_there_is_no_such_attribute),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
