/* How an attempt stands, by its keeper, its evidence and what Docker says: each row of the table. What Docker's answers look
 * like, and what is done about them, is tested against a scripted engine (docker.c). */

#include "backend/docker/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A look that has just begun, at what has left nothing here. */
static struct docker_view view_of_nothing(void)
{
  return (struct docker_view){
    .now = {1000000000}, .keeper = KEEPER_UNSEEN, .here = true, .trouble = "Docker says nothing", .reason = ""};
}

/* Docker was asked a while ago, and told this. */
static struct docker_view view_of_container(enum container_state state)
{
  struct docker_view view = view_of_nothing();
  view.word = DOCKER_SEEN;
  view.container.state = state;
  return view;
}

static struct docker_decision decide(const struct docker_view *view)
{
  struct docker_decision decision;
  docker_decide(view, &decision);
  return decision;
}

#define assert_step(view, wanted) assert_int_equal(decide(view).step, wanted)
#define assert_told(view, wanted)                                                                                      \
  do {                                                                                                                 \
    assert_step(view, DOCKER_TELL);                                                                                    \
    assert_string_equal(presence_name(decide(view).presence), presence_name(wanted));                                  \
  } while (0)
#define assert_says(view, words) assert_non_null(strstr(decide(view).text, words))

static void a_record_ends_it_whatever_docker_says(void **state)
{
  (void)state;
  for (enum container_state said = CONTAINER_CREATED; said <= CONTAINER_ENDED; said++) {
    struct docker_view view = view_of_container(said);
    view.recorded = view.started = true;
    view.keeper = KEEPER_ALIVE;
    assert_told(&view, PRESENCE_DEAD);
  }
}

static void a_keeper_that_answers_is_alive_whatever_docker_says(void **state)
{
  (void)state;
  for (enum container_state said = CONTAINER_CREATED; said <= CONTAINER_ENDED; said++) {
    struct docker_view view = view_of_container(said);
    view.keeper = KEEPER_ALIVE;
    assert_told(&view, PRESENCE_PENDING);
    view.started = true;
    assert_told(&view, PRESENCE_RUNNING);
    assert_true(decide(&view).has_container);
  }
}

static void a_keeper_that_cannot_be_asked_says_nothing(void **state)
{
  (void)state;
  struct docker_view view = view_of_container(CONTAINER_ENDED);
  view.keeper = KEEPER_UNKNOWN;
  assert_told(&view, PRESENCE_UNKNOWN);
  view.started = true;
  assert_told(&view, PRESENCE_UNKNOWN);
}

static void a_dead_keeper_is_dead_and_docker_is_asked_why(void **state)
{
  (void)state;
  struct docker_view view = view_of_nothing();
  view.keeper = KEEPER_DEAD;
  view.started = true;
  assert_step(&view, DOCKER_ASK);
  view.here = false;
  assert_told(&view, PRESENCE_DEAD);
  assert_says(&view, "keeper was killed");
  view = view_of_container(CONTAINER_RUNNING); /* it has not heard of it yet */
  view.keeper = KEEPER_DEAD;
  view.started = true;
  view.asked_at = view.now;
  assert_step(&view, DOCKER_ASK_AGAIN);
  view.now.us += 1000000;
  assert_told(&view, PRESENCE_DEAD);
  view.container.state = CONTAINER_ENDED;
  view.container.exit_code = 137;
  assert_says(&view, "killed by somebody else");
  view.container.exit_code = 3;
  assert_says(&view, "exit code 3");
  view.container.out_of_memory = true;
  assert_says(&view, "out of memory");
  view.word = DOCKER_ABSENT;
  assert_says(&view, "removed by somebody else");
  view.rebooted = true;
  assert_says(&view, "host was restarted");
}

static void without_a_sign_of_a_start_dockers_word_counts(void **state)
{
  (void)state;
  struct docker_view view = view_of_nothing();
  assert_step(&view, DOCKER_ASK);
  view.fetching = "pulling";
  assert_told(&view, PRESENCE_PENDING);
  assert_says(&view, "pulling");
  static const struct {
    enum docker_word word;
    enum presence presence;
  } words[] = {{DOCKER_ERROR, PRESENCE_UNKNOWN}, {DOCKER_ABSENT, PRESENCE_ABSENT}, {DOCKER_STRANGER, PRESENCE_ABSENT}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    view = view_of_nothing();
    view.word = words[i].word;
    assert_told(&view, words[i].presence);
  }
  view = view_of_container(CONTAINER_CREATED);
  assert_told(&view, PRESENCE_ABSENT);
  view = view_of_container(CONTAINER_RUNNING);
  assert_told(&view, PRESENCE_PENDING);
  view = view_of_container(CONTAINER_LEAVING);
  assert_told(&view, PRESENCE_UNKNOWN);
  view = view_of_container(CONTAINER_ENDED);
  assert_step(&view, DOCKER_REMOVE);
}

static void evidence_in_a_volume_is_fetched_before_dockers_word_counts(void **state)
{
  (void)state;
  static const enum container_state fetched[] = {CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_ENDED};
  struct docker_view view;
  for (size_t i = 0; i < sizeof fetched / sizeof *fetched; i++) {
    view = view_of_container(fetched[i]);
    view.container.in_volume = true;
    assert_step(&view, DOCKER_FETCH);
  }
  view = view_of_nothing();
  view.word = DOCKER_ABSENT;
  view.volumes_used = view.found = true;
  assert_step(&view, DOCKER_FETCH);
  view.fetched = true;
  assert_told(&view, PRESENCE_ABSENT);
}

static void in_a_volume_docker_alone_tells_whether_it_lives(void **state)
{
  (void)state;
  struct docker_view view = view_of_container(CONTAINER_RUNNING);
  view.container.in_volume = view.fetched = true;
  view.asked_at = view.now;
  assert_step(&view, DOCKER_ASK_AGAIN); /* it is about to start */
  view.started = view.started_before = true;
  assert_told(&view, PRESENCE_RUNNING);
  view.container.state = CONTAINER_ENDED;
  assert_told(&view, PRESENCE_DEAD);
  view.container.state = CONTAINER_CREATED;
  assert_told(&view, PRESENCE_UNKNOWN);
  view.word = DOCKER_ERROR;
  assert_told(&view, PRESENCE_UNKNOWN);
}

/* Asked, absent; launched; its start marker fetched. */
static void what_was_launched_after_docker_was_asked_is_not_dead(void **state)
{
  (void)state;
  struct docker_view view = view_of_nothing();
  view.word = DOCKER_ABSENT;
  view.volumes_used = view.found = view.fetched = view.started = true;
  assert_step(&view, DOCKER_ASK_AGAIN);
  view.started_before = true;
  assert_told(&view, PRESENCE_DEAD);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_record_ends_it_whatever_docker_says),
    cmocka_unit_test(a_keeper_that_answers_is_alive_whatever_docker_says),
    cmocka_unit_test(a_keeper_that_cannot_be_asked_says_nothing),
    cmocka_unit_test(a_dead_keeper_is_dead_and_docker_is_asked_why),
    cmocka_unit_test(without_a_sign_of_a_start_dockers_word_counts),
    cmocka_unit_test(evidence_in_a_volume_is_fetched_before_dockers_word_counts),
    cmocka_unit_test(in_a_volume_docker_alone_tells_whether_it_lives),
    cmocka_unit_test(what_was_launched_after_docker_was_asked_is_not_dead),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
