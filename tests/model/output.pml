/*
 * The output of one attempt, byte by byte: from the program through the pipe and the keeper's files to the verdict's
 * transaction (src/keeper/capture.c, supervise.c; src/backend/evidence; src/store/sqlite/files.c).
 *
 * A stream keeps LIMIT bytes; what is beyond is counted as omitted. A child may hold the pipe open when the program has
 * ended. The disk may be full, the keeper killed, a file damaged, the power cut: what was not synced may then be gone,
 * each file for itself. assayd may crash between any two of its steps.
 *
 * How much may happen:   BYTES written at most   LIMIT kept   CRASHES   FAULTS
 * Broken, must fail:     BREAK_…   README.md says which law
 */

#include "table.inc"

#ifndef BYTES
#define BYTES 3
#endif
#ifndef LIMIT
#define LIMIT 2
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#define PIPE 2

#define FAULT faults < FAULTS -> faults++

byte crashes, faults;

/* ---- the program and the pipe ---- */

bool main_lives = true, child_lives = true;
byte written, piped;

/* ---- the keeper and the evidence ---- */

bool keeper_lives = true;  /* and is busy with this attempt */
byte counted;              /* taken from the pipe */
byte kept;                 /* in the stream's file */
bool unsaved;                 /* something could not be saved */
bool recorded;             /* `exit` is there, and says: */
byte record_bytes;
bool record_unsaved;

/* ---- the store: the row, and a file in outputs/ that is a link to the stream's ---- */

bool finished;
mtype:verdict_kind verdict;
byte shown_bytes, shown_kept, file_bytes;
bool file_synced;
bool removed;              /* the evidence */

byte saved;                /* ghost: as much of `kept` as no disaster has taken away */

#define MOST_KEPT(bytes) (bytes < LIMIT -> bytes : LIMIT)

active proctype Program()
{
end:
  do
  :: atomic { (main_lives || child_lives) && written < BYTES && piped < PIPE -> written++; piped++ }
  :: atomic { main_lives -> main_lives = false; printf("program: ends after %d bytes\n", written) }
  od
}

#ifdef BREAK_TREE
#define TREE_IS_DEAD !main_lives
#else
#define TREE_IS_DEAD (!main_lives && !child_lives)
#endif
#ifdef BREAK_DRAIN
#define DRAINED true
#else
#define DRAINED (piped == 0)
#endif

/* One byte from the pipe; where all that is kept is there already, it takes the place of an older one. */
inline capture()
{
  piped--;
  if
  :: counted++;
    if
    :: kept < LIMIT && !unsaved -> kept++; saved++
    :: else
    fi
  :: FAULT; printf("keeper: no space left\n");
#ifndef BREAK_FULL
    counted++; unsaved = true
#endif
  fi
}

inline keeper_ends()
{
  keeper_lives = false; main_lives = false; child_lives = false; piped = 0
}

active proctype Keeper()
{
end:
  do
  :: atomic { keeper_lives && piped > 0 -> capture() }
#ifndef BREAK_KILL
  :: atomic { keeper_lives && !main_lives && child_lives -> child_lives = false } /* the whole tree is killed */
#endif
  :: atomic {
      keeper_lives && TREE_IS_DEAD && DRAINED ->
      recorded = true; record_bytes = counted; record_unsaved = unsaved;
      keeper_lives = false;
      printf("keeper: record of %d bytes, %d kept\n", counted, kept);
      if
      :: kept > 0 && FAULT; kept--; saved--; printf("a file is damaged\n")
      :: true
      fi
    }
  :: atomic { keeper_lives && FAULT; keeper_ends(); printf("keeper: killed\n") } /* the sandbox goes with it */
  :: !keeper_lives -> break
  od
}

/* ======== assayd ======== */

/* What was not synced may be gone, each file for itself; the row is as it was last committed. */
inline cut_power()
{
  printf("power cut\n");
  keeper_ends();
  if
  :: recorded = false
  :: true
  fi;
  do
  :: !file_synced && kept > 0 -> kept--; saved--
  :: !file_synced && file_bytes > 0 -> file_bytes--
  :: true -> break
  od
}

#define MAY_CRASH                                                                                                      \
  if                                                                                                                   \
  :: atomic { crashes < CRASHES -> crashes++; printf("assayd: CRASH\n"); goto start }                                  \
  :: atomic { FAULT; cut_power(); goto start }                                                                         \
  :: true                                                                                                              \
  fi

/* The row and the outputs, in one transaction. */
inline commit(a_verdict, bytes, bytes_kept)
{
  CLAIM(ONE_VERDICT, !finished);
  finished = true; verdict = a_verdict;
  shown_bytes = bytes; shown_kept = bytes_kept;
  printf("store: %e, %d bytes, %d kept\n", verdict, bytes, bytes_kept);
  CLAIM(OUTPUT_IS_WHOLE, verdict == LOST || (shown_bytes == written && shown_kept == MOST_KEPT(written)));
  CLAIM(LOST_IS_LOST, verdict != LOST || !recorded || record_unsaved || saved != MOST_KEPT(record_bytes));
  CLAIM(SAVED_IS_SHOWN, shown_kept >= saved)
}

active proctype Assayd()
{
  byte seen_kept;
  bool seen_dead, seen_record;

start:
  atomic {
    seen_kept = 0; seen_dead = false; seen_record = false;
    if
    :: finished && !removed -> goto remove
    :: finished && removed -> goto done
    :: !finished
    fi
  };

look:
#ifdef BREAK_READ_FIRST
  seen_kept = kept;
#endif
  seen_dead = !keeper_lives;  /* the backend; the evidence: the marks; and the outputs, checked against the record */
  seen_record = recorded;
  if
  :: seen_record || seen_dead
  :: !seen_record && !seen_dead ->
    if
    :: !keeper_lives -> goto look
    :: atomic { crashes < CRASHES -> crashes++; goto start }
    :: atomic { FAULT; cut_power(); goto start }
    fi
  fi;
  atomic {
#ifndef BREAK_READ_FIRST
    seen_kept = kept;
#endif
#ifndef BREAK_CHECK
    seen_record = seen_record && (record_unsaved || kept == MOST_KEPT(record_bytes));
#endif
    file_bytes = kept;        /* the delivery: a link, so that the evidence stays whole */
#ifdef BREAK_LINK
    kept = 0                  /* moved instead */
#endif
  };
  MAY_CRASH;
#ifndef BREAK_SYNC
  file_synced = true;
  MAY_CRASH;
#endif
#ifdef BREAK_LAW_7
  atomic { CLAIM(NOTHING_DESTROYED, finished); removed = true; kept = 0; recorded = false };
  MAY_CRASH;
#endif
  if
  :: atomic { seen_record && !record_unsaved -> commit(COMPLETED, record_bytes, seen_kept) }
  :: atomic { seen_record && record_unsaved -> commit(LOST, record_bytes, seen_kept) } /* and says what is not there */
  :: atomic { !seen_record -> commit(LOST, seen_kept, seen_kept) }
  fi;
  MAY_CRASH;

remove:
  atomic { CLAIM(NOTHING_DESTROYED, finished); removed = true; kept = 0; recorded = false };
  MAY_CRASH;

done:
  CLAIM(SHOWN_IS_DURABLE, file_bytes == shown_kept)
}

ltl ends { <> finished }
