#include "scripted_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const call_names[] = {
#define X(name) #name,
  CALLS(X)
#undef X
};

static struct call *add_call(struct script *script, enum call_kind kind, const char *id)
{
  assert_true(script->call_count < SCRIPT_CALLS_MAX);
  struct call *call = &script->calls[script->call_count++];
  *call = (struct call){.kind = kind};
  snprintf(call->id, sizeof call->id, "%s", id);
  return call;
}

static struct call *add_call_for_name(struct script *script, enum call_kind kind, struct name name)
{
  char id[ID_SIZE];
  unsigned attempt;
  assert_true(name_parse(name.text, id, &attempt));
  struct call *call = add_call(script, kind, id);
  call->name = name;
  return call;
}

static struct mono now(void *context)
{
  return ((struct script *)context)->now;
}

static struct wall wall(void *context)
{
  return ((struct script *)context)->wall_now;
}

static uint32_t next_random(void *context)
{
  return ++((struct script *)context)->random;
}

static void store_accept(void *context, const struct evaluation *evaluation)
{
  add_call(context, CALL_STORE_ACCEPT, evaluation->id);
}

static void store_attempt(void *context, const struct evaluation *evaluation, unsigned attempt)
{
  add_call(context, CALL_STORE_ATTEMPT, evaluation->id)->attempt = attempt;
}

static void store_cancel(void *context, const struct evaluation *evaluation, void *token)
{
  struct call *call = add_call(context, CALL_STORE_CANCEL, evaluation->id);
  call->at = evaluation->cancelled_at;
  call->token = token;
}

static void store_finish(void *context, const struct evaluation *evaluation)
{
  struct call *call = add_call(context, CALL_STORE_FINISH, evaluation->id);
  call->verdict = evaluation->verdict;
  call->usage = evaluation->usage;
  call->outputs = evaluation->outputs;
}

static void launch(void *context, const struct evaluation *evaluation)
{
  add_call_for_name(context, CALL_LAUNCH, attempt_name(evaluation));
}

static void observe(void *context, const char *backend, struct name name)
{
  assert_non_null(backend);
  add_call_for_name(context, CALL_OBSERVE, name);
}

static void kill_attempt(void *context, const char *backend, struct name name, enum kill_reason reason)
{
  assert_non_null(backend);
  add_call_for_name(context, CALL_KILL, name)->reason = reason;
}

static void remove_attempt(void *context, const char *backend, struct name name)
{
  assert_non_null(backend);
  add_call_for_name(context, CALL_REMOVE, name);
}

static void tell_accepted(void *context, struct evaluation *evaluation, void *token, enum store_result result,
                          const char *standing_id)
{
  struct call *call = add_call(context, CALL_ACCEPTED, evaluation ? evaluation->id : "");
  call->token = token;
  call->result = result;
  call->with_evaluation = evaluation;
  snprintf(call->standing_id, sizeof call->standing_id, "%s", standing_id ? standing_id : "");
}

static void tell_cancelled(void *context, const char *id, void *token, enum store_result result)
{
  struct call *call = add_call(context, CALL_CANCELLED, id);
  call->token = token;
  call->result = result;
}

static void changed(void *context, const struct evaluation *evaluation)
{
  struct call *call = add_call(context, CALL_CHANGED, evaluation->id);
  call->state = evaluation->state;
  call->verdict = evaluation->verdict;
}

static void broken(void *context, const char *what)
{
  assert_true(what && what[0]);
  add_call(context, CALL_BROKEN, "");
}

static void start_executor(struct script *script)
{
  const struct world world = {
    .context = script,
    .now = now,
    .wall_now = wall,
    .random = next_random,
    .store_accept = store_accept,
    .store_attempt = store_attempt,
    .store_cancel = store_cancel,
    .store_finish = store_finish,
    .launch = launch,
    .observe = observe,
    .kill = kill_attempt,
    .remove = remove_attempt,
    .accepted = tell_accepted,
    .cancelled = tell_cancelled,
    .changed = changed,
    .broken = broken,
  };
  script->executor = executor_create(&world, &(struct executor_config){.queue_max = 3, .queue_bytes_max = 1000});
  executor_add_backend(script->executor, "native", 0);
  executor_add_backend(script->executor, "other", SCRIPT_PATIENCE_MS);
  executor_capacity(script->executor, "native", 1);
}

int script_setup(void **state)
{
  struct script *script = calloc(1, sizeof *script);
  script->now = (struct mono){1000000000};
  script->wall_now = (struct wall){1795377480123};
  start_executor(script);
  *state = script;
  return 0;
}

int script_teardown(void **state)
{
  struct script *script = *state;
  unsigned unexpected = 0;
  for (unsigned i = 0; i < script->call_count; i++)
    if (script->calls[i].kind != CALL_CHANGED) {
      print_error("not expected: %s %s\n", call_names[script->calls[i].kind], script->calls[i].id);
      unexpected++;
    }
  executor_destroy(script->executor);
  free(script);
  return unexpected ? -1 : 0;
}

void script_restart(struct script *script)
{
  executor_destroy(script->executor);
  script->call_count = 0;
  start_executor(script);
}

unsigned pending(const struct script *script, enum call_kind kind)
{
  unsigned count = 0;
  for (unsigned i = 0; i < script->call_count; i++)
    count += script->calls[i].kind == kind;
  return count;
}

struct call taken(struct script *script, enum call_kind kind)
{
  for (unsigned i = 0; i < script->call_count; i++) {
    if (script->calls[i].kind != kind)
      continue;
    struct call call = script->calls[i];
    script->call_count--;
    memmove(&script->calls[i], &script->calls[i + 1], (script->call_count - i) * sizeof call);
    return call;
  }
  fail_msg("%s was not asked for", call_names[kind]);
  return (struct call){0};
}

void forget(struct script *script, enum call_kind kind)
{
  while (pending(script, kind))
    taken(script, kind);
}

void assert_quiet(struct script *script)
{
  forget(script, CALL_CHANGED);
  if (script->call_count)
    fail_msg("%s %s was not expected", call_names[script->calls[0].kind], script->calls[0].id);
}

void advance(struct script *script, uint64_t ms)
{
  script->now = mono_add_ms(script->now, ms);
  script->wall_now.ms += (int64_t)ms;
}

void tick_after(struct script *script, uint64_t ms)
{
  advance(script, ms);
  executor_tick(script->executor);
}

struct evaluation *draft(void)
{
  struct evaluation *evaluation = evaluation_create();
  strcpy(evaluation->backend, "native");
  evaluation->labels = xstrdup("{}");
  evaluation->plan = blob_create("plan", 4);
  return evaluation;
}

struct evaluation *submit(struct script *script, struct evaluation *evaluation)
{
  struct error error = {0};
  if (!executor_submit(script->executor, evaluation, evaluation, &error))
    fail_msg("refused: %s", error.message);
  assert_string_equal(taken(script, CALL_STORE_ACCEPT).id, evaluation->id);
  return evaluation;
}

struct evaluation *accepted(struct script *script, struct evaluation *evaluation)
{
  submit(script, evaluation);
  executor_accepted(script->executor, evaluation->id, STORE_DONE, ++script->sequence, 0);
  struct call told = taken(script, CALL_ACCEPTED);
  assert_int_equal(told.result, STORE_DONE);
  assert_string_equal(told.id, evaluation->id);
  return evaluation;
}

struct evaluation *starting(struct script *script, struct evaluation *evaluation)
{
  accepted(script, evaluation);
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_ACCEPTED, 0);
  assert_int_equal(evaluation->state, STATE_STARTING);
  return evaluation;
}

struct evaluation *running(struct script *script, struct evaluation *evaluation)
{
  starting(script, evaluation);
  executor_hint(script->executor, attempt_name(evaluation));
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
  assert_quiet(script);
  return evaluation;
}

void cancel(struct script *script, struct evaluation *evaluation)
{
  assert_int_equal(executor_cancel(script->executor, evaluation->id, script), CANCEL_UNDER_WAY);
  struct call asked = taken(script, CALL_STORE_CANCEL);
  assert_string_equal(asked.id, evaluation->id);
  assert_true(asked.at.ms);
  assert_int_equal(pending(script, CALL_CANCELLED), 0);
  executor_cancelled(script->executor, evaluation->id, asked.token, STORE_DONE);
  assert_ptr_equal(taken(script, CALL_CANCELLED).token, script);
}

struct name attempt_name(const struct evaluation *evaluation)
{
  return name_make(evaluation->id, evaluation->attempt);
}

void sees(struct script *script, struct name name, enum presence presence, bool started, const struct record *record)
{
  assert_string_equal(taken(script, CALL_OBSERVE).name.text, name.text);
  executor_observed(script->executor, name,
                    &(struct observation){.presence = presence, .started = started, .record = record});
}

struct record record_of_code(int exit_code)
{
  return (struct record){.step = STEP_RUN, .kind = EXIT_CODE, .exit_code = exit_code};
}
