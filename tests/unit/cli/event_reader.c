#include "cli/event_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What came, as "name=data;" for each event. */
struct heard {
  struct buffer text;
  bool refuses;
};

static bool hear(void *context, const char *name, const char *data, size_t size, struct error *error)
{
  struct heard *heard = context;
  buffer_printf(&heard->text, "%s=", name);
  buffer_append(&heard->text, data, size);
  buffer_puts(&heard->text, ";");
  return !heard->refuses || error_set(error, ERROR_INTERNAL, 0, "refused");
}

static void assert_heard(const char *text, size_t piece, const char *expected, const char *last_id)
{
  struct heard heard = {0};
  struct error error;
  struct event_reader stream = {.event = hear, .context = &heard};
  buffer_puts(&heard.text, "");
  for (size_t at = 0, size = strlen(text); at < size; at += piece)
    assert_true(event_reader_feed(&stream, text + at, piece < size - at ? piece : size - at, &error));
  assert_string_equal(heard.text.data, expected);
  assert_string_equal(stream.last_id, last_id);
  buffer_release(&heard.text);
  event_reader_release(&stream);
}

static void events_are_the_same_however_they_are_cut(void **state)
{
  (void)state;
  static const struct {
    const char *text, *expected, *last_id;
  } cases[] = {
    {"event: state\ndata: {}\nid: 1\n\n", "state={};", "1"},
    {"data:a\n\n:\n\ndata: b\nid:2\n\n", "message=a;message=b;", "2"},
    {"data: a\r\nid: 3\r\n\r\ndata: b\r\rdata: c\n\n", "message=a;message=b;message=c;", "3"},
    {"data: one\ndata:  two\n\n", "message=one\n two;", ""},
    {"id: 4\n\n", "", "4"},
    {"event: lost\nid: 5\n\ndata: x\n\n", "message=x;", "5"},
    {"retry: 7\nnonsense\n: comment\ndata\n\n", "message=;", ""},
    {"event: end\ndata: cut\nid: 6\n", "", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (size_t piece = 1; piece <= strlen(cases[i].text); piece++)
      assert_heard(cases[i].text, piece, cases[i].expected, cases[i].last_id);
}

static void what_was_cut_off_is_forgotten_and_gone_on_from(void **state)
{
  (void)state;
  struct heard heard = {0};
  struct error error;
  struct event_reader stream = {.event = hear, .context = &heard};
  static const char cut[] = "data: a\nid: 1\n\nevent: x\ndata: half\nid: 2\ndata: ha", again[] = "data: b\n\n";
  assert_true(event_reader_feed(&stream, cut, strlen(cut), &error));
  event_reader_restart(&stream);
  assert_string_equal(stream.last_id, "1");
  assert_true(event_reader_feed(&stream, again, strlen(again), &error));
  assert_string_equal(heard.text.data, "message=a;message=b;");
  assert_string_equal(stream.last_id, "1");
  buffer_release(&heard.text);
  event_reader_release(&stream);
}

static void an_event_that_was_refused_does_not_count_as_told(void **state)
{
  (void)state;
  struct heard heard = {.refuses = true};
  struct error error;
  struct event_reader stream = {.event = hear, .context = &heard};
  static const char text[] = "data: a\nid: 1\n\n";
  assert_false(event_reader_feed(&stream, text, strlen(text), &error));
  assert_string_equal(error.message, "refused");
  assert_string_equal(stream.last_id, "");
  buffer_release(&heard.text);
  event_reader_release(&stream);
}

static void an_event_without_end_is_an_error(void **state)
{
  (void)state;
  struct heard heard = {0};
  struct error error;
  struct event_reader stream = {.event = hear, .context = &heard};
  enum { PIECE = 1 << 20, PIECES = 5 };
  char *piece = calloc(1, PIECE);
  unsigned taken = 0;
  while (taken < PIECES && event_reader_feed(&stream, piece, PIECE, &error))
    taken++;
  assert_true(taken < PIECES);
  free(piece);
  event_reader_release(&stream);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(events_are_the_same_however_they_are_cut),
    cmocka_unit_test(what_was_cut_off_is_forgotten_and_gone_on_from),
    cmocka_unit_test(an_event_that_was_refused_does_not_count_as_told),
    cmocka_unit_test(an_event_without_end_is_an_error),
  };
  return cmocka_run_group_tests_name("cli/event_reader", tests, 0, 0);
}
