/*
 * One evaluation and two executors on one store. The code has one executor today (flock on the state directory); this
 * is what several will have to keep to.
 *
 * The row has a lease: who leads the evaluation now, and an epoch, one more with each change of hands. A lease expires
 * because its holder is dead, or because it is slow: stopped, swapped out, cut off. The slow one does not know, and goes
 * on with what it had decided. So the epoch goes with everything that is done: the store refuses a write, and the backend a
 * request, whose epoch is older than what it has heard of. Who takes over tells the backend so before it looks, and the
 * backend remembers it beyond the removal of the attempt.
 *
 * What an executor does between two events is abridged here to look, decide, act: life.pml has it step for step. It may
 * be slow between any two of these, and it may crash behind each.
 *
 * How much may happen:   ATTEMPTS (1, 2)   CRASHES   FAULTS (dead keepers)   TAKEOVERS from an executor that is only slow
 * Broken, must fail:     BREAK_…   README.md says which law
 */

#include "table.inc"

#ifndef ATTEMPTS
#define ATTEMPTS 1
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef TAKEOVERS
#define TAKEOVERS 2
#endif

/* ---- durable: the row ---- */

bool finished;
mtype:verdict_kind verdict;
byte row_attempt;
byte epoch;
bool expired = true;       /* whoever comes may take it */
bool orphaned;             /* nobody holds it, and it will expire */
bool cancel_wanted;        /* a cancellation is stored: who was told of it need not lead the evaluation */

/* ---- the backend and the world ---- */

mtype:keeper_life = { waits, runs, over };
mtype:keeper_life keeper[ATTEMPTS];
bool marker[ATTEMPTS];
mtype:verdict_kind record[ATTEMPTS];
byte newest[ATTEMPTS];     /* the newest epoch that the backend has heard of */

/* ---- what the claims are made of ---- */

byte starts[ATTEMPTS], verdicts, crashes, faults, takeovers;
bool excused, one_is_gone;

#define FAULT faults < FAULTS -> faults++

/* What another epoch has done away with is not done. */
#ifdef BREAK_FENCE
#define HEARD(a) true
#else
#define HEARD(a) (mine >= newest[a])
#endif

#ifdef BREAK_EPOCH
#define STILL_MINE true
#else
#define STILL_MINE (epoch == mine)
#endif
#ifdef BREAK_LAW_6
#define STILL_OPEN true
#else
#define STILL_OPEN (!finished && STILL_MINE)
#endif

inline write_record(a, outcome)
{
  CLAIM(LOST_IS_LOST, a == row_attempt && (!finished || verdict != LOST));
  record[a] = outcome;
  keeper[a] = over;
  printf("keeper %d: record %e\n", a, outcome)
}

/* ======== requests to the backend, each taken at once; that they come late is that their sender is slow ======== */

inline launch(a)
{
  if
  :: HEARD(a) && !marker[a] && keeper[a] != waits ->
    newest[a] = mine; keeper[a] = waits; printf("backend: launch %d in epoch %d\n", a, mine)
  :: else
  fi
}

inline kill(a)
{
  if
  :: HEARD(a) && (keeper[a] == waits || keeper[a] == runs) ->
    if
    :: cancel_wanted -> write_record(a, CANCELLED)
    :: !cancel_wanted -> write_record(a, LOST)
    fi
  :: else
  fi
}

inline remove(a)
{
  CLAIM(NOTHING_DESTROYED, finished || row_attempt > a);
  printf("backend: remove %d\n", a);
  keeper[a] = 0; marker[a] = false; record[a] = 0;
#ifdef BREAK_FENCE_REMOVED
  newest[a] = 0;
#endif
}

/* ======== writes ======== */

#define ALIVE(a) (keeper[a] == waits || keeper[a] == runs)

inline check_verdict(a)
{
  CLAIM(ONE_VERDICT, verdicts == 1);
  CLAIM(NO_VERDICT_UNRECORDED, verdict == LOST || verdict == CANCELLED || verdict == record[a]);
  CLAIM(NO_VERDICT_UNRECORDED, verdict != CANCELLED || cancel_wanted);
  CLAIM(LOST_IS_LOST, verdict != LOST || ((record[a] == 0 || record[a] == LOST) && !ALIVE(a)));
  CLAIM(LOST_IS_EXCUSED, verdict != LOST || excused);
  CLAIM(NEVER_STARTED, verdict != CANCELLED || record[a] == CANCELLED || starts[a] == 0)
}

inline finish(a_verdict)
{
  if
  :: STILL_OPEN ->
    finished = true; verdict = a_verdict; verdicts++;
    printf("store: %e in epoch %d\n", verdict, mine);
    check_verdict(attempt)
  :: else -> printf("store: no longer epoch %d\n", mine)
  fi
}

inline begin_next_attempt()
{
  if
  :: STILL_OPEN -> row_attempt = attempt + 1
  :: else
  fi
}

/* ======== the executors ======== */

#define LEFT_OVER(a) (keeper[a] != 0 || marker[a] || record[a] != 0)

#define MAY_CRASH                                                                                                      \
  if                                                                                                                   \
  :: atomic { crashes < CRASHES -> crashes++; printf("executor %d: CRASH\n", me); goto leads_no_more }                 \
  :: atomic {                                                                                                          \
      crashes < CRASHES && !one_is_gone ->                                                                             \
      crashes++; one_is_gone = true; printf("executor %d: GONE\n", me); goto gone                                      \
    }                                                                                                                  \
  :: true                                                                                                              \
  fi

inline ask_backend()
{
  if
  :: keeper[attempt] == 0 || (keeper[attempt] == over && !marker[attempt]) -> seen_presence = absent
  :: keeper[attempt] == waits -> seen_presence = pending
  :: keeper[attempt] == runs -> seen_presence = running
  :: keeper[attempt] == over && marker[attempt] -> seen_presence = dead
  fi
}

inline read_evidence()
{
  seen_started = marker[attempt];
  seen_record = record[attempt];
  printf("executor %d: look: %e, started %d, record %e\n", me, seen_presence, seen_started, seen_record)
}

proctype Executor(byte me)
{
  byte mine, attempt;
  mtype:presence seen_presence;
  bool confirming, seen_started;
  mtype:verdict_kind seen_record;

leads_no_more: /* or has crashed and started again */
  atomic {
    orphaned = orphaned || (mine != 0 && mine == epoch);
    mine = 0; attempt = 0; seen_presence = 0; confirming = false; seen_started = false; seen_record = 0
  };
end:
  if
  :: atomic { finished && LEFT_OVER(0) -> remove(0) }; goto leads_no_more
#if ATTEMPTS > 1
  :: atomic { (finished || row_attempt > 0) && LEFT_OVER(0) -> remove(0) }; goto leads_no_more
  :: atomic { finished && LEFT_OVER(1) -> remove(1) }; goto leads_no_more
#endif
  :: atomic {
      !finished && expired ->
      epoch++; expired = false; orphaned = false;
      mine = epoch; attempt = row_attempt;
      printf("executor %d: leads in epoch %d\n", me, mine)
    }
  fi;
  MAY_CRASH;
#ifndef BREAK_FENCE_AT_TAKEOVER
  newest[attempt] = (newest[attempt] < mine -> mine : newest[attempt]);
#endif

look_at_it:
  atomic { ask_backend() };
  atomic {
    read_evidence();
    if
    :: seen_record != 0 -> goto has_record
    :: seen_record == 0 && seen_presence == dead -> goto is_dead
    :: seen_record == 0 && (seen_presence == pending || seen_presence == running) -> goto is_alive
    :: seen_record == 0 && seen_presence == absent && !seen_started -> goto is_absent
    :: seen_record == 0 && seen_presence == absent && seen_started -> goto look_at_it /* it was begun in between */
    fi
  };

has_record:
  if
  :: atomic { seen_record == LOST && attempt + 1 < ATTEMPTS -> begin_next_attempt() }
  :: atomic { seen_record != LOST || attempt + 1 == ATTEMPTS -> finish(seen_record) }
  fi;
  MAY_CRASH;
  goto leads_no_more;

is_dead:
  if
  :: atomic { !confirming -> confirming = true; kill(attempt); goto look_at_it }
  :: atomic { confirming && attempt + 1 < ATTEMPTS && !cancel_wanted -> begin_next_attempt() }
  :: atomic { confirming && (attempt + 1 == ATTEMPTS || cancel_wanted) -> finish(LOST) }
  fi;
  MAY_CRASH;
  goto leads_no_more;

is_alive:
  if
  :: atomic { cancel_wanted -> kill(attempt) }
  :: atomic { excused = true; kill(attempt) } /* its deadline passed */
  :: keeper[attempt] == over || keeper[attempt] == 0 || keeper[attempt] == runs && seen_presence == pending
  :: finished || epoch != mine -> goto leads_no_more /* it learns that, sooner or later */
  fi;
  MAY_CRASH;
  goto look_at_it;

is_absent:
  if
  :: cancel_wanted -> atomic { finish(CANCELLED) }; MAY_CRASH; goto leads_no_more
  :: true -> atomic { excused = true; finish(LOST) }; MAY_CRASH; goto leads_no_more /* its deadline passed */
  :: !cancel_wanted
  fi;
  if
  :: atomic { HEARD(attempt) -> launch(attempt) }
  :: !HEARD(attempt) -> goto leads_no_more
  fi;
  MAY_CRASH;
  goto look_at_it;

gone: /* its machine never comes back */
  atomic { orphaned = orphaned || mine == epoch; mine = 0; attempt = 0; seen_presence = 0; confirming = false;
           seen_started = false; seen_record = 0 };
end_gone:
  false
}

/* ======== the world ======== */

proctype Keeper(byte a)
{
end:
  do
  :: atomic {
      keeper[a] == waits ->
      if
      :: marker[a] = true; keeper[a] = runs; starts[a]++;
        printf("keeper %d: start\n", a);
        CLAIM(ONE_RUN, starts[a] == 1);
        CLAIM(DURABLE_INTENT, row_attempt == a);
        CLAIM(NEVER_STARTED, !finished)
      :: FAULT; keeper[a] = over; excused = true; printf("keeper %d: killed\n", a)
      fi
    }
  :: atomic {
      keeper[a] == runs ->
      if
      :: write_record(a, COMPLETED)
      :: write_record(a, FAILED)
      :: FAULT; keeper[a] = over; excused = true; printf("keeper %d: killed\n", a)
      fi
    }
  od
}

/* A lease always expires when its holder has crashed; otherwise it may. */
active proctype Time()
{
end:
  do
  :: atomic {
      !finished && !expired && !orphaned && takeovers < TAKEOVERS ->
      if
      :: takeovers++; expired = true
      :: true
      fi
    }
#ifndef BREAK_EXPIRY
  :: atomic { !finished && !expired && orphaned -> expired = true }
#endif
  od
}

active proctype Client()
{
end:
  if
  :: cancel_wanted = true; printf("client: cancel\n")
  :: true
  fi
}

init
{
  atomic {
    run Executor(1);
    run Executor(2);
    run Keeper(0);
#if ATTEMPTS > 1
    run Keeper(1)
#endif
  }
}

ltl ends { <> finished }
ltl leaves_nothing { [] (finished -> <> (!LEFT_OVER(0) && !LEFT_OVER(ATTEMPTS - 1))) }
