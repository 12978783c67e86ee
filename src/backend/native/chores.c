#include "backend/native/chores.h"

#include "base/memory.h"
#include "loop/timer.h"

#include <stdlib.h>
#include <string.h>

enum { DELAY_MS_FIRST = 1, DELAY_MS_MAX = 8192 };

struct chore {
  enum chore_kind kind;
  struct name name;
  uint64_t delay_ms; /* before the next try */
  struct mono due;
};

struct chores {
  struct chore *items;
  size_t count;
  struct timer *timer;
  bool (*work)(void *context, enum chore_kind kind, struct name name);
  void *context;
};

static void set_timer(struct chores *chores)
{
  if (!chores->count)
    return;
  struct mono now = mono_now(), first = chores->items[0].due;
  for (size_t i = 1; i < chores->count; i++)
    if (chores->items[i].due.us < first.us)
      first = chores->items[i].due;
  timer_set(chores->timer, first.us > now.us ? (first.us - now.us) / 1000 + 1 : 1);
}

static void on_timer(void *context)
{
  struct chores *chores = context;
  struct mono now = mono_now();
  size_t kept = 0;
  for (size_t i = 0; i < chores->count; i++) {
    struct chore chore = chores->items[i];
    if (chore.due.us <= now.us) {
      if (chores->work(chores->context, chore.kind, chore.name))
        continue;
      chore.due = mono_add_ms(now, chore.delay_ms);
      chore.delay_ms = chore.delay_ms < DELAY_MS_MAX ? 2 * chore.delay_ms : DELAY_MS_MAX;
    }
    chores->items[kept++] = chore;
  }
  chores->count = kept;
  set_timer(chores);
}

struct chores *chores_create(uv_loop_t *loop, bool (*work)(void *context, enum chore_kind kind, struct name name),
                             void *context)
{
  struct chores *chores = xcalloc(1, sizeof *chores);
  chores->timer = timer_make(loop, on_timer, chores);
  chores->work = work;
  chores->context = context;
  return chores;
}

void chores_destroy(struct chores *chores)
{
  if (!chores)
    return;
  timer_destroy(chores->timer);
  free(chores->items);
  free(chores);
}

void chores_add(struct chores *chores, enum chore_kind kind, struct name name)
{
  for (size_t i = 0; i < chores->count; i++)
    if (chores->items[i].kind == kind && !strcmp(chores->items[i].name.text, name.text))
      return;
  chores->items = xrealloc(chores->items, (chores->count + 1) * sizeof *chores->items);
  chores->items[chores->count++] =
    (struct chore){.kind = kind, .name = name, .delay_ms = DELAY_MS_FIRST, .due = mono_now()};
  set_timer(chores);
}
