/* The outbox: a delivery is durable with its verdict or not at all, found until it has ended, and by turns of the receivers. */

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t LATER_MS = 1800000000000;

/* Finished, with a delivery where `url` is one. */
static void add(struct fixture *fixture, unsigned number, const char *url)
{
  struct evaluation *evaluation = evaluation_make(number);
  evaluation->callback_url = xstrdup(url);
  assert_int_equal(accept_now(fixture, evaluation).result, STORE_DONE);
  evaluation_end(evaluation, VERDICT_FAILED);
  assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
  evaluation_destroy(evaluation);
}

static const char *id_of(unsigned number)
{
  static char id[ID_SIZE];
  snprintf(id, sizeof id, "20261122_195800_%08x", number);
  return id;
}

struct found {
  bool done, was_pending;
  enum store_known known;
  bool there;
  struct delivery delivery;
  char url[64];
};

static void note_found(void *context, enum store_known known, const struct delivery *delivery, bool was_pending,
                       const struct error *error)
{
  struct found *found = context;
  assert_null(error);
  *found = (struct found){.done = true, .was_pending = was_pending, .known = known, .there = delivery};
  if (!delivery)
    return;
  found->delivery = *delivery;
  snprintf(found->url, sizeof found->url, "%s", delivery->url);
}

static struct found find_now(struct fixture *fixture, unsigned number)
{
  struct found found = {0};
  store_delivery(fixture->store, id_of(number), note_found, &found);
  fixture_wait(fixture, &found.done);
  return found;
}

static struct found again_now(struct fixture *fixture, unsigned number, int64_t at_ms)
{
  struct found found = {0};
  store_delivery_again(fixture->store, id_of(number), (struct wall){at_ms}, note_found, &found);
  fixture_wait(fixture, &found.done);
  return found;
}

struct tried {
  bool done;
  enum store_result result;
};

static void note_tried(void *context, const char *id, unsigned attempt, enum store_result result)
{
  (void)id, (void)attempt;
  *(struct tried *)context = (struct tried){true, result};
}

static enum store_result tried_now(struct fixture *fixture, unsigned number, const struct delivery *delivery)
{
  struct tried tried = {0};
  store_delivery_tried(fixture->store, id_of(number), delivery, note_tried, &tried);
  fixture_wait(fixture, &tried.done);
  return tried.result;
}

static void end_now(struct fixture *fixture, unsigned number, enum delivery_state state)
{
  struct delivery ended = {.state = state, .attempts = 2, .tried_at.ms = LATER_MS, .status = 410};
  assert_int_equal(tried_now(fixture, number, &ended), STORE_DONE);
}

struct page {
  bool done;
  size_t count;
  char urls[16][64];
  char next_host[64];
  struct wall next_at;
};

static void note_page(void *context, struct store_due *due, size_t count, const char *next_host, struct wall next_at,
                      const struct error *error)
{
  struct page *page = context;
  assert_null(error);
  assert_true(count <= 16);
  for (size_t i = 0; i < count; i++) {
    snprintf(page->urls[i], sizeof page->urls[i], "%s", due[i].delivery->url);
    assert_string_equal(due[i].delivery->url, due[i].evaluation->callback_url);
    assert_int_equal(due[i].evaluation->verdict.kind, VERDICT_FAILED);
    evaluation_destroy(due[i].evaluation);
    delivery_destroy(due[i].delivery);
  }
  page->count = count;
  snprintf(page->next_host, sizeof page->next_host, "%s", next_host);
  page->next_at = next_at;
  page->done = true;
}

static struct page page_now(struct fixture *fixture, const char *after_host, int64_t now_ms, unsigned per_host,
                            unsigned limit)
{
  struct page page = {0};
  store_due(fixture->store, &(struct store_due_filter){after_host, {now_ms}, per_host, limit}, note_page, &page);
  fixture_wait(fixture, &page.done);
  return page;
}

static void a_delivery_is_there_with_the_verdict_and_not_before(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  evaluation->callback_url = xstrdup("http://a/x");
  accept_now(fixture, evaluation);
  struct found found = find_now(fixture, 1);
  assert_int_equal(found.known, STORE_OPEN);
  assert_false(found.there);
  evaluation_end(evaluation, VERDICT_COMPLETED);
  assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
  assert_int_equal(finish_now(fixture, evaluation), STORE_STANDS); /* and no second one */

  struct fixture *after = fixture_crash(fixture);
  found = find_now(after, 1);
  assert_int_equal(found.known, STORE_FINISHED);
  assert_true(found.there);
  assert_string_equal(found.url, "http://a/x");
  assert_int_equal(found.delivery.state, DELIVERY_PENDING);
  assert_int_equal(found.delivery.attempts, 0);
  assert_int_equal(found.delivery.asked_at.ms, evaluation->entered_at[STATE_FINISHED].ms);
  assert_int_equal(found.delivery.due_at.ms, evaluation->entered_at[STATE_FINISHED].ms);
  struct evaluation *stored = get_now(after, evaluation->id);
  assert_string_equal(stored->callback_url, "http://a/x");
  evaluation_destroy(stored);
  evaluation_destroy(evaluation);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void who_wants_to_be_told_nothing_has_none(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  add(fixture, 1, NULL);
  struct found found = find_now(fixture, 1);
  assert_int_equal(found.known, STORE_FINISHED);
  assert_false(found.there);
  assert_int_equal(find_now(fixture, 9).known, STORE_UNKNOWN);
  found = again_now(fixture, 1, LATER_MS);
  assert_int_equal(found.known, STORE_FINISHED);
  assert_false(found.there);
  assert_int_equal(again_now(fixture, 9, LATER_MS).known, STORE_UNKNOWN);
  fixture_destroy(fixture);
}

static void what_came_of_an_attempt_is_kept(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  add(fixture, 1, "http://a/");
  struct delivery failed = {.attempts = 3, .due_at.ms = LATER_MS + 7, .tried_at.ms = LATER_MS, .status = 500};
  strcpy(failed.message, "answered with status 500");
  assert_int_equal(tried_now(fixture, 1, &failed), STORE_DONE);
  struct found found = find_now(fixture, 1);
  assert_int_equal(found.delivery.state, DELIVERY_PENDING);
  assert_int_equal(found.delivery.attempts, 3);
  assert_int_equal(found.delivery.due_at.ms, LATER_MS + 7);
  assert_int_equal(found.delivery.tried_at.ms, LATER_MS);
  assert_int_equal(found.delivery.status, 500);
  assert_string_equal(found.delivery.message, "answered with status 500");
  end_now(fixture, 1, DELIVERY_GIVEN_UP);
  found = find_now(fixture, 1);
  assert_int_equal(found.delivery.state, DELIVERY_GIVEN_UP);
  assert_int_equal(found.delivery.due_at.ms, 0);
  assert_int_equal(tried_now(fixture, 9, &failed), STORE_FAILED);
  fixture_destroy(fixture);
}

static void what_has_ended_is_pending_again_when_a_client_wants_it(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  add(fixture, 1, "http://a/");
  assert_true(again_now(fixture, 1, LATER_MS).was_pending);
  end_now(fixture, 1, DELIVERY_DELIVERED);
  assert_int_equal(page_now(fixture, "", LATER_MS, 4, 16).count, 0);
  struct found found = again_now(fixture, 1, LATER_MS + 5);
  assert_false(found.was_pending);
  assert_int_equal(found.delivery.state, DELIVERY_PENDING);
  assert_int_equal(found.delivery.attempts, 0);
  assert_int_equal(found.delivery.asked_at.ms, LATER_MS + 5);
  assert_int_equal(page_now(fixture, "", LATER_MS + 5, 4, 16).count, 1);
  uint64_t pending;
  assert_true(store_deliveries_pending(fixture->store, &pending, NULL));
  assert_int_equal(pending, 1);
  fixture_destroy(fixture);
}

static void receivers_take_turns(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  for (unsigned number = 1; number <= 5; number++)
    add(fixture, number, number % 2 ? "http://a/odd" : "http://a/even");
  add(fixture, 6, "http://b/");
  add(fixture, 7, "http://c:1/");
  struct page page = page_now(fixture, "", LATER_MS, 2, 16);
  assert_int_equal(page.count, 4); /* two of a, the longest due first, then b and c */
  assert_string_equal(page.urls[0], "http://a/odd");
  assert_string_equal(page.urls[1], "http://a/even");
  assert_string_equal(page.urls[2], "http://b/");
  assert_string_equal(page.urls[3], "http://c:1/");
  assert_string_equal(page.next_host, "");
  assert_int_equal(page.next_at.ms, 0);

  page = page_now(fixture, "", LATER_MS, 2, 3); /* cut: go on behind b */
  assert_int_equal(page.count, 3);
  assert_string_equal(page.next_host, "http://b");
  page = page_now(fixture, page.next_host, LATER_MS, 2, 3);
  assert_int_equal(page.count, 1);
  assert_string_equal(page.urls[0], "http://c:1/");
  fixture_destroy(fixture);
}

static void what_is_not_due_is_told_by_its_time(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  add(fixture, 1, "http://a/");
  add(fixture, 2, "http://b/");
  for (unsigned number = 1; number <= 2; number++) {
    struct delivery failed = {.attempts = 1, .due_at.ms = LATER_MS + number, .tried_at.ms = LATER_MS};
    assert_int_equal(tried_now(fixture, number, &failed), STORE_DONE);
  }
  struct page page = page_now(fixture, "", LATER_MS, 4, 16);
  assert_int_equal(page.count, 0);
  assert_int_equal(page.next_at.ms, LATER_MS + 1);
  page = page_now(fixture, "", LATER_MS + 1, 4, 16);
  assert_int_equal(page.count, 1);
  assert_int_equal(page.next_at.ms, LATER_MS + 2);
  fixture_destroy(fixture);
}

static void more_receivers_than_one_look_takes_are_all_found(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  enum { RECEIVERS = 300 };
  for (unsigned number = 1; number <= RECEIVERS; number++) {
    CLEANUP_FREE char *url = xasprintf("http://%u/", number);
    add(fixture, number, url);
    if (number == RECEIVERS / 2)
      continue;
    struct delivery failed = {.attempts = 1, .due_at.ms = LATER_MS + 100, .tried_at.ms = LATER_MS};
    tried_now(fixture, number, &failed);
  }
  size_t count = 0, pages = 0;
  char place[64] = "";
  do {
    struct page page = page_now(fixture, place, LATER_MS, 4, 16);
    count += page.count;
    pages++;
    strcpy(place, page.next_host);
  } while (*place && pages < 10);
  assert_int_equal(count, 1);
  assert_int_equal(pages, 2);
  fixture_destroy(fixture);
}

static void what_is_pending_is_not_deleted(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  for (unsigned number = 1; number <= 3; number++)
    add(fixture, number, "http://a/");
  end_now(fixture, 2, DELIVERY_DELIVERED);
  assert_int_equal(retain_now(fixture, 1, 0).removed, 1);
  assert_int_equal(find_now(fixture, 2).known, STORE_UNKNOWN);
  end_now(fixture, 1, DELIVERY_GIVEN_UP);
  end_now(fixture, 3, DELIVERY_DELIVERED);
  assert_int_equal(retain_now(fixture, 1, 0).removed, 2);
  assert_int_equal(find_now(fixture, 1).known, STORE_UNKNOWN);
  assert_false(find_now(fixture, 1).there);
  fixture_destroy(fixture);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_delivery_is_there_with_the_verdict_and_not_before),
    cmocka_unit_test(who_wants_to_be_told_nothing_has_none),
    cmocka_unit_test(what_came_of_an_attempt_is_kept),
    cmocka_unit_test(what_has_ended_is_pending_again_when_a_client_wants_it),
    cmocka_unit_test(receivers_take_turns),
    cmocka_unit_test(what_is_not_due_is_told_by_its_time),
    cmocka_unit_test(more_receivers_than_one_look_takes_are_all_found),
    cmocka_unit_test(what_is_pending_is_not_deleted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
