/*
 * Whether the store is as quick with a million finished evaluations as with a thousand. Both stores are open at once
 * and take turns, so that a noisy machine is noisy for both; what is printed is medians and their ratio.
 *
 *   build/bench/store-scale DIRECTORY [LARGE]      DIRECTORY is kept, and used again the next time; LARGE: 1000000
 */

#include "base/number.h"
#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SMALL = 1000, LARGE = 1000000, WINDOW = 500, TURNS = 400, LABELS = 20 };

struct side {
  struct store *store;
  int wake_fd;
  unsigned filled;  /* finished evaluations */
  unsigned next;    /* number of the next one to be submitted */
  unsigned answers; /* of the writes and reads under way */
  double samples[TURNS];
};

static void fail(const char *what)
{
  fprintf(stderr, "store-scale: %s\n", what);
  exit(1);
}

static void wake(void *context)
{
  eventfd_write(((struct side *)context)->wake_fd, 1);
}

static void failed(void *context, const char *what)
{
  (void)context;
  fail(what);
}

static void wait_for_answers(struct side *side, unsigned answers)
{
  while (side->answers < answers) {
    struct pollfd waiting = {.fd = side->wake_fd, .events = POLLIN};
    poll(&waiting, 1, -1);
    eventfd_t count;
    eventfd_read(side->wake_fd, &count);
    store_dispatch(side->store);
  }
}

static void accepted(void *context, const char *id, enum store_result result, uint64_t sequence, const char *standing)
{
  (void)id, (void)sequence, (void)standing;
  if (result == STORE_FAILED)
    fail("an acceptance failed");
  ((struct side *)context)->answers++;
}

static void written(void *context, const char *id, unsigned attempt, enum store_result result)
{
  (void)id, (void)attempt;
  if (result == STORE_FAILED)
    fail("a verdict failed");
  ((struct side *)context)->answers++;
}

static void got(void *context, struct evaluation *evaluation, const struct error *error)
{
  if (!evaluation)
    fail(error ? error->message : "an evaluation is missing");
  evaluation_destroy(evaluation);
  ((struct side *)context)->answers++;
}

static void listed(void *context, struct evaluation **evaluations, size_t count, bool more, const struct error *error)
{
  (void)more;
  if (error || !count)
    fail(error ? error->message : "a list is empty");
  for (size_t i = 0; i < count; i++)
    evaluation_destroy(evaluations[i]);
  free(evaluations);
  ((struct side *)context)->answers++;
}

/* Ids grow with time, and their last eight digits are random, as the executor makes them. */
static void make_id(unsigned number, char id[static ID_SIZE])
{
  id_make(id, (struct wall){1700000000000 + number * 20LL}, number * 2654435761u);
}

static struct evaluation *make(unsigned number)
{
  struct evaluation *evaluation = evaluation_create();
  make_id(number, evaluation->id);
  strcpy(evaluation->backend, "native");
  strcpy(evaluation->runtime, "python");
  evaluation->labels = xasprintf("{\"run\":\"%u\"}", number % LABELS);
  evaluation->idempotency_key = xasprintf("%08x-%u", number * 2246822519u, number);
  evaluation->plan = blob_create(0, 400);
  evaluation->entered_at[STATE_QUEUED] = (struct wall){1700000000000 + number * 20LL};
  return evaluation;
}

static void end(struct evaluation *evaluation, unsigned number)
{
  static const char traceback[] = "Traceback (most recent call last):\n  File \"main.py\", line 1, in <module>\n"
                                  "ZeroDivisionError: division by zero\n";
  evaluation->verdict.kind = number % 10 ? VERDICT_FAILED : VERDICT_COMPLETED;
  evaluation->verdict.exit_code = 1;
  strcpy(evaluation->verdict.reason, "exited with code 1");
  evaluation->outputs = outputs_create();
  struct stream_output *stream = &evaluation->outputs->stream[STREAM_STDERR];
  stream->data = blob_create(traceback, sizeof traceback - 1);
  stream->bytes = stream->head_bytes = sizeof traceback - 1;
}

/* Through the front door, as fast as group commit allows. */
static void fill(struct side *side)
{
  while (side->next < side->filled) {
    side->answers = 0;
    unsigned count = side->filled - side->next < WINDOW ? side->filled - side->next : WINDOW;
    for (unsigned i = 0; i < count; i++, side->next++) {
      struct evaluation *evaluation = make(side->next);
      store_accept(side->store, evaluation, accepted, side);
      end(evaluation, side->next);
      store_finish(side->store, evaluation, written, side);
      evaluation_destroy(evaluation);
    }
    wait_for_answers(side, 2 * count);
  }
}

static void found_newest(void *context, struct evaluation **evaluations, size_t count, bool more,
                         const struct error *error)
{
  struct side *side = context;
  side->next = count ? (unsigned)evaluations[0]->sequence : 0;
  if (count)
    listed(context, evaluations, count, more, error);
  else
    side->answers++;
}

static void open_side(struct side *side, const char *directory, const char *name, unsigned filled)
{
  char *path = xasprintf("%s/%s", directory, name);
  struct error error;
  if (mkdir(path, 0700) < 0 && errno != EEXIST)
    fail(strerror(errno));
  side->wake_fd = eventfd(0, EFD_CLOEXEC);
  side->filled = filled;
  struct store_config config = {.state_dir = path, .wake = wake, .failed = failed, .context = side};
  struct mono begun_at = mono_now();
  side->store = store_open(&config, &error);
  if (!side->store)
    fail(error.message);
  printf("%s: opened in %.1f ms", name, (double)(mono_now().us - begun_at.us) / 1e3);
  store_list(side->store, &(struct store_filter){.limit = 1}, found_newest, side);
  wait_for_answers(side, 1);
  begun_at = mono_now();
  unsigned missing = side->next < filled ? filled - side->next : 0;
  fill(side);
  printf(", %u evaluations added in %.1f s\n", missing, (double)(mono_now().us - begun_at.us) / 1e6);
  free(path);
}

/* What is measured */

static unsigned any(const struct side *side)
{
  return (unsigned)(((uint64_t)(uint32_t)random() * side->filled) >> 31);
}

static void submit(struct side *side)
{
  struct evaluation *evaluation = make(side->next);
  store_accept(side->store, evaluation, accepted, side);
  evaluation_destroy(evaluation);
}

static void finish(struct side *side) /* the one just submitted */
{
  struct evaluation *evaluation = make(side->next);
  end(evaluation, side->next++);
  store_finish(side->store, evaluation, written, side);
  evaluation_destroy(evaluation);
}

static void get_newest(struct side *side)
{
  char id[ID_SIZE];
  make_id(side->next - 1, id);
  store_get(side->store, id, got, side);
}

static void get_any(struct side *side)
{
  char id[ID_SIZE];
  make_id(any(side), id);
  store_get(side->store, id, got, side);
}

static void list_newest(struct side *side)
{
  store_list(side->store, &(struct store_filter){.limit = LIST_LIMIT_DEFAULT}, listed, side);
}

static void list_from_anywhere(struct side *side)
{
  struct store_filter filter = {.limit = LIST_LIMIT_DEFAULT, .before_sequence = any(side) + 2};
  store_list(side->store, &filter, listed, side);
}

static void list_verdict(struct side *side)
{
  store_list(side->store, &(struct store_filter){.limit = LIST_LIMIT_DEFAULT, .status = "failed"}, listed, side);
}

static void list_label(struct side *side)
{
  struct store_filter filter = {.limit = LIST_LIMIT_DEFAULT, .label_key = "run", .label_value = "7"};
  store_list(side->store, &filter, listed, side);
}

static void list_label_and_verdict(struct side *side)
{
  struct store_filter filter = {
    .limit = LIST_LIMIT_DEFAULT, .status = "failed", .label_key = "run", .label_value = "7"};
  store_list(side->store, &filter, listed, side);
}

static const struct {
  const char *name;
  void (*ask)(struct side *side);
} measures[] = {
  {"get, newest", get_newest},
  {"get, any", get_any},
  {"list, newest", list_newest},
  {"list, from anywhere", list_from_anywhere},
  {"list, by verdict", list_verdict},
  {"list, by label", list_label},
  {"list, by both", list_label_and_verdict},
};

static double once(struct side *side, void (*ask)(struct side *side))
{
  side->answers = 0;
  struct mono begun_at = mono_now();
  ask(side);
  wait_for_answers(side, 1);
  return (double)(mono_now().us - begun_at.us);
}

static int compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(struct side *side)
{
  qsort(side->samples, TURNS, sizeof *side->samples, compare);
  return side->samples[TURNS / 2];
}

static void report(const char *name, struct side *small, struct side *large)
{
  double few = median(small), many = median(large);
  printf("%-22s %10.0f µs %10.0f µs %8.2f\n", name, few, many, many / few);
}

static void measure_reads(struct side *small, struct side *large)
{
  for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
    for (int turn = 0; turn < TURNS; turn++) {
      small->samples[turn] = once(small, measures[i].ask);
      large->samples[turn] = once(large, measures[i].ask);
    }
    report(measures[i].name, small, large);
  }
}

/* Submitting and finishing alternate, so that each store stays as large as it is. */
static void measure_writes(struct side *small, struct side *large)
{
  static double finishes[2][TURNS];
  for (int turn = 0; turn < TURNS; turn++) {
    small->samples[turn] = once(small, submit);
    large->samples[turn] = once(large, submit);
    finishes[0][turn] = once(small, finish);
    finishes[1][turn] = once(large, finish);
  }
  report("submit", small, large);
  memcpy(small->samples, finishes[0], sizeof finishes[0]);
  memcpy(large->samples, finishes[1], sizeof finishes[1]);
  report("finish", small, large);
}

int main(int argc, char **argv)
{
  if (argc < 2 || argc > 3)
    fail("give a directory for the two stores, and how many evaluations the large one shall have");
  uint64_t size = LARGE;
  if (argc == 3 && !parse_u64_text(argv[2], 100000000, &size))
    fail("not a number");
  static struct side small, large;
  open_side(&small, argv[1], "small", SMALL);
  open_side(&large, argv[1], "large", (unsigned)size);
  printf("%-22s %13u %13u    ratio\n", "median of", small.filled, large.filled);
  measure_writes(&small, &large);
  measure_reads(&small, &large);
  store_close(small.store);
  store_close(large.store);
  return 0;
}
