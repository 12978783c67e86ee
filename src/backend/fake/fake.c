#include "backend/fake/fake.h"

#include "backend/answers.h"
#include "backend/backend_impl.h"
#include "loop/timer.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct fake;

struct attempt {
  struct fake *fake;
  struct name name;
  const struct fake_script *script;
  struct timer *end;
  bool dead, recorded, removed; /* a removed one is only remembered for fake_starts() */
  struct record record;
  struct wall started_at;
  unsigned looks;
  struct attempt *next;
};

struct fake {
  struct backend backend;
  uv_loop_t *loop;
  const struct fake_script *scripts;
  size_t script_count;
  unsigned slots, running;
  struct answers *answers;
  struct attempt *attempts;
};

static struct attempt *find(const struct fake *fake, struct name name)
{
  for (struct attempt *attempt = fake->attempts; attempt; attempt = attempt->next)
    if (!strcmp(attempt->name.text, name.text) && !attempt->removed)
      return attempt;
  return 0;
}

static const struct fake_script *find_script(const struct fake *fake, struct name name)
{
  for (size_t i = 0; i < fake->script_count; i++)
    if (strstr(name.text, fake->scripts[i].part))
      return &fake->scripts[i];
  return 0;
}

static void finish(struct attempt *attempt)
{
  struct fake *fake = attempt->fake;
  attempt->dead = true;
  fake->running--;
  timer_stop(attempt->end);
  if (!attempt->script->hints_lost)
    answers_tell(fake->answers, ANSWER_HINT, attempt->name);
  answers_tell(fake->answers, ANSWER_SLOTS, (struct name){0});
}

static void on_end(void *context)
{
  struct attempt *attempt = context;
  if (attempt->script->record)
    attempt->record = *attempt->script->record;
  attempt->recorded = attempt->script->record != 0;
  finish(attempt);
}

static void start(struct fake *fake, struct name name, const struct fake_script *script)
{
  struct attempt *attempt = xcalloc(1, sizeof *attempt);
  attempt->fake = fake;
  attempt->name = name;
  attempt->script = script;
  attempt->started_at = wall_now();
  attempt->end = timer_make(fake->loop, on_end, attempt);
  attempt->next = fake->attempts;
  fake->attempts = attempt;
  fake->running++;
  timer_set(attempt->end, script->run_ms);
  if (!script->hints_lost)
    answers_tell(fake->answers, ANSWER_HINT, name);
}

static void fake_launch(struct backend *backend, struct name name, struct blob *plan)
{
  struct fake *fake = (struct fake *)backend;
  const struct fake_script *script = find_script(fake, name);
  enum launch_result result = script ? script->launch : LAUNCH_REFUSED;
  (void)plan;
  if (find(fake, name))
    result = LAUNCH_ACCEPTED;
  else if (result == LAUNCH_ACCEPTED && fake->running == fake->slots)
    result = LAUNCH_BUSY;
  else if (result == LAUNCH_ACCEPTED || result == LAUNCH_UNKNOWN)
    start(fake, name, script);
  answers_tell_launched(fake->answers, name, result, result == LAUNCH_REFUSED ? "refused by its script" : 0);
}

static void fake_observe(struct backend *backend, struct name name)
{
  answers_tell(((struct fake *)backend)->answers, ANSWER_OBSERVED, name);
}

static void fake_kill(struct backend *backend, struct name name, enum kill_reason reason)
{
  struct attempt *attempt = find((struct fake *)backend, name);
  if (!attempt || attempt->dead)
    return;
  attempt->record = (struct record){.step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = SIGKILL, .killed = reason};
  attempt->recorded = true;
  finish(attempt);
}

static void fake_remove(struct backend *backend, struct name name)
{
  struct attempt *attempt = find((struct fake *)backend, name);
  if (attempt && !attempt->dead)
    finish(attempt);
  if (attempt)
    attempt->removed = true;
}

static void fake_list(struct backend *backend)
{
  struct fake *fake = (struct fake *)backend;
  for (const struct attempt *attempt = fake->attempts; attempt; attempt = attempt->next)
    if (!attempt->removed)
      answers_tell(fake->answers, ANSWER_FOUND, attempt->name);
}

static uint32_t fake_isolation(const struct backend *backend)
{
  (void)backend;
  return 0;
}

static void fake_destroy(struct backend *backend)
{
  struct fake *fake = (struct fake *)backend;
  for (struct attempt *attempt = fake->attempts, *next; attempt; attempt = next) {
    next = attempt->next;
    timer_destroy(attempt->end);
    free(attempt);
  }
  answers_destroy(fake->answers);
  free(fake);
}

static struct outputs *outputs_of(const struct attempt *attempt)
{
  struct outputs *outputs = outputs_create();
  const char *text = attempt->script->output;
  if (text)
    outputs->stream[STREAM_STDOUT] = (struct stream_output){
      .bytes = strlen(text), .head_bytes = strlen(text), .data = blob_create(text, strlen(text))};
  return outputs;
}

static void look(struct fake *fake, struct name name)
{
  struct attempt *attempt = find(fake, name);
  struct observation seen = {.presence = PRESENCE_ABSENT};
  struct outputs *outputs = 0;
  if (attempt && attempt->looks++ < attempt->script->unknown_looks) {
    seen.presence = PRESENCE_UNKNOWN;
  } else if (attempt) {
    seen.presence = attempt->dead ? PRESENCE_DEAD : PRESENCE_RUNNING;
    seen.started = true;
    seen.started_at = attempt->started_at;
    seen.record = attempt->recorded ? &attempt->record : 0;
    seen.outputs = outputs = attempt->dead ? outputs_of(attempt) : 0;
  }
  fake->backend.events.observed(fake->backend.events.context, name, &seen);
  outputs_unref(outputs);
}

static void deliver(void *context, const struct answer *answer)
{
  struct fake *fake = context;
  const struct backend_events *events = &fake->backend.events;
  switch (answer->kind) {
  case ANSWER_LAUNCHED:
    events->launched(events->context, answer->name, answer->result, answer->reason);
    break;
  case ANSWER_OBSERVED:
    look(fake, answer->name);
    break;
  case ANSWER_HINT:
    events->hint(events->context, answer->name);
    break;
  case ANSWER_SLOTS:
    events->capacity(events->context, fake->backend.name, fake->slots);
    break;
  case ANSWER_FOUND:
    events->found(events->context, fake->backend.name, answer->name);
    break;
  }
}

static const struct backend_operations operations = {
  .launch = fake_launch,
  .observe = fake_observe,
  .kill = fake_kill,
  .remove = fake_remove,
  .list = fake_list,
  .isolation = fake_isolation,
  .destroy = fake_destroy,
};

struct backend *fake_create(uv_loop_t *loop, unsigned slots, const struct fake_script *scripts, size_t count,
                            const struct backend_events *events)
{
  struct fake *fake = xcalloc(1, sizeof *fake);
  fake->backend = (struct backend){.name = "fake", .operations = &operations, .events = *events};
  fake->loop = loop;
  fake->slots = slots;
  fake->scripts = scripts;
  fake->script_count = count;
  fake->answers = answers_create(loop, deliver, fake);
  answers_tell(fake->answers, ANSWER_SLOTS, (struct name){0});
  return &fake->backend;
}

unsigned fake_starts(const struct backend *backend, struct name name)
{
  unsigned starts = 0;
  for (const struct attempt *attempt = ((const struct fake *)backend)->attempts; attempt; attempt = attempt->next)
    if (!strcmp(attempt->name.text, name.text))
      starts++; /* one that was removed and launched anew is there twice */
  return starts;
}
