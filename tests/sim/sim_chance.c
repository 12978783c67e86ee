/*
 * Chance: streams of numbers, each from the run's seed and the stream's own number. What happens in the world, each kind
 * of trouble and each job draw from streams of their own, so that a run without one of them is otherwise the same for as
 * long as can be.
 */

#include "sim.h"

/* splitmix64 */
static uint64_t next(struct chance *chance)
{
  uint64_t z = chance->state += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

struct chance chance_of(uint64_t seed, uint64_t stream)
{
  struct chance of_seed = {seed}, chance = {stream};
  return (struct chance){next(&of_seed) ^ next(&chance)};
}

uint64_t chance_below(struct chance *chance, uint64_t bound)
{
  return next(chance) % bound;
}

uint64_t chance_between_us(struct chance *chance, uint64_t least_us, uint64_t most_us)
{
  uint64_t most = most_us, drawn = next(chance);
  for (uint64_t halvings = drawn >> 56; most / 2 > least_us && halvings & 1; halvings >>= 1)
    most /= 2;
  return least_us + (drawn & UINT64_MAX >> 8) % (most - least_us + 1);
}

uint64_t sim_below(struct sim *sim, uint64_t bound)
{
  return chance_below(&sim->timing, bound);
}

uint64_t sim_between_us(struct sim *sim, uint64_t least_us, uint64_t most_us)
{
  return chance_between_us(&sim->timing, least_us, most_us);
}

bool sim_coin(struct sim *sim)
{
  return sim_below(sim, 2);
}

bool sim_survives(struct sim *sim, enum coins what)
{
  return sim->run.script < 0 ? sim_coin(sim) : sim->run.coins & what;
}

static const struct {
  const char *name;
  unsigned most;
  bool of_platform;
} troubles[] = {
#define X(name, text, most) [TROUBLE_##name] = {text, most, false},
  OUTSIDE_TROUBLES(X) CLUSTER_OUTSIDE_TROUBLES(X)
#undef X
#define X(name, text, most) [TROUBLE_##name] = {text, most, true},
    PLATFORM_TROUBLES(X) CLUSTER_PLATFORM_TROUBLES(X)
#undef X
};

const char *trouble_name(enum trouble trouble)
{
  return troubles[trouble].name;
}

unsigned trouble_most(enum trouble trouble)
{
  return troubles[trouble].most;
}

bool trouble_is_of_platform(enum trouble trouble)
{
  return troubles[trouble].of_platform;
}

bool sim_strikes(struct sim *sim, enum trouble trouble)
{
  unsigned per_mille = sim->weather.per_mille[trouble];
  if (!per_mille || chance_below(&sim->troubles[trouble], 1000) >= per_mille)
    return false;
  uint64_t number = sim->strikes++;
  bool let = number < 64 ? sim->run.strikes >> number & 1 : sim->run.strikes == UINT64_MAX;
  sim_trace(sim, "%s %s (strike %llu)", let ? "!         " : "spared    ", troubles[trouble].name,
            (unsigned long long)number);
  return let;
}
