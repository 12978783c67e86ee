/*
 * The rounds of the outbox, between a store and a sender that do what the test says: nothing that is due is left, nobody is
 * sent to twice at a time, and receivers take turns.
 */

#include "webhook/webhooks.h"

#include "base/memory.h"
#include "webhook/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the sender: takes what it is given, and answers when told ---- */

struct sent {
  char id[ID_SIZE];
  sender_done *done;
  void *context;
};

static struct {
  struct sent sent[2 * DELIVERIES_MAX];
  unsigned count, rests, destroyed;
  const char *full; /* a receiver that has no room */
} sender;

struct sender *sender_create(const struct sender_config *config)
{
  (void)config;
  return (struct sender *)&sender;
}

void sender_destroy(struct sender *of)
{
  sender.destroyed += of != NULL;
}

bool sender_has_room(const struct sender *of, const char *url)
{
  (void)of;
  return !sender.full || strncmp(url, sender.full, strlen(sender.full)) != 0;
}

void sender_send(struct sender *of, const struct evaluation *evaluation, sender_done *done, void *context)
{
  (void)of;
  assert_true(sender.count < sizeof sender.sent / sizeof *sender.sent);
  struct sent *sent = &sender.sent[sender.count++];
  *sent = (struct sent){.done = done, .context = context};
  snprintf(sent->id, sizeof sent->id, "%s", evaluation->id);
}

void sender_rest(struct sender *of)
{
  (void)of;
  sender.rests++;
}

/* The oldest that is under way. */
static void answer(int status)
{
  assert_true(sender.count > 0);
  struct sent sent = sender.sent[0];
  memmove(sender.sent, sender.sent + 1, --sender.count * sizeof sent);
  sent.done(sent.context, &(struct delivery_answer){.status = status, .message = status ? NULL : "nobody is there"});
}

/* ---- the store: a page, and what came of an attempt, when told ---- */

static struct store {
  bool asked; /* for a page */
  char after_host[64];
  store_due_done *due_done;
  void *due_context;
  unsigned tried_count;
  struct {
    char id[ID_SIZE];
    enum delivery_state state;
    unsigned attempts;
    store_write_done *done;
    void *context;
  } tried[2 * DELIVERIES_MAX];
} store;

void store_due(struct store *of, const struct store_due_filter *filter, store_due_done *done, void *context)
{
  assert_false(of->asked); /* one page at a time */
  of->asked = true;
  of->due_done = done;
  of->due_context = context;
  snprintf(of->after_host, sizeof of->after_host, "%s", filter->after_host);
}

void store_delivery_tried(struct store *of, const char *id, const struct delivery *delivery, store_write_done *done,
                          void *context)
{
  snprintf(of->tried[of->tried_count].id, ID_SIZE, "%s", id);
  of->tried[of->tried_count].state = delivery->state;
  of->tried[of->tried_count].attempts = delivery->attempts;
  of->tried[of->tried_count].done = done;
  of->tried[of->tried_count++].context = context;
}

/* The last attempt is written down. */
static void written(enum store_result result)
{
  assert_true(store.tried_count > 0);
  unsigned last = --store.tried_count;
  store.tried[last].done(store.tried[last].context, store.tried[last].id, store.tried[last].attempts, result);
}

/* ---- what is due ---- */

struct page {
  const char *next_host;
  int64_t next_in_ms; /* 0: nothing else is pending */
  bool fails;
};

static struct store_due due_of(unsigned number, const char *host)
{
  struct store_due due = {evaluation_create(), delivery_create()};
  snprintf(due.evaluation->id, sizeof due.evaluation->id, "20261122_195800_%08x", number);
  due.evaluation->sequence = number;
  due.evaluation->callback_url = xasprintf("%s/hook", host);
  due.delivery->asked_at = wall_now();
  return due;
}

/* Answers the page that was asked for with these evaluations, up to 0, all of one receiver. */
static void give_page(const struct page *page, const char *host, const unsigned *numbers)
{
  struct store_due due[DELIVERIES_MAX];
  struct error error = {.kind = ERROR_UNAVAILABLE, .message = "the disk is on fire"};
  size_t count = 0;
  for (; numbers && numbers[count]; count++)
    due[count] = due_of(numbers[count], host);
  assert_true(store.asked);
  store.asked = false;
  struct wall next_at = {page->next_in_ms ? wall_now().ms + page->next_in_ms : 0};
  store.due_done(store.due_context, due, count, page->next_host ? page->next_host : "", next_at,
                 page->fails ? &error : NULL);
}

static const struct page last_page = {0};

/* ---- the fixture ---- */

struct fixture {
  uv_loop_t loop;
  struct webhooks *webhooks;
};

static int start(void **state)
{
  struct fixture *fixture = xcalloc(1, sizeof *fixture);
  struct error error;
  memset(&sender, 0, sizeof sender);
  memset(&store, 0, sizeof store);
  assert_int_equal(uv_loop_init(&fixture->loop), 0);
  fixture->webhooks =
    webhooks_create(&(struct webhooks_config){.loop = &fixture->loop, .store = &store, .first_pause_ms = 1000}, &error);
  assert_non_null(fixture->webhooks);
  *state = fixture;
  return 0;
}

static int stop(void **state)
{
  struct fixture *fixture = *state;
  webhooks_stop(fixture->webhooks);
  webhooks_destroy(fixture->webhooks);
  assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0); /* no timer is left */
  assert_int_equal(uv_loop_close(&fixture->loop), 0);
  assert_int_equal(sender.destroyed, 1);
  free(fixture);
  return 0;
}

static bool metric_is(const struct fixture *fixture, const char *line)
{
  CLEANUP_BUFFER struct buffer text = {0};
  webhooks_metrics(fixture->webhooks, &text);
  buffer_append(&text, "", 1);
  CLEANUP_FREE char *whole = xasprintf("\n%s\n", line);
  return strstr(text.data, whole) != NULL;
}

#define A "http://a.example"
#define B "http://b.example"

/* ---- the tests ---- */

static void with_nothing_pending_nothing_is_asked(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 0);
  assert_false(store.asked);
  assert_false(uv_loop_alive(&fixture->loop));
}

static void what_was_pending_before_the_start_is_sent_and_written_down(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 1);
  give_page(&last_page, A, (const unsigned[]){1, 0});
  assert_int_equal(sender.count, 1);
  assert_true(metric_is(fixture, "assay_webhooks_under_way 1"));
  answer(204);
  assert_int_equal(store.tried[0].state, DELIVERY_DELIVERED);
  assert_true(metric_is(fixture, "assay_webhooks_pending 1")); /* as long as that is not durable */
  written(STORE_DONE);
  assert_true(metric_is(fixture, "assay_webhooks_pending 0"));
  assert_true(metric_is(fixture, "assay_webhooks_ended_total{state=\"delivered\"} 1"));
  give_page(&last_page, A, NULL); /* an end makes us look again */
  assert_int_equal(sender.rests, 2);
}

static void a_failed_attempt_stays_pending(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 1);
  give_page(&last_page, A, (const unsigned[]){1, 0});
  answer(0);
  assert_int_equal(store.tried[0].state, DELIVERY_PENDING);
  assert_int_equal(store.tried[0].attempts, 1);
  written(STORE_DONE);
  assert_true(metric_is(fixture, "assay_webhooks_pending 1"));
  assert_true(metric_is(fixture, "assay_webhook_attempts_total{result=\"failed\"} 1"));
  give_page(&(struct page){.next_in_ms = 60000}, A, NULL);
  assert_true(uv_loop_alive(&fixture->loop)); /* until it is due again */
}

static void who_wants_none_is_given_up(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 1);
  give_page(&last_page, A, (const unsigned[]){1, 0});
  answer(410);
  assert_int_equal(store.tried[0].state, DELIVERY_GIVEN_UP);
  written(STORE_DONE);
  assert_true(metric_is(fixture, "assay_webhooks_ended_total{state=\"given_up\"} 1"));
  give_page(&last_page, A, NULL);
}

static void what_is_under_way_is_passed_over_when_a_page_names_it_again(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 1);
  give_page(&last_page, A, (const unsigned[]){1, 0});
  webhooks_added(fixture->webhooks);
  give_page(&last_page, A, (const unsigned[]){1, 2, 0});
  assert_int_equal(sender.count, 2);
  assert_string_equal(sender.sent[1].id, "20261122_195800_00000002");
  answer(204);
  webhooks_look(fixture->webhooks);
  give_page(&last_page, A, (const unsigned[]){1, 0}); /* sent, and not written down yet */
  assert_int_equal(sender.count, 1);
}

static void what_is_added_during_a_round_makes_another(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 1);
  webhooks_added(fixture->webhooks);
  webhooks_added(fixture->webhooks);
  give_page(&last_page, A, NULL);
  assert_true(store.asked);
  assert_int_equal(sender.rests, 0);
  give_page(&last_page, A, NULL);
  assert_false(store.asked);
  assert_int_equal(sender.rests, 1);
}

static void receivers_take_turns(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 2);
  assert_string_equal(store.after_host, "");
  give_page(&(struct page){.next_host = A}, A, (const unsigned[]){1, 0});
  assert_string_equal(store.after_host, A);
  give_page(&last_page, B, (const unsigned[]){2, 0});
  assert_int_equal(sender.count, 2);
  answer(204);
  written(STORE_DONE);
  assert_string_equal(store.after_host, ""); /* it had begun there, and seen all */
  give_page(&last_page, A, NULL);
}

static void a_round_that_was_cut_short_goes_on_behind_the_last_receiver(void **state)
{
  struct fixture *fixture = *state;
  unsigned numbers[DELIVERIES_MAX + 1] = {0};
  for (unsigned i = 0; i < DELIVERIES_MAX; i++)
    numbers[i] = i + 1;
  webhooks_start(fixture->webhooks, 2 * DELIVERIES_MAX);
  give_page(&(struct page){.next_host = A}, A, numbers); /* all that may be under way */
  assert_int_equal(sender.count, DELIVERIES_MAX);
  assert_false(store.asked);
  webhooks_added(fixture->webhooks);
  assert_false(store.asked);
  answer(204);
  written(STORE_DONE); /* there is room for one */
  assert_string_equal(store.after_host, A);
  give_page(&last_page, B, (const unsigned[]){100, 0});
  assert_int_equal(sender.count, DELIVERIES_MAX);
}

static void the_round_comes_to_where_it_began(void **state)
{
  struct fixture *fixture = *state;
  unsigned numbers[DELIVERIES_MAX + 1] = {0};
  for (unsigned i = 0; i < DELIVERIES_MAX; i++)
    numbers[i] = i + 1;
  webhooks_start(fixture->webhooks, DELIVERIES_MAX);
  give_page(&(struct page){.next_host = A}, A, numbers);
  answer(204);
  written(STORE_DONE);
  give_page(&last_page, B, NULL); /* nothing behind A: from the beginning to there */
  assert_string_equal(store.after_host, "");
  give_page(&(struct page){.next_host = A}, A, NULL);
  assert_false(store.asked);
  assert_int_equal(sender.rests, 1);
}

static void a_receiver_without_room_is_left_for_later(void **state)
{
  struct fixture *fixture = *state;
  sender.full = A;
  webhooks_start(fixture->webhooks, 2);
  give_page(&(struct page){.next_host = A}, A, (const unsigned[]){1, 0});
  give_page(&last_page, B, (const unsigned[]){2, 0});
  assert_int_equal(sender.count, 1);
  assert_string_equal(sender.sent[0].id, "20261122_195800_00000002");
}

static void a_page_that_cannot_be_read_ends_the_round(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 1);
  give_page(&(struct page){.fails = true}, A, NULL);
  assert_false(store.asked);
  webhooks_look(fixture->webhooks);
  assert_true(store.asked);
}

static void what_could_not_be_written_down_ends_no_delivery(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 1);
  give_page(&last_page, A, (const unsigned[]){1, 0});
  answer(204);
  written(STORE_FAILED);
  assert_false(store.asked); /* the daemon is about to stop */
  assert_true(metric_is(fixture, "assay_webhooks_pending 1"));
}

static void when_the_first_is_due_there_is_a_round(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 1);
  give_page(&(struct page){.next_in_ms = 20}, A, NULL);
  assert_false(store.asked);
  while (!store.asked)
    uv_run(&fixture->loop, UV_RUN_ONCE);
}

static void who_is_stopped_asks_and_sends_nothing(void **state)
{
  struct fixture *fixture = *state;
  webhooks_start(fixture->webhooks, 2);
  webhooks_stop(fixture->webhooks);
  give_page(&last_page, A, (const unsigned[]){1, 0});
  webhooks_added(fixture->webhooks);
  assert_int_equal(sender.count, 0);
  assert_false(store.asked);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    with_fixture(with_nothing_pending_nothing_is_asked),
    with_fixture(what_was_pending_before_the_start_is_sent_and_written_down),
    with_fixture(a_failed_attempt_stays_pending),
    with_fixture(who_wants_none_is_given_up),
    with_fixture(what_is_under_way_is_passed_over_when_a_page_names_it_again),
    with_fixture(what_is_added_during_a_round_makes_another),
    with_fixture(receivers_take_turns),
    with_fixture(a_round_that_was_cut_short_goes_on_behind_the_last_receiver),
    with_fixture(the_round_comes_to_where_it_began),
    with_fixture(a_receiver_without_room_is_left_for_later),
    with_fixture(a_page_that_cannot_be_read_ends_the_round),
    with_fixture(what_could_not_be_written_down_ends_no_delivery),
    with_fixture(when_the_first_is_due_there_is_a_round),
    with_fixture(who_is_stopped_asks_and_sends_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
