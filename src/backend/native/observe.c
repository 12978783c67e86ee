/*
 * Looking at an attempt: the keepers first, the evidence second (law 4).
 *
 * The order matters. A keeper that is asked first and says "it runs" may have ended it by the time the evidence is
 * read, and then the record is there and counts. The other way round, the record could appear in between, and an ended
 * program would look as if nobody had ever run it.
 */

#include "backend/native/native_impl.h"
#include "backend/native/tree.h"

#include <stdio.h>

/* What the keepers say, taken before the evidence is read. */
struct word {
  bool held, reachable; /* by a keeper, which is connected */
  bool waits;           /* for a slot */
  bool certain;         /* that what no keeper holds runs nowhere */
};

static struct word ask_keepers(const struct native *native, struct name name)
{
  const struct slot *holder = native_holder(native, name);
  return (struct word){
    .held = holder != 0,
    .reachable = holder && slot_connected(holder),
    .waits = native_waits(native, name),
    .certain = native_certain(native),
  };
}

static enum presence presence_of(struct native *native, struct name name, const struct word *word,
                                 const struct evidence *evidence)
{
  enum presence alive = evidence->started ? PRESENCE_RUNNING : PRESENCE_PENDING;
  if (evidence->recorded) /* a complete record is written when everything has ended */
    return PRESENCE_DEAD;
  if (word->held)
    return word->reachable ? alive : PRESENCE_UNKNOWN;
  if (evidence->marked && evidence->doubtful)
    return PRESENCE_DEAD;
  if (!word->certain)
    return PRESENCE_UNKNOWN;
  if (word->waits)
    return PRESENCE_PENDING;
  switch (tree_life(&native->cgroups, evidence->marked ? &evidence->marker : 0)) {
  case LIFE_ALIVE: /* its keeper is dead: nobody will ever write its record */
    chores_add(native->chores, CHORE_BURY, name);
    return alive;
  case LIFE_GONE: /* without a start marker no program was run, and it may be launched again */
    return evidence->started ? PRESENCE_DEAD : PRESENCE_ABSENT;
  case LIFE_UNKNOWN:
    break;
  }
  return PRESENCE_UNKNOWN;
}

/* Why there is no record, for a person. */
static const char *reason_of(const struct evidence *evidence)
{
  if (evidence->problem[0])
    return evidence->problem;
  if (!evidence->started || evidence->recorded)
    return 0;
  return evidence->marked && evidence->doubtful ? EVIDENCE_REBOOTED : "its keeper was killed";
}

/* False where it cannot be told. */
static bool look(struct native *native, struct name name, struct evidence *evidence, enum presence *ret,
                 struct error *error)
{
  struct word word = ask_keepers(native, name);
  if (!evidence_read(native->evidence_fd, name, evidence, error))
    return false;
  evidence_doubt_after_reboot(evidence);
  enum presence presence = presence_of(native, name, &word, evidence);
  if (presence == PRESENCE_DEAD) {
    if (!evidence_read_outputs(native->evidence_fd, native->evidence_path, name, evidence, error))
      return false;
    /* Should the record have turned out to be damaged, it does not tell that all have ended either. */
    presence = presence_of(native, name, &word, evidence);
  }
  *ret = presence;
  return true;
}

void native_look(struct native *native, struct name name)
{
  const struct backend_events *events = &native->backend.events;
  CLEANUP_EVIDENCE struct evidence evidence = {0};
  struct error error;
  enum presence presence;
  if (!look(native, name, &evidence, &presence, &error)) {
    struct observation unknown = {.presence = PRESENCE_UNKNOWN, .platform_reason = error.message};
    events->observed(events->context, name, &unknown);
    return;
  }
  struct observation seen = {
    .presence = presence,
    .started = evidence.started,
    .started_at = evidence.marker.at,
    .isolation = evidence.recorded  ? evidence.record.isolation
                 : evidence.started ? native->features
                                    : 0,
    .record = evidence.recorded ? &evidence.record : 0,
    .outputs = evidence.outputs,
    .platform_reason = presence == PRESENCE_DEAD ? reason_of(&evidence) : 0,
  };
  events->observed(events->context, name, &seen);
}
