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
 *   CARELESS: it tells what it saw before a launch, and behind it, as if that were one moment
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
bool cancel_stored;           /* the row's cancelled_at */
bool cancel_asked, cancel_committed; /* the same for the write of it */

/* ---- the executor's memory: gone with a crash ---- */

mtype:stop_reason = { cancelled, deadline };

bool up;                      /* assayd runs */
bool open;                    /* it knows the evaluation: there is a `struct evaluation` */
mtype:state_name state;
byte attempt;
mtype:stop_reason stop;
bool recovering, launching, fetching, looking_again, look_is_old, confirming, finishing, refused;
bool listed;                  /* what is left over was looked for once since the start */
bool hint;                    /* one is on its way */

/* of no meaning between two steps */
mtype:todo_kind = { to_conclude, to_kill, to_kill_and_look, to_look, to_launch };
mtype:todo_kind todo;         /* how the step ends */
mtype:verdict_kind decided;

/* ---- between the executor and the backend ---- */

mtype:request_kind = { launch, kill, kill_for_cancel, remove };
mtype:look_phase = {
  asked,
  word_alive, word_dead, word_fetching, word_nothing, word_error, /* what the backend said: the first half of a look */
  answered
};

chan requests = [4] of { mtype:request_kind, byte };
mtype:launch_result answer;          /* to the launch */
mtype:look_phase look;
mtype:presence seen_presence; /* the answer: `struct observation` */
bool seen_progress, seen_started;
mtype:verdict_kind seen_record;

/* ---- the world, which does not care whether assayd lives ---- */

mtype:keeper_life = { waits, runs, over };

mtype:keeper_life keeper[ATTEMPTS];
bool marker[ATTEMPTS];           /* `start` */
mtype:verdict_kind record[ATTEMPTS];  /* `exit`, as the verdict that it decides: verdict.c is a pure function, tested by itself */
bool hung, hung_for_ever;        /* the backend does not answer */
bool stuck;                      /* the program cannot be killed: uninterruptible sleep */
#ifdef PREPARE
bool missing = true;             /* what it needs, such as an image; */
#else
bool missing;
#endif
bool awaited;                    /* it is being fetched for this name: the backend says so */

/* ---- what the claims are made of ---- */

byte crashes, faults, slips;
byte starts[ATTEMPTS], verdicts;
bool told_accepted;              /* the client has its 202 */
bool wants_cancel;               /* the client has asked for it, */
bool told_cancelling;            /* and was told that it is under way */
bool excused;                    /* the platform did fail, or a deadline passed */
bool silence;                    /* law 8 had to end it: nobody could say anything until the deadline */

#define MAY_CRASH                                                                                                      \
  if                                                                                                                   \
  :: (crashes < CRASHES) -> crashes++; up = false; printf("assayd: CRASH\n")                                           \
  :: true                                                                                                              \
  fi

#define LEFT_OVER(a) (keeper[a] != 0 || marker[a] || record[a] != 0)
#define NOTHING_LEFT (!LEFT_OVER(0) && !LEFT_OVER(ATTEMPTS - 1))
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

/* What a verdict says of the world. */
inline check_verdict(a)
{
  CLAIM(ONE_VERDICT, verdicts == 1);
  CLAIM(NO_VERDICT_UNRECORDED, verdict == LOST || verdict == CANCELLED || verdict == NOT_STARTED || verdict == record[a]);
  CLAIM(NO_VERDICT_UNRECORDED, verdict != CANCELLED || wants_cancel);
  CLAIM(LOST_IS_LOST, verdict != LOST || record[a] == 0 || record[a] == LOST || silence);
  CLAIM(LOST_IS_EXCUSED, verdict != LOST || excused);
  CLAIM(NEVER_STARTED, verdict != CANCELLED || record[a] == CANCELLED || starts[a] == 0);
  CLAIM(NEVER_STARTED, verdict != NOT_STARTED || record[a] == NOT_STARTED || starts[a] == 0)
}

inline commit_cancel()
{
  cancel_stored = cancel_stored || !finished
}

/* ======== effects ======== */

inline ask_store(what, a_verdict)
{
  if
  :: up -> write = what; write_verdict = a_verdict; MAY_CRASH
  :: else
  fi
}

inline ask_store_to_cancel()
{
  if
  :: up -> cancel_asked = true; MAY_CRASH
  :: else
  fi
}

inline ask(what, of_attempt)
{
  if
  :: up && len(requests) < 4 -> requests ! what, of_attempt; MAY_CRASH
  :: up && len(requests) == 4 -> assert(what != launch) /* the others are asked again when nothing is heard of them */
  :: !up
  fi
}

inline ask_remove(of_attempt)
{
  if
  :: requests ?? [remove, eval(of_attempt)]
  :: else -> ask(remove, of_attempt)
  fi
}

/* evaluation_look() */
inline ask_look()
{
  if
  :: up && look == 0 -> look = asked; look_is_old = launching
  :: up && look != 0 -> looking_again = true
  :: else
  fi
}

/* ask_for_launch() */
inline ask_launch()
{
  CLAIM(STOPPED_IS_STOPPED, stop == 0);
  CLAIM(CANCEL_IS_KEPT, !told_cancelling);
  launching = true;
#ifdef BREAK_FETCHING
  fetching = true; /* nothing is there before it says so */
#else
  fetching = false;
#endif
  look_is_old = look != 0;
  ask(launch, attempt)
}

inline ask_kill()
{
  if
  :: KILL_UNDER_WAY
  :: !KILL_UNDER_WAY -> ask((stop == cancelled -> kill_for_cancel : kill), attempt)
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

#define NEVER_RAN (!seen_started && (seen_presence == absent || seen_presence == dead))

/* verdict_decide() */
inline decide()
{
  if
  :: seen_record != 0 -> decided = seen_record
  :: seen_record == 0 && NEVER_RAN && refused -> decided = NOT_STARTED
  :: seen_record == 0 && NEVER_RAN && !refused && stop == cancelled -> decided = CANCELLED
  :: seen_record == 0 && !(NEVER_RAN && (refused || stop == cancelled)) ->
#ifdef BREAK_LAW_5
    decided = (seen_presence == dead -> COMPLETED : LOST) /* the engine says "exit 0" */
#else
    decided = LOST
#endif
  fi
}

/* conclude(), upon what was seen */
inline conclude()
{
  seal();
  decide();
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

inline suppose(presence, started)
{
  seen_presence = presence; seen_started = started; seen_record = 0
}

/* evaluation_give_up() */
inline give_up()
{
  suppose(absent, false);
  todo = to_conclude
}

/* evaluation_end_preparing() */
inline end_preparing()
{
  if
  :: !fetching -> todo = to_kill_and_look
  :: fetching -> give_up()
  fi
}

inline found_dead()
{
#ifdef BREAK_LAW_4
  todo = to_conclude
#else
  if
  :: confirming -> todo = to_conclude
  :: else ->
    seal();
    confirming = true;
    todo = to_kill_and_look
  fi
#endif
}

#define BEFORE_RUNNING (state == QUEUED || state == PREPARING || state == STARTING)
#define RUNS_NOW (seen_presence == running || seen_started)

inline found_alive()
{
  confirming = false;
  recovering = false;
  if /* state_of_alive() */
  :: BEFORE_RUNNING && RUNS_NOW -> move(RUNNING)
  :: (state == QUEUED || state == STARTING) && !RUNS_NOW && seen_progress -> move(PREPARING)
  :: state == QUEUED && !RUNS_NOW && !seen_progress -> move(STARTING)
  :: else
  fi;
  if
  :: stop != 0 -> todo = to_kill
  :: else
  fi
}

#ifdef BREAK_STOP
#define UNWANTED (refused || state == RUNNING || state == SEALING)
#else
#define UNWANTED (stop != 0 || refused || state == RUNNING || state == SEALING)
#endif

inline found_nothing()
{
  if
  :: launching /* on its way: the answer will tell */
  :: !launching && UNWANTED -> found_dead()
  :: else ->
    if
    :: recovering -> recovering = false
    :: !recovering && state == PREPARING -> move(QUEUED)
    :: !recovering && state == STARTING -> todo = to_launch
    :: else
    fi
  fi
}

/* What was said before the launch, or while it was on its way, and is not true any more. */
#ifdef BREAK_OLD_LOOK
#define OLD_WORD false
#else
#define OLD_WORD (look_is_old && seen_presence == absent)
#endif

/* evaluation_observed() */
inline observed()
{
  look = 0;
  if
  :: !CONCERNED
  :: CONCERNED && seen_record != 0 -> todo = to_conclude
  :: CONCERNED && seen_record == 0 ->
    if
    :: seen_presence == unknown || OLD_WORD
    :: (seen_presence == running || seen_presence == pending) && !OLD_WORD -> found_alive()
    :: (seen_presence == dead || (seen_presence == absent && seen_started)) && !OLD_WORD -> found_dead()
    :: seen_presence == absent && !seen_started && !OLD_WORD -> found_nothing()
    fi
  fi;
  look_is_old = false
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
  :: state == QUEUED && recovering -> silence = true; suppose(unknown, false); todo = to_conclude
  :: state == QUEUED && !recovering -> give_up()
  :: state == PREPARING && !fetching -> seal(); end_preparing()
  :: state == PREPARING && fetching -> end_preparing()
  :: state == STARTING || state == RUNNING -> seal(); todo = to_kill_and_look
  :: state == SEALING -> silence = true; suppose(unknown, true); todo = to_conclude
  fi
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
  ask_store(accept, 0)
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
  :: stored && !finished -> open = true; state = QUEUED; attempt = stored_attempt; recovering = true;
    stop = (cancel_stored -> cancelled : 0);
    todo = to_look
  :: else
  fi
}

/* pump() */
inline launch_it()
{
  move(STARTING);
  todo = to_launch
}

/* executor_cancel() */
inline cancel()
{
  printf("client: cancel\n");
  wants_cancel = true;
#ifdef BREAK_LAW_1_CANCEL
  told_cancelling = true;
#endif
  ask_store_to_cancel();
  if
  :: up ->
    stop = cancelled;
    if
    :: !finishing && state == QUEUED && !recovering -> give_up()
    :: !finishing && state == PREPARING -> end_preparing()
    :: !finishing && (state == STARTING || state == RUNNING) -> todo = to_kill_and_look
    :: else
    fi
  :: else
  fi
}

/* executor_launched() */
inline launched()
{
  if
  :: !CONCERNED || !launching
  :: CONCERNED && launching ->
    launching = false;
    if
    :: answer == launch_accepted && stop == 0
    :: answer == launch_accepted && stop != 0 -> todo = to_look
    :: (answer == launch_busy && state != STARTING) ||
       (answer == launch_preparing && state != STARTING && state != PREPARING) ->
#ifdef BREAK_LATE_ANSWER
      move((answer == launch_busy -> QUEUED : PREPARING))
#else
      skip
#endif
    :: answer == launch_busy && state == STARTING ->
      move(QUEUED);
      if
      :: stop != 0 -> give_up()
      :: else
      fi
    :: answer == launch_preparing && (state == STARTING || state == PREPARING) ->
      fetching = true;
      if
      :: state == STARTING -> move(PREPARING)
      :: else
      fi;
      if
      :: stop != 0 -> end_preparing()
      :: else -> todo = to_look
      fi
    :: answer == launch_refused -> refused = true; todo = to_look
    :: answer == launch_unknown -> todo = to_look
    fi
  fi;
  answer = 0
}

/* begin_next_attempt() */
inline answer_next_attempt()
{
  ask_remove(attempt);
  if
  :: up ->
    attempt++;
    looking_again = false; look_is_old = false; confirming = false; finishing = false; launching = false; fetching = false; refused = false;
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
  CLAIM(TOLD_IS_DURABLE, finished);
  ask_remove(attempt);
  open = false; state = 0; attempt = 0; stop = 0;
  recovering = false; launching = false; fetching = false; looking_again = false; look_is_old = false; confirming = false; finishing = false; refused = false;
  look = 0; answer = 0; hint = false
}

/* What backend_list() found, at the start or by the reconciler, and nobody needs any more. */
inline remove_left_over(a)
{
  listed = true;
  for (a : 0 .. ATTEMPTS - 1) {
    if
    :: up && LEFT_OVER(a) && (finished || (stored && a < stored_attempt)) -> ask_remove(a)
    :: else
    fi
  }
  a = 0
}

inline stored_answer()
{
  committed = false; write_verdict = 0;
  if
  :: write == accept -> write = 0; answer_accept()
  :: write == next_attempt -> write = 0; answer_next_attempt()
  :: write == finish -> write = 0; answer_finish()
  fi
}

/* Memory is gone. A write that was on its way is durable, or it is not. */
inline forget()
{
  if
  :: write != 0 && !committed -> commit()
  :: true
  fi;
  if
  :: cancel_asked && !cancel_committed -> commit_cancel()
  :: true
  fi;
  write = 0; write_verdict = 0; committed = false; cancel_asked = false; cancel_committed = false;
  open = false; state = 0; attempt = 0; stop = 0;
  recovering = false; launching = false; fetching = false; looking_again = false; look_is_old = false; confirming = false; finishing = false;
  refused = false; listed = false; hint = false;
  look = 0; seen_presence = 0; seen_progress = false; seen_started = false; seen_record = 0; answer = 0;
  if
  :: awaited -> awaited = false
  :: true
  fi;
  CLAIM(DURABLE_ACCEPTANCE, !told_accepted || stored)
}

inline end_step()
{
  if
  :: todo == to_conclude -> conclude()
  :: todo == to_kill -> ask_kill()
  :: todo == to_kill_and_look -> ask_kill(); ask_look()
  :: todo == to_look -> ask_look()
  :: todo == to_launch -> ask_launch()
  :: todo == 0
  fi;
  todo = 0;
  if
  :: looking_again && look == 0 && !finishing -> looking_again = false; ask_look()
  :: else
  fi;
  if
  :: !up -> forget()
  :: up && (look == 0 || look == asked) -> suppose(0, false); seen_progress = false
  :: up && look != 0 && look != asked
  fi
}

/* ======== the one thread of assayd: what it does upon an event it does at once, unless it crashes ======== */

mtype:event_kind = {
  event_start, event_list, event_pump, event_tick, event_hint, event_overdue, event_submit, event_cancel, event_stored,
  event_launched, event_observed
};
chan event = [0] of { mtype:event_kind };

active proctype Executor()
{
  byte a;
end:
  do
  :: atomic {
      if
      :: event ? event_start -> boot()
      :: event ? event_list -> remove_left_over(a)
      :: event ? event_pump -> launch_it()
      :: event ? event_tick -> todo = to_look
      :: event ? event_hint -> hint = false; todo = to_look
      :: event ? event_overdue -> overdue()
      :: event ? event_submit -> submit()
      :: event ? event_cancel -> cancel()
      :: event ? event_stored -> stored_answer()
      :: event ? event_launched -> launched()
      :: event ? event_observed -> observed()
      fi;
      end_step()
    }
  od
}

/* ======== where its events come from: each source is fair for itself ======== */

active proctype Assayd()
{
end:
  do
  :: atomic { !up -> event ! event_start }
#ifndef BREAK_LIST
  /* At the start, and every ten seconds by the reconciler: what a backend that hung has taken in behind a verdict is found then. */
  :: atomic { up && (!listed || (finished && !NOTHING_LEFT)) && !hung && !LAUNCH_UNDER_WAY -> event ! event_list }
#endif
  :: atomic { CONCERNED && state == QUEUED && !recovering -> event ! event_pump } /* a slot is free */
#if !defined(BREAK_LAW_3) && !defined(BREAK_LAW_3_BY_TABLE)
  :: atomic { CONCERNED && (state != QUEUED || recovering) && look == 0 -> event ! event_tick }
#endif
#ifdef BREAK_LAW_3_BY_TABLE
  :: atomic { CONCERNED && hint && launching -> hint = false } /* whom the table does not know yet, nothing happened to */
  :: atomic { CONCERNED && hint && !launching -> event ! event_hint }
#else
  :: atomic { CONCERNED && hint -> event ! event_hint }
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
  :: atomic { CONCERNED && CAN_BE_OVERDUE -> event ! event_overdue }
#endif
  od
}

active proctype Store()
{
end:
  do
  :: atomic { cancel_asked && !cancel_committed -> commit_cancel(); cancel_committed = true }
  :: atomic { cancel_committed -> cancel_asked = false; cancel_committed = false; told_cancelling = true }
  :: atomic { write != 0 && !committed -> commit(); committed = true }
#ifdef BREAK_LAW_1_VERDICT
  :: atomic { write == finish && !committed -> event ! event_stored }
#endif
  :: atomic { committed -> event ! event_stored }
  od
}

/* ======== the backend ======== */

inline launch_keeper(a)
{
  if
  :: marker[a] || keeper[a] == waits -> answer = launch_accepted /* adopted */
  :: !marker[a] && keeper[a] != waits && missing -> awaited = true; answer = launch_preparing
  :: !marker[a] && keeper[a] != waits && !missing ->
    if
    :: keeper[a] = waits; answer = launch_accepted
    :: keeper[a] == 0 -> answer = launch_refused
    :: SLIP; answer = launch_busy
    :: SLIP; answer = launch_unknown /* the request was lost */
    fi
#ifdef WITHOUT_TRUE_PREPARING
  :: !marker[a] && keeper[a] == 0 && missing -> keeper[a] = waits; answer = launch_preparing
#endif
  fi;
  if
  :: SLIP; answer = launch_unknown /* the reply is lost */
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
  CLAIM(LOST_IS_LOST, a == stored_attempt || silence); /* of an attempt given up no record appears */
  CLAIM(LOST_IS_LOST, !finished || verdict != LOST || silence);
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
  fi;
  awaited = false
}

inline remove_attempt(a)
{
  CLAIM(NOTHING_DESTROYED, finished || stored_attempt > a);
  printf("backend: remove %d\n", a);
  keeper[a] = 0; marker[a] = false; record[a] = 0; awaited = false
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
  :: atomic { answer != 0 -> event ! event_launched }
  :: atomic {
      awaited -> awaited = false;
      if
      :: missing = false
      :: true /* it could not be fetched, or is gone again */
      fi;
      if
      :: up -> hint = true
      :: true
      fi
    }
#ifdef WITHOUT_OWN_PROGRESS
  :: atomic { missing -> missing = false } /* fetched for somebody else */
#endif
  od
}

/* ======== a look: the backend first, the evidence second (law 4), the answer later ======== */

#define NOT_BEGUN(a) (keeper[a] == 0 || (keeper[a] == over && !marker[a]))

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
  :: SLIP; look = word_error
#ifdef HEARSAY
  :: keeper[a] == runs && SLIP; excused = true; look = word_dead /* "exited", "created", though it runs */
#ifdef WITHOUT_TRUE_ABSENT
  :: keeper[a] == waits && SLIP; excused = true; look = word_dead
#endif
#endif
  :: keeper[a] == waits || keeper[a] == runs -> look = word_alive
  :: keeper[a] == over && marker[a] -> look = word_dead
  :: NOT_BEGUN(a) && awaited -> look = word_fetching
  :: NOT_BEGUN(a) && !awaited && LAUNCH_MAY_COME -> look = word_error
  :: NOT_BEGUN(a) && !awaited && !LAUNCH_MAY_COME -> look = word_nothing
#ifdef WITHOUT_OWN_PROGRESS
  :: NOT_BEGUN(a) && missing -> look = word_fetching
#endif
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
  :: seen_record != 0 -> seen_presence = dead
  :: seen_record == 0 && look == word_error ->
#ifdef BREAK_LAW_9
    seen_presence = absent
#else
    seen_presence = unknown; seen_started = false
#endif
  :: seen_record == 0 && look == word_alive -> seen_presence = (seen_started -> running : pending)
  :: seen_record == 0 && look == word_dead -> seen_presence = (seen_started -> dead : absent)
  :: seen_record == 0 && look == word_fetching -> seen_presence = pending; seen_progress = !seen_started
  :: seen_record == 0 && look == word_nothing && !seen_started -> seen_presence = absent
  :: seen_record == 0 && look == word_nothing && seen_started ->
#ifdef BREAK_LOOK
    seen_presence = dead
#elif defined(CARELESS)
    seen_presence = absent
#else
    seen_presence = unknown /* it was begun in between: it is the backend's word that is old */
#endif
  fi;
  look = answered;
  printf("look: %e, started %d, record %e\n", seen_presence, seen_started, seen_record)
}

#ifdef HEARSAY
#define LOOK_MAY_GO (!hung && !KILL_UNDER_WAY) /* a look that is asked for behind a kill is answered behind it */
#else
#define LOOK_MAY_GO (!hung)
#endif
#define HALF_LOOKED                                                                                                    \
  (look == word_alive || look == word_dead || look == word_fetching || look == word_nothing || look == word_error)

active proctype Look()
{
end:
  do
#ifdef BREAK_LAW_4
  :: atomic { look == asked && LOOK_MAY_GO -> read_evidence(attempt); look = word_fetching }
  :: atomic { look == word_fetching && LOOK_MAY_GO -> ask_backend(attempt); combine() }
#else
  :: atomic { look == asked && LOOK_MAY_GO -> ask_backend(attempt) }
  :: atomic { HALF_LOOKED -> read_evidence(attempt); combine() }
#endif
  :: atomic {
      look == answered ->
#ifdef WITHOUT_BOUNDED_LOOKS
      if /* the answer to a look of long ago */
      :: SLIP; seen_presence = absent; seen_progress = false; seen_started = false; seen_record = 0; printf("look: absent, long ago\n")
      :: true
      fi;
#endif
      event ! event_observed
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
  CLAIM(ONE_RUN, starts[a] == 1);
  CLAIM(DURABLE_INTENT, (stored && stored_attempt == a) || silence);
  CLAIM(NEVER_STARTED, !finished || silence)
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
  :: atomic { up && !told_accepted && !open && !stored -> event ! event_submit }
  :: atomic { up && !told_accepted && stored && (!open || state != ACCEPTING) -> told_accepted = true } /* the same key */
#ifdef CANCEL
  :: atomic { up && told_accepted && open && state != ACCEPTING && !told_cancelling && !cancel_asked -> event ! event_cancel }
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


ltl ends { [] (told_accepted -> <> finished) }
ltl leaves_nothing { [] (finished -> <> (NOTHING_LEFT || hung)) }
