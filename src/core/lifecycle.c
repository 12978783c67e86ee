#include "core/lifecycle.h"

static const struct {
  const char *name, *meaning;
  unsigned deadline_ms;
} states[STATE_COUNT] = {
#define X(name, text, deadline, meaning) [STATE_##name] = {text, meaning, deadline},
  STATES(X)
#undef X
};

static const bool legal[STATE_COUNT][STATE_COUNT] = {
#define X(from, to, why) [STATE_##from][STATE_##to] = true,
  MOVES(X)
#undef X
};

const char *state_name(enum state state)
{
  return states[state].name;
}

const char *state_meaning(enum state state)
{
  return states[state].meaning;
}

unsigned state_deadline_ms(enum state state)
{
  return states[state].deadline_ms;
}

bool move_legal(enum state from, enum state to)
{
  return from < STATE_COUNT && to < STATE_COUNT && legal[from][to];
}

bool state_waits(enum state state)
{
  return state == STATE_ACCEPTING || state == STATE_QUEUED || state == STATE_PREPARING;
}

bool state_holds_slot(enum state state)
{
  return state == STATE_STARTING || state == STATE_RUNNING;
}
