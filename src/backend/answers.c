#include "backend/answers.h"

#include "base/memory.h"
#include "loop/timer.h"

#include <stdlib.h>
#include <string.h>

struct answers {
  struct answer *items;
  size_t count, capacity;
  struct timer *turn;
  void (*deliver)(void *context, const struct answer *answer);
  void *context;
};

/* Those that arise meanwhile are told on the turn after this one. */
static void on_turn(void *context)
{
  struct answers *answers = context;
  struct answer *items = answers->items;
  size_t count = answers->count;
  answers->items = 0;
  answers->count = answers->capacity = 0;
  for (size_t i = 0; i < count; i++) {
    answers->deliver(answers->context, &items[i]);
    free(items[i].reason);
  }
  free(items);
}

struct answers *answers_create(uv_loop_t *loop, void (*deliver)(void *context, const struct answer *answer),
                               void *context)
{
  struct answers *answers = xcalloc(1, sizeof *answers);
  answers->turn = timer_make(loop, on_turn, answers);
  answers->deliver = deliver;
  answers->context = context;
  return answers;
}

void answers_destroy(struct answers *answers)
{
  if (!answers)
    return;
  timer_destroy(answers->turn);
  for (size_t i = 0; i < answers->count; i++)
    free(answers->items[i].reason);
  free(answers->items);
  free(answers);
}

static bool waits_last(const struct answers *answers, enum answer_kind kind, struct name name)
{
  const struct answer *last = answers->count ? &answers->items[answers->count - 1] : 0;
  return last && last->kind == kind && !strcmp(last->name.text, name.text);
}

static void add(struct answers *answers, struct answer answer)
{
  if (answers->count == answers->capacity) {
    answers->capacity = answers->capacity ? 2 * answers->capacity : 8;
    answers->items = xrealloc(answers->items, answers->capacity * sizeof *answers->items);
  }
  answers->items[answers->count++] = answer;
  if (answers->count == 1)
    timer_set(answers->turn, 0);
}

void answers_tell(struct answers *answers, enum answer_kind kind, struct name name)
{
  if ((kind == ANSWER_HINT || kind == ANSWER_SLOTS) && waits_last(answers, kind, name))
    return;
  add(answers, (struct answer){.kind = kind, .name = name});
}

void answers_tell_launched(struct answers *answers, struct name name, enum launch_result result, const char *reason)
{
  add(answers, (struct answer){.kind = ANSWER_LAUNCHED, .name = name, .result = result, .reason = xstrdup(reason)});
}
