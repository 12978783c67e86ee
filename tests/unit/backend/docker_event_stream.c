#include "backend/docker/event_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NAME "assay-20261122_195800_0123abcd-1"

/* What was told, as text: "action name instance time;" or "lost;". */
struct notes {
  struct event_stream stream;
  struct buffer told;
};

static void note_event(void *context, const struct container_event *event)
{
  struct notes *notes = context;
  buffer_printf(&notes->told, "%s %s %s %llu;", event->action, event->name, event->instance ? event->instance : "-",
                (unsigned long long)event->time_ns);
}

static void note_lost(void *context)
{
  struct notes *notes = context;
  buffer_puts(&notes->told, "lost;");
}

static void notes_init(struct notes *notes)
{
  *notes = (struct notes){.stream = {.handlers = {note_event, note_lost, notes}}};
}

static void notes_release(struct notes *notes)
{
  event_stream_release(&notes->stream);
  buffer_release(&notes->told);
}

static void assert_told(const char *body, const char *expected)
{
  struct notes notes;
  notes_init(&notes);
  event_stream_feed(&notes.stream, body, strlen(body));
  event_stream_end(&notes.stream);
  assert_string_equal(notes.told.data ? notes.told.data : "", expected);
  notes_release(&notes);
}

/* As Docker 20.10 says it. */
static const char docker_die[] =
  "{\"status\":\"die\",\"id\":\"2339c6ca\",\"from\":\"python:3.11\",\"Type\":\"container\",\"Action\":\"die\","
  "\"Actor\":"
  "{\"ID\":\"2339c6ca\",\"Attributes\":{\"assay.attempt\":\"1\",\"assay.instance\":\"one\",\"exitCode\":\"7\","
  "\"image\":"
  "\"python:3.11\",\"name\":\"" NAME "\"}},\"scope\":\"local\",\"time\":1795392444,\"timeNano\":1795392444318134981}\n";
/* As Podman 4 says it. */
static const char podman_die[] =
  "{\"status\":\"died\",\"id\":\"2339c6ca\",\"from\":\"python:3.11\",\"Type\":\"container\",\"Action\":\"died\","
  "\"Actor\":"
  "{\"ID\":\"2339c6ca\",\"Attributes\":{\"assay.instance\":\"one\",\"containerExitCode\":\"7\",\"name\":\"" NAME
  "\",\"podId\":\"\"}},\"scope\":\"local\",\"time\":5,\"timeNano\":5000000006,\"HealthStatus\":\"\"}\n";

static void both_engines_are_understood(void **state)
{
  (void)state;
  assert_told(docker_die, "die " NAME " one 1795392444318134981;");
  assert_told(podman_die, "die " NAME " one 5000000006;");
}

static void how_the_bytes_are_cut_does_not_matter(void **state)
{
  (void)state;
  for (size_t piece = 1; piece < 40; piece++) {
    struct notes notes;
    notes_init(&notes);
    for (int event = 0; event < 2; event++)
      for (size_t at = 0; at < sizeof docker_die - 1; at += piece)
        event_stream_feed(&notes.stream, docker_die + at,
                          at + piece < sizeof docker_die - 1 ? piece : sizeof docker_die - 1 - at);
    event_stream_end(&notes.stream);
    assert_string_equal(notes.told.data, "die " NAME " one 1795392444318134981;die " NAME " one 1795392444318134981;");
    notes_release(&notes);
  }
}

static void what_is_not_of_a_containers_life_is_passed_over(void **state)
{
  (void)state;
  assert_told("{\"Type\":\"network\",\"Action\":\"create\"}\n"
              "{\"Type\":\"container\",\"Action\":\"exec_start: sh\",\"Actor\":{\"Attributes\":{\"name\":\"a\"}}}\n"
              "\n\r\n  \n",
              "");
}

/* A look that reads a container's files is told of as an event: it must not lead to the next look. */
static void a_look_is_no_event(void **state)
{
  (void)state;
  assert_told("{\"Type\":\"container\",\"Action\":\"archive-path\",\"Actor\":{\"Attributes\":{\"name\":\"a\"}}}\n"
              "{\"Type\":\"container\",\"Action\":\"extract-to-dir\",\"Actor\":{\"Attributes\":{\"name\":\"a\"}}}\n",
              "");
}

static void labels_and_times_may_be_missing(void **state)
{
  (void)state;
  assert_told("{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"Attributes\":{\"name\":\"a\"}}}\n",
              "start a - 0;");
  assert_told("{\"Type\":\"container\",\"Action\":\"start\",\"timeNano\":-5,\"Actor\":{\"Attributes\":{\"name\":\"a\","
              "\"assay.instance\":7}}}\n",
              "start a - 0;");
}

static void what_cannot_be_read_is_lost_and_the_next_is_not(void **state)
{
  (void)state;
  static const char *const broken[] = {
    "{",
    "nonsense",
    "[]",
    "5",
    "{}",
    "{\"Type\":\"container\"}",
    "{\"Type\":5,\"Action\":\"die\"}",
    "{\"Type\":\"container\",\"Action\":[\"die\"]}",
    "{\"Type\":\"container\",\"Action\":\"die\"}",
    "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"Attributes\":{}}}",
    "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"name\":7}}}",
    "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"name\":\"a\\u0000\"}}}",
    "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"name\":\"\xff\"}}}",
    "{} {}",
  };
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    CLEANUP_BUFFER struct buffer body = {0};
    buffer_printf(&body, "%s\n%s", broken[i], docker_die);
    assert_told(body.data, "lost;die " NAME " one 1795392444318134981;");
  }
}

static void half_an_event_at_the_end_is_lost(void **state)
{
  (void)state;
  struct notes notes;
  notes_init(&notes);
  event_stream_feed(&notes.stream, docker_die, sizeof docker_die - 10);
  assert_null(notes.told.data);
  event_stream_end(&notes.stream);
  assert_string_equal(notes.told.data, "lost;");
  notes_release(&notes);
}

static void an_endless_line_is_lost_once_and_takes_no_memory(void **state)
{
  (void)state;
  static const size_t pieces[] = {1000, EVENT_BYTES_MAX, 3 * EVENT_BYTES_MAX};
  static char spam[3 * EVENT_BYTES_MAX];
  memset(spam, 'x', sizeof spam);
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    struct notes notes;
    notes_init(&notes);
    for (size_t sent = 0; sent < 10 * sizeof spam; sent += pieces[i]) {
      event_stream_feed(&notes.stream, spam, pieces[i]);
      assert_true(notes.stream.lines.rest.capacity <= 4 * EVENT_BYTES_MAX);
    }
    event_stream_feed(&notes.stream, "\n", 1);
    event_stream_feed(&notes.stream, docker_die, sizeof docker_die - 1);
    event_stream_end(&notes.stream);
    assert_string_equal(notes.told.data, "lost;die " NAME " one 1795392444318134981;");
    notes_release(&notes);
  }
}

static void the_longest_line_is_taken_and_one_byte_more_is_not(void **state)
{
  (void)state;
  static char line[EVENT_BYTES_MAX + 3];
  memset(line, ' ', sizeof line);
  memcpy(line, docker_die, sizeof docker_die - 2); /* without its end */
  memcpy(line + EVENT_BYTES_MAX, "\n", 2);
  assert_told(line, "die " NAME " one 1795392444318134981;");
  memcpy(line + EVENT_BYTES_MAX, " \n", 3);
  assert_told(line, "lost;");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(both_engines_are_understood),
    cmocka_unit_test(how_the_bytes_are_cut_does_not_matter),
    cmocka_unit_test(what_is_not_of_a_containers_life_is_passed_over),
    cmocka_unit_test(a_look_is_no_event),
    cmocka_unit_test(labels_and_times_may_be_missing),
    cmocka_unit_test(what_cannot_be_read_is_lost_and_the_next_is_not),
    cmocka_unit_test(half_an_event_at_the_end_is_lost),
    cmocka_unit_test(an_endless_line_is_lost_once_and_takes_no_memory),
    cmocka_unit_test(the_longest_line_is_taken_and_one_byte_more_is_not),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
