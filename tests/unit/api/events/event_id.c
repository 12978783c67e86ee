#include "api/events/event_id.h"

#include "../testing.h"

#include "base/limits.h"

#include <stdio.h>
#include <string.h>

static void every_id_comes_back_as_it_was(void **state)
{
  (void)state;
  static const uint64_t positions[] = {0, 1, 9, 10, 5321, UINT32_MAX, UINT64_MAX - 1, POSITION_WITHOUT_OUTPUT};
  for (unsigned attempt = 1; attempt <= ATTEMPT_MAX; attempt++)
    for (enum state of = STATE_ACCEPTING; of < STATE_COUNT; of++)
      for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        struct event_id id = {attempt, of, positions[i]}, back;
        char text[EVENT_ID_SIZE];
        event_id_format(&id, text);
        assert_true(event_id_parse(text, &back));
        assert_true(event_id_equal(&id, &back));
      }
}

static void what_was_not_given_is_refused(void **state)
{
  (void)state;
  static const char *const texts[] = {
    "",
    ".",
    "..",
    "1",
    "1.running",
    "1.running.",
    ".running.1",
    "1..1",
    "0.running.1",
    "1.runnin.1",
    "1.running.x",
    "1.running.1.",
    "1.running.1.2",
    "1.running.-1",
    "01.running.1",
    "1.running.01",
    "101.running.1",
    " 1.running.1",
    "1.running.1 ",
    "1.RUNNING.1",
    "1.running.18446744073709551616",
    "1.running.1\n",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct event_id id = {7, STATE_SEALING, 7};
    assert_false(event_id_parse(texts[i], &id));
    assert_true(event_id_equal(&id, &(struct event_id){7, STATE_SEALING, 7}));
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_id_comes_back_as_it_was),
    cmocka_unit_test(what_was_not_given_is_refused),
  };
  return cmocka_run_group_tests_name("api/events/event_id", tests, 0, 0);
}
