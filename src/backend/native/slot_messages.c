#include "backend/native/slot_impl.h"

#include "base/fd.h"
#include "base/log.h"
#include "wire/isolation.h"

#include <errno.h>

enum { MESSAGES_A_TURN_MAX = 64 };

/* The keeper takes one message after another, so what was sent before is done as well. */
static void run_was_answered(struct slot *slot)
{
  slot->removal_count -= slot->removals_before_run;
  if (slot->removal_count)
    memmove(slot->removals, slot->removals + slot->removals_before_run, slot->removal_count * sizeof *slot->removals);
  slot->removals_before_run = 0;
}

static void on_hello(struct slot *slot, const struct control_message *message, int *fd)
{
  (void)fd;
  bool fit = !slot->config->strict || isolation_level(message->value) == ISOLATION_LEVEL_FULL;
  bool runs = message->name.text[0] != 0;
  slot->features = message->value;
  slot->stranger = false;
  if (slot->holds && !(runs && names_equal(message->name, slot->name))) {
    slot_hint(slot, slot->name);
    slot_answer(slot, LAUNCH_UNKNOWN, "the connection to the keeper was lost");
    slot_let_go(slot);
  }
  if (runs) {
    slot->holds = true;
    slot->name = message->name;
    slot_hint(slot, slot->name);
  }
  slot_enter(slot, runs ? SLOT_RUNNING : fit ? SLOT_IDLE : SLOT_UNFIT, NEVER);
  if (!fit)
    log_error(0, "slot %u is out of use: this host cannot isolate fully; see assay doctor", slot->index);
  if (slot->retiring)
    slot_quit(slot);
}

static void on_started(struct slot *slot, const struct control_message *message, int *fd)
{
  if (!slot_holds(slot, message->name))
    return;
  fd_close(slot->init_pidfd);
  slot->init_pidfd = TAKE_FD(*fd);
  run_was_answered(slot);
  slot_answer(slot, LAUNCH_ACCEPTED, 0);
  slot_enter(slot, SLOT_RUNNING, NEVER);
  slot_hint(slot, slot->name);
}

static void on_ended(struct slot *slot, const struct control_message *message, int *fd)
{
  (void)fd;
  slot_hint(slot, message->name);
  if (!slot_holds(slot, message->name))
    return;
  run_was_answered(slot);
  slot_answer(slot, LAUNCH_ACCEPTED, 0);
  slot_let_go(slot);
  slot_enter(slot, SLOT_SETTLING, SETTLING_MS_MAX);
}

static void on_idle(struct slot *slot, const struct control_message *message, int *fd)
{
  (void)message;
  (void)fd;
  if (slot->state == SLOT_RUNNING) { /* that it ended was told to an earlier connection */
    slot_hint(slot, slot->name);
    slot_let_go(slot);
    slot_enter(slot, SLOT_IDLE, NEVER);
  } else if (slot->state == SLOT_SETTLING || slot->state == SLOT_ASIDE) {
    slot_enter(slot, SLOT_IDLE, NEVER);
  }
}

/* Whatever the host fails at has an errno; a plan that cannot be understood has none. */
static bool is_fault_of_request(uint32_t code)
{
  return code == 0;
}

static void on_refused(struct slot *slot, const struct control_message *message, int *fd)
{
  (void)fd;
  if (!slot_holds(slot, message->name) || slot->state != SLOT_PENDING)
    return;
  run_was_answered(slot);
  slot_let_go(slot);
  if (is_fault_of_request(message->code)) {
    slot_answer(slot, LAUNCH_REFUSED, message->text);
    slot_enter(slot, SLOT_IDLE, NEVER);
    return;
  }
  log_warning(0, "slot %u could not launch %s: %s", slot->index, message->name.text, message->text);
  slot_answer(slot, LAUNCH_BUSY, message->text);
  slot_enter(slot, SLOT_RESTING, RESTING_MS);
}

static void on_known(struct slot *slot, const struct control_message *message, int *fd)
{
  (void)fd;
  slot_hint(slot, message->name);
  if (!slot_holds(slot, message->name) || slot->state != SLOT_PENDING)
    return;
  run_was_answered(slot);
  slot_answer(slot, LAUNCH_ACCEPTED, 0);
  slot_let_go(slot);
  slot_enter(slot, SLOT_IDLE, NEVER);
}

/* What a keeper may say, and when: the greeting first. Anything else ends the connection. */
static void (*const handlers[])(struct slot *slot, const struct control_message *message, int *fd) = {
  [CONTROL_HELLO] = on_hello,     [CONTROL_STARTED] = on_started, [CONTROL_ENDED] = on_ended, [CONTROL_IDLE] = on_idle,
  [CONTROL_REFUSED] = on_refused, [CONTROL_KNOWN] = on_known,     [CONTROL_TYPE_COUNT] = 0,
};

/* Whether there may be more to read. */
static bool take_message(struct slot *slot)
{
  struct control_message message;
  CLEANUP_FD int fd = -1;
  int result = control_receive(watch_fd(slot->socket), &message, &fd);
  if (result == -EAGAIN)
    return false;
  bool expected =
    result == 1 && handlers[message.type] && (slot->state == SLOT_GREETING) == (message.type == CONTROL_HELLO);
  if (!expected) {
    if (result != 0)
      log_warning(0, "keeper of slot %u talks nonsense; connecting again", slot->index);
    slot_hang_up(slot);
    slot->began_at = mono_now();
    slot_call_later(slot); /* where it has died, its pidfd will tell */
    return false;
  }
  handlers[message.type](slot, &message, &fd);
  return true;
}

void slot_listen(struct slot *slot)
{
  for (int i = 0; i < MESSAGES_A_TURN_MAX && slot->socket && take_message(slot); i++)
    ;
}
