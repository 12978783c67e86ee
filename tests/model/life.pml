/*
 * One evaluation and one executor: src/core/life.c and executor.c, step for step, in a world that does its worst.
 *
 * The executor is one thread, so what it does upon an event is one atomic step here; but it may crash after each effect
 * in it (MAY_CRASH), and then nothing of the executor's memory is left. Every source of events is a process of its own,
 * so that weak fairness says exactly what the code relies on: who has something to tell tells it at last. Faults are
 * never forced by fairness, since each is one of several outcomes of a step.
 *
 * How much may happen:   ATTEMPTS asked for (1, 2)   CRASHES of assayd   FAULTS that excuse a verdict `lost` (a dead
 *   keeper, output not saved, an engine that hangs, a process that cannot be killed)   SLIPS that excuse nothing (an error
 *   for an answer, lost replies, no room, lies)   CANCEL: the client may cancel   PREPARE: something has to be fetched first
 *   NO_DEADLINES: nothing is ever overdue
 * The backend:           HEARSAY: there is nothing but the engine's word for whether it lives, and that may be a lie
 * Broken, must fail:     BREAK_…   README.md says which law
 * Assumptions dropped:   WITHOUT_…   README.md says what the code relies on
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
#ifndef SLIPS
#define SLIPS 1
#endif

#define FAULT faults < FAULTS -> faults++
#define SLIP slips < SLIPS -> slips++

/* ---- durable: the store, and one write on its way to it ---- */

mtype:write_kind = { accept, next_attempt, finish };

bool stored, finished;        /* there is a row; it has its verdict */
byte stored_attempt;          /* counted from 0 */
mtype:verdict_kind verdict;        /* 0: none, as everywhere */
mtype:write_kind write;            /* asked for, and not answered yet */
mtype:verdict_kind write_verdict;
bool committed;               /* it is durable, and the answer is on its way */

/* ---- the executor's memory: gone with a crash ---- */

mtype:stop_reason = { cancelled, deadline };

bool up;                      /* assayd runs */
bool open;                    /* it knows the evaluation: there is a `struct evaluation` */
mtype:state_name state;
byte attempt;
mtype:stop_reason stop;
bool recovering, launching, looking_again, confirming, finishing, refused;
bool listed;                  /* what is left over was looked for since the start */
bool hint;                    /* one is on its way */
mtype:verdict_kind decided;        /* of no meaning between two steps */

/* ---- between the executor and the backend ---- */

mtype:request_kind = { launch, kill, kill_for_cancel, remove };
mtype:launch_result = { accepted, busy, refuse, prepare, no_answer };
mtype:look_phase = {
  asked,
  found_alive_keeper, found_dead_keeper, found_fetching, found_nothing_there, found_error, /* the backend's word */
  unknown, absent, pending, running, dead                                                  /* enum presence */
};

chan requests = [4] of { mtype:request_kind, byte };
mtype:launch_result answer;          /* to the launch */
mtype:look_phase look;
bool seen_started;
mtype:verdict_kind seen_record;

/* ---- the world, which does not care whether assayd lives ---- */

mtype:keeper_life = { waits, runs, over };
mtype:image_life = { missing, fetching, there };

mtype:keeper_life keeper[ATTEMPTS];
bool marker[ATTEMPTS];           /* `start` */
mtype:verdict_kind record[ATTEMPTS];  /* `exit`, as the verdict that it decides: verdict.c is a pure function, tested by itself */
bool hung, hung_for_ever;        /* the backend does not answer */
bool stuck;                      /* the program cannot be killed: uninterruptible sleep */
#ifdef PREPARE
mtype:image_life image = missing;
#else
mtype:image_life image = there;
#endif

/* ---- what the claims are made of ---- */

byte crashes, faults, slips;
byte starts[ATTEMPTS], verdicts;
bool told_accepted;              /* the client has its 202 */
bool told_cancelling;            /* the client was told that its cancellation is under way */
bool excused;                    /* the platform did fail, or a deadline passed */
bool silence;                    /* law 8 had to end it: nobody could say anything until the deadline */

#define MAY_CRASH                                                                                                      \
  if                                                                                                                   \
  :: (crashes < CRASHES) -> crashes++; up = false; printf("assayd: CRASH\n")                                           \
  :: true                                                                                                              \
  fi

#define LEFT_OVER(a) (keeper[a] != 0 || marker[a] || record[a] != 0)
#define LAUNCH_UNDER_WAY (requests ?? [launch, 0] || requests ?? [launch, 1])
#define KILL_UNDER_WAY (requests ?? [kill, eval(attempt)] || requests ?? [kill_for_cancel, eval(attempt)])

/* find_attempt(): whom answers and hints concern */
#define CONCERNED (up && open && !finishing && state != ACCEPTING)

/* ======== the store's thread ======== */

inline commit()
{
  if
  :: write == accept -> stored = true
  :: write == next_attempt -> stored_attempt++
  :: write == finish ->
    finished = true;
    verdict = write_verdict;
    verdicts++;
    printf("store: %e\n", verdict);
    check_verdict(stored_attempt)
  fi
}

/* What a verdict claims of the world. */
inline check_verdict(a)
{
  assert(verdicts == 1);                                                                           /* law 6 */
  assert(verdict == LOST || verdict == CANCELLED || verdict == NOT_STARTED || verdict == record[a]); /* law 5 */
  assert(verdict != LOST || record[a] == 0 || record[a] == LOST || silence);                       /* law 4 */
  assert(verdict != LOST || excused);                        /* crashes, errors and lost messages cost nothing but time */
  assert(verdict != CANCELLED || told_cancelling);
  assert(verdict != CANCELLED || record[a] == CANCELLED || starts[a] == 0);
  assert(verdict != NOT_STARTED || record[a] == NOT_STARTED || starts[a] == 0)
}

/* ======== effects ======== */

inline ask_store(what, a_verdict)
{
  if
  :: up -> write = what; write_verdict = a_verdict; MAY_CRASH
  :: else
  fi
}

inline ask(what, of_attempt)
{
  if
  :: up && len(requests) < 4 -> requests ! what, of_attempt; MAY_CRASH
  :: else /* asked again when nothing is heard of it */
  fi
}

/* evaluation_look() */
inline ask_look()
{
  if
  :: up && look == 0 -> look = asked
  :: up && look != 0 -> looking_again = true
  :: else
  fi
}

/* ask_for_launch() */
inline ask_launch()
{
  assert(stop == 0); /* nothing is launched that is to end */
#ifdef CANCEL_KEPT
  assert(!told_cancelling);
#endif
  launching = true;
  ask(launch, attempt)
}

inline ask_kill()
{
  if
  :: KILL_UNDER_WAY
  :: !KILL_UNDER_WAY && stop == cancelled -> ask(kill_for_cancel, attempt)
  :: !KILL_UNDER_WAY && stop != cancelled -> ask(kill, attempt)
  fi
}

/* The end of every step of the executor. If it crashed: a write that was on its way is durable, or it is not. */
inline settle()
{
  if
  :: !up ->
    if
    :: write != 0 && !committed -> commit()
    :: true
    fi;
    write = 0; write_verdict = 0; committed = false;
    open = false; state = 0; attempt = 0; stop = 0;
    recovering = false; launching = false; looking_again = false; confirming = false; finishing = false;
    refused = false; listed = false; hint = false;
    look = 0; seen_started = false; seen_record = 0; answer = 0;
    if
    :: image == fetching -> image = missing
    :: else
    fi;
    assert(!told_accepted || stored) /* law 1: what was acknowledged is durable */
  :: else
  fi
}

/* ======== life.c ======== */

inline seal()
{
  recovering = false;
  if
  :: up && state != SEALING -> move(SEALING)
  :: else
  fi
}

#define NEVER_RAN(presence, started) (!(started) && (presence == absent || presence == dead))

/* verdict_decide() */
inline decide(a_presence, a_started, a_record)
{
  if
  :: a_record != 0 -> decided = a_record
  :: a_record == 0 && NEVER_RAN(a_presence, a_started) && refused -> decided = NOT_STARTED
  :: a_record == 0 && NEVER_RAN(a_presence, a_started) && !refused && stop == cancelled -> decided = CANCELLED
  :: a_record == 0 && !(NEVER_RAN(a_presence, a_started) && (refused || stop == cancelled)) ->
#ifdef BREAK_LAW_5
    decided = (a_presence == dead -> COMPLETED : LOST) /* the engine says "exit 0" */
#else
    decided = LOST
#endif
  fi
}

inline conclude(a_presence, a_started, a_record)
{
  seal();
  decide(a_presence, a_started, a_record);
  look = 0; /* what another look answers now is not listened to: `finishing` */
  finishing = true;
#ifdef BREAK_LAW_7
  ask(remove, attempt);
#endif
  if
  :: decided == LOST && stop != cancelled && attempt + 1 < ATTEMPTS -> ask_store(next_attempt, 0)
  :: else -> ask_store(finish, decided)
  fi;
  decided = 0
}

inline give_up()
{
  conclude(absent, false, 0)
}

inline found_dead()
{
#ifdef BREAK_LAW_4
  conclude(look, seen_started, seen_record)
#else
  if
  :: confirming -> conclude(look, seen_started, seen_record)
  :: else ->
    seal();
    look = 0;
    confirming = true;
    ask_kill();
    ask_look()
  fi
#endif
}

inline found_alive()
{
  confirming = false;
  recovering = false;
  if
  :: (state == PREPARING || state == QUEUED || state == STARTING) && (look == running || seen_started) -> move(RUNNING)
  :: state == QUEUED && look == pending && !seen_started -> move(STARTING)
  :: else
  fi;
  look = 0;
  if
  :: stop != 0 -> ask_kill()
  :: else
  fi
}

inline found_nothing()
{
  if
  :: launching -> look = 0 /* on its way: the answer will tell */
  :: !launching && (stop != 0 || refused || state == RUNNING || state == SEALING) -> found_dead()
  :: else ->
    look = 0;
    if
    :: recovering -> recovering = false
    :: !recovering && state == PREPARING -> move(QUEUED)
    :: !recovering && state == STARTING -> ask_launch()
    :: else
    fi
  fi
}

/* evaluation_observed() */
inline observed()
{
  if
  :: !CONCERNED -> look = 0
  :: CONCERNED && seen_record != 0 -> conclude(look, seen_started, seen_record)
  :: CONCERNED && seen_record == 0 ->
    if
    :: look == unknown -> look = 0
    :: look == running || look == pending -> found_alive()
    :: look == dead || (look == absent && seen_started) -> found_dead()
    :: look == absent && !seen_started -> found_nothing()
    fi
  fi;
  seen_started = false; seen_record = 0;
  if
  :: looking_again && !finishing -> looking_again = false; ask_look()
  :: else
  fi;
  settle()
}

/* evaluation_overdue() */
inline overdue()
{
  printf("clock: overdue\n");
  excused = true;
  if
  :: stop == 0 -> stop = deadline
  :: else
  fi;
  if
  :: state == QUEUED && recovering -> silence = true; conclude(unknown, false, 0)
  :: (state == QUEUED && !recovering) || state == PREPARING -> give_up()
  :: state == STARTING || state == RUNNING -> seal(); ask_kill(); ask_look()
  :: state == SEALING -> silence = true; conclude(unknown, true, 0)
  fi;
  settle()
}

/* ======== executor.c ======== */

/* executor_submit() */
inline submit()
{
  printf("client: submit\n");
  open = true;
  state = ACCEPTING;
#ifdef BREAK_LAW_1
  told_accepted = true;
#endif
#ifdef BREAK_LAW_2
  ask_launch();
#endif
  ask_store(accept, 0);
  settle()
}

/* executor_accepted() */
inline answer_accept()
{
  move(QUEUED);
  told_accepted = true
}

/* executor_recover(), executor_start() */
inline boot()
{
  printf("assayd: start\n");
  up = true;
  if
  :: stored && !finished -> open = true; state = QUEUED; attempt = stored_attempt; recovering = true; ask_look()
  :: else
  fi
}

/* pump() */
inline launch_it()
{
  move(STARTING);
  ask_launch();
  settle()
}

/* executor_cancel() */
inline cancel()
{
  printf("client: cancel\n");
  told_cancelling = true;
  if
  :: stop == 0 -> stop = cancelled
  :: else
  fi;
  if
  :: !finishing && ((state == QUEUED && !recovering) || state == PREPARING) -> give_up()
  :: !finishing && (state == STARTING || state == RUNNING) -> ask_kill(); ask_look()
  :: else
  fi;
  settle()
}

/* executor_launched() */
inline launched()
{
  if
  :: !CONCERNED || !launching
  :: CONCERNED && launching ->
    launching = false;
    if
    :: answer == accepted && stop == 0
    :: answer == accepted && stop != 0 -> ask_look()
    :: (answer == busy || answer == prepare) && state != STARTING
    :: answer == busy && state == STARTING ->
      move(QUEUED);
      if
      :: stop != 0 -> give_up()
      :: else
      fi
    :: answer == prepare && state == STARTING ->
      move(PREPARING);
      if
      :: stop != 0 -> give_up()
      :: else -> ask_look()
      fi
    :: answer == refuse -> refused = true; ask_look()
    :: answer == no_answer -> ask_look()
    fi
  fi;
  answer = 0;
  settle()
}

/* begin_next_attempt() */
inline answer_next_attempt()
{
  ask(remove, attempt);
  if
  :: up ->
    attempt++;
    looking_again = false; confirming = false; finishing = false; launching = false; refused = false;
    look = 0; answer = 0; /* what still comes has the name of the attempt before */
    if
    :: stop == deadline -> stop = 0
    :: else
    fi;
    move(QUEUED);
    if
    :: stop != 0 -> give_up()
    :: else
    fi
  :: else
  fi
}

/* executor_finished() */
inline answer_finish()
{
  move(FINISHED);
  assert(finished); /* nobody is told of a verdict that is not durable */
  ask(remove, attempt);
  open = false; state = 0; attempt = 0; stop = 0;
  recovering = false; launching = false; looking_again = false; confirming = false; finishing = false; refused = false;
  look = 0; answer = 0; hint = false
}

/* backend_list() at the start: what nobody needs any more is removed */
inline list_left_over(a)
{
  listed = true;
  for (a : 0 .. ATTEMPTS - 1) {
    if
    :: up && LEFT_OVER(a) && (finished || (stored && a < stored_attempt)) -> ask(remove, a)
    :: else
    fi
  }
  a = 0;
  settle()
}

active proctype Assayd()
{
  byte a;
end:
  do
  :: atomic { !up -> boot() }
  :: atomic { up && !listed && !hung && !LAUNCH_UNDER_WAY -> list_left_over(a) }
  :: atomic { CONCERNED && state == QUEUED && !recovering -> launch_it() }
#if !defined(BREAK_LAW_3) && !defined(BREAK_LAW_3_BY_TABLE)
  :: atomic { CONCERNED && (state != QUEUED || recovering) && look == 0 -> look = asked } /* executor_tick() */
#endif
#ifdef BREAK_LAW_3_BY_TABLE
  :: atomic { CONCERNED && hint && !launching -> hint = false; ask_look() }
  :: atomic { CONCERNED && hint && launching -> hint = false } /* whom the table does not know yet, nothing happened to */
#else
  :: atomic { CONCERNED && hint -> hint = false; ask_look() } /* executor_hint() */
#endif
  od
}

/* The deadline of sealing comes only when nobody can say anything: a backend that answers does so in time. */
#define CAN_BE_OVERDUE                                                                                                 \
  (state == PREPARING || state == STARTING || state == RUNNING || (state == QUEUED && (!recovering || hung)) ||        \
   (state == SEALING && (hung || stuck)))

active proctype Clock()
{
end:
  do
#if defined(NO_DEADLINES) || defined(BREAK_LAW_8)
  :: false
#else
  :: atomic { CONCERNED && CAN_BE_OVERDUE -> overdue() }
#endif
  od
}

active proctype Store()
{
end:
  do
  :: atomic { write != 0 && !committed -> commit(); committed = true }
  :: atomic {
      committed ->
      committed = false; write_verdict = 0;
      if
      :: write == accept -> write = 0; answer_accept()
      :: write == next_attempt -> write = 0; answer_next_attempt()
      :: write == finish -> write = 0; answer_finish()
      fi;
      settle()
    }
  od
}

/* ======== the backend ======== */

inline launch_keeper(a)
{
  if
  :: marker[a] || keeper[a] == waits -> answer = accepted /* adopted */
  :: !marker[a] && keeper[a] != waits && image != there -> image = fetching; answer = prepare
  :: !marker[a] && keeper[a] != waits && image == there ->
    if
    :: keeper[a] = waits; answer = accepted
    :: keeper[a] == 0 -> answer = refuse
    :: SLIP; answer = busy
    :: SLIP; answer = no_answer /* the request was lost */
    fi
#ifdef WITHOUT_TRUE_PREPARING
  :: !marker[a] && keeper[a] == 0 && image != there -> keeper[a] = waits; answer = prepare
#endif
  fi;
  if
  :: SLIP; answer = no_answer /* the reply is lost */
  :: true
  fi;
  if
  :: up && open && launching && attempt == a
  :: else -> answer = 0 /* nobody waits for it */
  fi;
  printf("backend: launch %d: %e\n", a, answer)
}

inline write_record(a, outcome)
{
  assert(a == stored_attempt || silence);          /* law 4: of an attempt given up no record appears, */
  assert(!finished || verdict != LOST || silence); /* nor of one that was called lost */
  record[a] = outcome;
  keeper[a] = over;
  printf("keeper %d: record %e\n", a, outcome)
}

/* What is killed before it began leaves a record of that, or none. */
inline kill_program(a, outcome)
{
  if
  :: (keeper[a] == runs && !stuck) || keeper[a] == waits -> write_record(a, outcome)
  :: keeper[a] == waits -> keeper[a] = over
  :: keeper[a] == 0 || keeper[a] == over || (keeper[a] == runs && stuck)
  fi
}

inline remove_attempt(a)
{
  assert(finished || stored_attempt > a); /* law 7 */
  printf("backend: remove %d\n", a);
  keeper[a] = 0; marker[a] = false; record[a] = 0
}

inline take(a, what)
{
  if
  :: what == launch -> launch_keeper(a)
  :: what == kill -> kill_program(a, LOST)
  :: what == kill -> kill_program(a, TIMED_OUT) /* it had run for all its time */
  :: what == kill_for_cancel -> kill_program(a, CANCELLED)
  :: what == remove -> remove_attempt(a)
  fi;
  a = 0; what = 0
}

active proctype Backend()
{
  byte a;
  mtype:request_kind what;
end:
  do
#ifdef WITHOUT_ORDER
  :: atomic { !hung && requests ?? [launch, _] -> requests ?? launch, a; what = launch; take(a, what) }
  :: atomic { !hung && requests ?? [remove, _] -> requests ?? remove, a; what = remove; take(a, what) }
#endif
  :: atomic { !hung && len(requests) > 0 -> requests ? what, a; take(a, what) }
  :: atomic { !up && len(requests) > 0 -> requests ? what, a; a = 0; what = 0 } /* it never left the dead daemon */
  :: atomic { hung && !hung_for_ever -> hung = false }
  od
}

/* What a backend tells without being looked at: what came of the launch, and that what it fetched is there. */
active proctype Answers()
{
end:
  do
  :: atomic { answer != 0 -> launched() }
  :: atomic { image == fetching -> image = there; hint = true }
  od
}

/* ======== a look: the backend first, the evidence second (law 4), the answer later ======== */

#define NEVER_STARTED(a) (keeper[a] == 0 || (keeper[a] == over && !marker[a]))

/* `absent` is only said where no launch is on its way, whoever asked for it. */
#ifdef WITHOUT_FENCE
#define LAUNCH_MAY_COME false
#else
#define LAUNCH_MAY_COME LAUNCH_UNDER_WAY
#endif

inline ask_backend(a)
{
  if
  :: FAULT; hung = true; printf("backend: hangs\n")
  :: FAULT; hung = true; hung_for_ever = true; printf("backend: hangs for ever\n")
  :: SLIP; look = found_error
#ifdef HEARSAY
  :: keeper[a] == runs && SLIP; excused = true; look = found_dead_keeper /* "exited", "created", though it runs */
#ifdef WITHOUT_TRUE_ABSENT
  :: keeper[a] == waits && SLIP; excused = true; look = found_dead_keeper
#endif
#endif
  :: keeper[a] == waits || keeper[a] == runs -> look = found_alive_keeper
  :: keeper[a] == over && marker[a] -> look = found_dead_keeper
  :: NEVER_STARTED(a) && image == fetching -> look = found_fetching
  :: NEVER_STARTED(a) && image != fetching && LAUNCH_MAY_COME -> look = found_error
  :: NEVER_STARTED(a) && image != fetching && !LAUNCH_MAY_COME -> look = found_nothing_there
  fi
}

inline read_evidence(a)
{
  seen_started = marker[a];
  seen_record = record[a];
}

/* What the two together say. */
inline combine()
{
  if
  :: seen_record != 0 -> look = dead
  :: seen_record == 0 && look == found_error ->
#ifdef BREAK_LAW_9
    look = absent
#else
    look = unknown; seen_started = false
#endif
  :: seen_record == 0 && look == found_alive_keeper -> look = (seen_started -> running : pending)
  :: seen_record == 0 && look == found_dead_keeper -> look = (seen_started -> dead : absent)
  :: seen_record == 0 && look == found_fetching -> look = pending
  :: seen_record == 0 && look == found_nothing_there && !seen_started -> look = absent
  :: seen_record == 0 && look == found_nothing_there && seen_started ->
#ifdef BREAK_LOOK
    look = dead
#else
    look = unknown /* it was begun in between: it is the backend's word that is old */
#endif
  fi;
  printf("look: %e, started %d, record %e\n", look, seen_started, seen_record)
}

#ifdef HEARSAY
#define LOOK_MAY_GO (!hung && !KILL_UNDER_WAY) /* a look that is asked for behind a kill is answered behind it */
#else
#define LOOK_MAY_GO (!hung)
#endif
#define LOOKED_HALF                                                                                                    \
  (look == found_alive_keeper || look == found_dead_keeper || look == found_fetching ||                                \
   look == found_nothing_there || look == found_error)
#define LOOKED (look == unknown || look == absent || look == pending || look == running || look == dead)

active proctype Look()
{
end:
  do
#ifdef BREAK_LAW_4
  :: atomic { look == asked && LOOK_MAY_GO -> read_evidence(attempt); look = found_fetching }
  :: atomic { look == found_fetching && LOOK_MAY_GO -> ask_backend(attempt); combine() }
#else
  :: atomic { look == asked && LOOK_MAY_GO -> ask_backend(attempt) }
  :: atomic { LOOKED_HALF -> read_evidence(attempt); combine() }
#endif
  :: atomic {
      LOOKED ->
#ifdef WITHOUT_BOUNDED_LOOKS
      if /* the answer to a look of long ago */
      :: SLIP; look = absent; seen_started = false; seen_record = 0; printf("look: absent, long ago\n")
      :: true
      fi;
#endif
      observed()
    }
  od
}

/* ======== the keeper of one attempt, and its program ======== */

inline start_program(a)
{
#ifndef BREAK_START_MARKER
  marker[a] = true;
#endif
  keeper[a] = runs;
  starts[a]++;
  printf("keeper %d: start\n", a);
  assert(starts[a] == 1);                           /* at most one run of an attempt */
  assert((stored && stored_attempt == a) || silence); /* law 2: it was recorded before */
  assert(!finished || silence)                      /* and nothing starts behind its verdict */
}

inline keeper_dies(a)
{
  keeper[a] = over;
  excused = true;
  printf("keeper %d: killed\n", a)
}

proctype Keeper(byte a)
{
end:
  do
  :: atomic {
      keeper[a] == waits ->
      if
      :: start_program(a)
      :: FAULT; keeper_dies(a)
      fi
    }
  :: atomic {
      keeper[a] == runs && !stuck ->
      if
      :: write_record(a, COMPLETED)
      :: write_record(a, FAILED) /* as are TIMED_OUT, OUT_OF_MEMORY, OUTPUT_EXCEEDED: by the record alone */
      :: write_record(a, NOT_STARTED)
      :: FAULT; excused = true; write_record(a, LOST) /* its output could not be saved */
      :: FAULT; keeper_dies(a)
      :: FAULT; stuck = true; printf("keeper %d: the program cannot be killed\n", a)
      fi;
      if
      :: up -> hint = true
#ifndef RELIABLE_HINTS
      :: true
#endif
      fi
    }
  od
}

/* ======== the client, who comes again until it is told that it was accepted ======== */

active proctype Client()
{
end:
  do
  :: atomic { up && !told_accepted && !open && !stored -> submit() }
  :: atomic { up && !told_accepted && stored && (!open || state != ACCEPTING) -> told_accepted = true } /* the same key */
#ifdef CANCEL
  :: atomic { up && told_accepted && open && !told_cancelling -> cancel() }
#endif
  :: told_accepted -> break
  od
}

init
{
  COVER_START
  atomic {
    run Keeper(0);
#if ATTEMPTS > 1
    run Keeper(1)
#endif
  }
}

#define NOTHING_LEFT (!LEFT_OVER(0) && !LEFT_OVER(ATTEMPTS - 1))

ltl ends { [] (told_accepted -> <> finished) }
ltl leaves_nothing { [] (finished -> <> (NOTHING_LEFT || hung)) }
