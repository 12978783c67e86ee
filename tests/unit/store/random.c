/*
 * Thousands of random operations, with crashes between them, against a model that is a plain array. ASSAY_SEED repeats
 * a run; the seed of each is printed.
 */

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDS = 1500, KEYS = 200, LABELS = 3, STEPS = 220, BURST_MAX = 40, CRASH_EVERY = 25 };

/* What the store must hold: by id, and in order of acceptance. */
struct model {
  struct evaluation *known[IDS]; /* NULL: not accepted */
  unsigned order[IDS];           /* order[sequence - 1] is an id */
  unsigned count;
  uint64_t random;
};

static unsigned pick(struct model *model, unsigned below)
{
  model->random ^= model->random << 13; /* xorshift64 */
  model->random ^= model->random >> 7;
  model->random ^= model->random << 17;
  return (unsigned)(model->random >> 20) % below;
}

/* A write under way, and what it must answer. */
struct pending {
  bool done;
  enum store_result result, expected;
  uint64_t sequence, expected_sequence;
  char standing[ID_SIZE], expected_standing[ID_SIZE];
};

static void accept_answered(void *context, const char *id, enum store_result result, uint64_t sequence,
                            const char *standing)
{
  (void)id;
  struct pending *pending = context;
  pending->result = result;
  pending->sequence = sequence;
  snprintf(pending->standing, sizeof pending->standing, "%s", standing ? standing : "");
  pending->done = true;
}

static void write_answered(void *context, const char *id, unsigned attempt, enum store_result result)
{
  (void)id;
  (void)attempt;
  struct pending *pending = context;
  pending->result = result;
  pending->done = true;
}

static const struct evaluation *find_key(const struct model *model, const char *key)
{
  for (unsigned i = 0; key && i < IDS; i++)
    if (model->known[i] && model->known[i]->idempotency_key && !strcmp(model->known[i]->idempotency_key, key))
      return model->known[i];
  return 0;
}

static void label_text(unsigned value, char text[static 16])
{
  snprintf(text, 16, "value %u", value);
}

static void ask_accept(struct fixture *fixture, struct model *model, struct pending *pending)
{
  unsigned number = pick(model, IDS);
  struct evaluation *evaluation = evaluation_make(number);
  evaluation->priority = (int)pick(model, 7) - 3;
  evaluation->attempts_max = 1 + pick(model, 3);
  evaluation->body_digest = pick(model, 2);
  if (pick(model, 2))
    evaluation->idempotency_key = xasprintf("key %u", pick(model, KEYS));
  if (pick(model, 3)) {
    char value[16];
    label_text(pick(model, LABELS), value);
    free(evaluation->labels);
    evaluation->labels = xasprintf("{\"other\":\"x\",\"label\":\"%s\"}", value);
  }
  store_accept(fixture->store, evaluation, accept_answered, pending);

  const struct evaluation *standing = find_key(model, evaluation->idempotency_key);
  if (standing) {
    pending->expected = standing->body_digest == evaluation->body_digest ? STORE_STANDS : STORE_CONFLICT;
    snprintf(pending->expected_standing, ID_SIZE, "%s", standing->id);
  } else if (model->known[number]) {
    pending->expected = STORE_DUPLICATE;
  } else {
    pending->expected_sequence = evaluation->sequence = model->count + 1;
    model->order[model->count++] = number;
    model->known[number] = evaluation;
    return;
  }
  evaluation_destroy(evaluation);
}

static void ask_attempt(struct fixture *fixture, struct model *model, struct pending *pending)
{
  unsigned number = pick(model, IDS), attempt = 1 + pick(model, ATTEMPT_MAX);
  struct evaluation *evaluation = evaluation_make(number), *known = model->known[number];
  store_attempt(fixture->store, evaluation->id, attempt, write_answered, pending);
  pending->expected = !known ? STORE_FAILED : known->verdict.kind ? STORE_STANDS : STORE_DONE;
  if (pending->expected == STORE_DONE)
    known->attempt = attempt;
  evaluation_destroy(evaluation);
}

static void print_random(struct model *model, struct evaluation *evaluation)
{
  evaluation->outputs = outputs_create();
  for (int i = 0; i < STREAM_COUNT; i++) {
    unsigned size = pick(model, 3) ? pick(model, 300) : 0;
    CLEANUP_BLOB struct blob *bytes = blob_create(0, size);
    for (unsigned at = 0; at < size; at++)
      bytes->data[at] = (unsigned char)pick(model, 256);
    evaluation_print(evaluation, (enum stream)i, bytes->data, size);
  }
}

static void ask_finish(struct fixture *fixture, struct model *model, struct pending *pending)
{
  unsigned number = pick(model, IDS);
  struct evaluation *known = model->known[number];
  pending->expected = !known ? STORE_FAILED : known->verdict.kind ? STORE_STANDS : STORE_DONE;
  bool first = pending->expected == STORE_DONE;
  struct evaluation *evaluation = first ? known : evaluation_make(number);
  evaluation_end(evaluation, (enum verdict_kind)(1 + pick(model, VERDICT_COUNT - 1)));
  evaluation->state = STATE_FINISHED;
  print_random(model, evaluation);
  store_finish(fixture->store, evaluation, write_answered, pending);
  if (!first)
    evaluation_destroy(evaluation);
}

/* Asks for several writes at once, which the store may do in one transaction or in many. */
static void write_burst(struct fixture *fixture, struct model *model)
{
  static void (*const asks[])(struct fixture *, struct model *, struct pending *) = {ask_accept, ask_attempt,
                                                                                     ask_finish};
  struct pending pending[BURST_MAX] = {0};
  unsigned count = 1 + pick(model, BURST_MAX);
  for (unsigned i = 0; i < count; i++)
    asks[pick(model, 3)](fixture, model, &pending[i]);
  fixture_wait(fixture, &pending[count - 1].done);
  for (unsigned i = 0; i < count; i++) {
    assert_true(pending[i].done);
    assert_int_equal(pending[i].result, pending[i].expected);
    assert_int_equal(pending[i].sequence, pending[i].expected_sequence);
    assert_string_equal(pending[i].standing, pending[i].expected_standing);
  }
}

static void check_one(struct fixture *fixture, struct model *model)
{
  unsigned number = pick(model, IDS);
  struct evaluation *asked = evaluation_make(number), *found = get_now(fixture, asked->id);
  assert_int_equal(!found, !model->known[number]);
  if (found)
    assert_same_evaluation(model->known[number], found);
  evaluation_destroy(found);
  evaluation_destroy(asked);
}

static bool passes(const struct evaluation *evaluation, const struct store_filter *filter)
{
  if (filter->before_sequence && evaluation->sequence >= filter->before_sequence)
    return false;
  if (filter->label_value && !strstr(evaluation->labels, filter->label_value))
    return false;
  return !filter->status ||
         (evaluation->verdict.kind && !strcmp(verdict_name(evaluation->verdict.kind), filter->status));
}

static void check_list(struct fixture *fixture, struct model *model)
{
  char value[16];
  label_text(pick(model, LABELS), value);
  bool labelled = pick(model, 2);
  struct store_filter filter = {
    .status = pick(model, 2) ? verdict_name((enum verdict_kind)(1 + pick(model, VERDICT_COUNT - 1))) : 0,
    .label_key = labelled ? "label" : 0,
    .label_value = labelled ? value : 0,
    .before_sequence = pick(model, IDS),
    .limit = 1 + pick(model, 30),
  };
  struct listed page = list_now(fixture, &filter);
  size_t matched = 0;
  for (unsigned i = model->count; i-- > 0;) {
    const struct evaluation *evaluation = model->known[model->order[i]];
    if (!passes(evaluation, &filter))
      continue;
    if (matched < filter.limit)
      assert_string_equal(page.items[matched]->id, evaluation->id);
    matched++;
  }
  assert_int_equal(page.count, matched < filter.limit ? matched : filter.limit);
  assert_int_equal(page.more, matched > filter.limit);
  listed_release(&page);
}

static void expect_open(void *context, struct evaluation *evaluation)
{
  struct model *model = context;
  struct evaluation *expected = model->known[model->order[evaluation->sequence - 1]];
  assert_int_equal(expected->verdict.kind, VERDICT_NONE);
  assert_same_evaluation(expected, evaluation);
  assert_non_null(evaluation->plan);
  evaluation_destroy(evaluation);
}

static void random_operations_do_as_the_model_says(void **state)
{
  (void)state;
  const char *given = getenv("ASSAY_SEED");
  struct model model = {.random = given ? strtoull(given, 0, 10) : (uint64_t)wall_now().ms * (uint64_t)getpid()};
  printf("# ASSAY_SEED=%llu\n", (unsigned long long)model.random);
  model.random |= 1; /* xorshift must not begin at 0 */
  struct fixture *fixture = fixture_create();
  for (unsigned step = 1; step <= STEPS; step++) {
    write_burst(fixture, &model);
    for (unsigned i = 0; i < 5; i++) {
      check_one(fixture, &model);
      check_list(fixture, &model);
    }
    if (step % CRASH_EVERY)
      continue;
    struct fixture *after = fixture_crash(fixture);
    fixture_destroy(fixture);
    fixture = after;
    assert_true(store_each_open(fixture->store, expect_open, &model, 0));
  }
  for (unsigned i = 0; i < IDS; i++)
    evaluation_destroy(model.known[i]);
  fixture_destroy(fixture);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(random_operations_do_as_the_model_says),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
