/*
 * The webhook of one verdict: at least once, with one delivery id, behind the durable verdict, and never in its way.
 *
 * The verdict's transaction also writes a row into the outbox, delivery id and all (write_finish(); there the id follows from
 * the evaluation's, so it is in the row as well). A deliverer, which knows nothing but these rows, sends what is not marked as delivered,
 * and marks it once the receiver has said that it has it. The receiver may be down, refuse, or have it and not be able to
 * say so; assayd may crash between any two steps.
 *
 * How much may happen:   CRASHES   FAULTS of the receiver   DOWN: the receiver never comes back
 * Broken, must fail:     BREAK_…   README.md says which law
 */

#include "table.inc"

#ifndef CRASHES
#define CRASHES 3
#endif
#ifndef FAULTS
#define FAULTS 3
#endif

/* ---- durable ---- */

bool finished;
bool in_outbox, marked;
byte row_id;               /* the delivery id that stands in the row */

/* ---- the receiver, and what the claims are made of ---- */

byte received, received_id;
byte crashes, faults;
byte last_id;              /* every id that is made is a new one */

#define FAULT faults < FAULTS -> faults++

#define MAY_CRASH                                                                                                      \
  if                                                                                                                   \
  :: atomic { crashes < CRASHES -> crashes++; printf("assayd: CRASH\n"); goto start }                                  \
  :: true                                                                                                              \
  fi

inline put_in_outbox()
{
  in_outbox = true; last_id++; row_id = last_id
}

/* One request. `ret_delivered`: it was answered with 2xx. */
inline send(id, ret_delivered)
{
  CLAIM(TOLD_ONCE_DURABLE, finished);
  CLAIM(MARKED_WAS_DELIVERED, !marked);
  ret_delivered = false;
  if
#ifdef DOWN
  :: true
#else
  :: FAULT /* down, slow, or it answers 500 */
  :: received = (received < 3 -> received + 1 : received); ret_delivered = true
  :: FAULT; received = (received < 3 -> received + 1 : received) /* it has it, and its answer is lost */
#endif
  fi;
#ifndef DOWN
  if
  :: received == 1 && received_id == 0 -> received_id = id
  :: else
  fi;
  CLAIM(ONE_DELIVERY_ID, received == 0 || received_id == id);
#endif
  printf("webhook %d: %d\n", id, ret_delivered)
}

active proctype Executor()
{
  bool delivered;

start:
  delivered = false;
  if
  :: finished -> goto done
  :: !finished
  fi;
#ifdef BREAK_ORDER
  do
  :: atomic { send(1, delivered); if :: delivered -> break :: else fi }
  od;
  MAY_CRASH;
#endif
#ifdef BREAK_WAIT
  /* the verdict waits for its webhook: sent by this transaction's own hand, before it commits */
  atomic { put_in_outbox() };
  marked;
#endif
#ifdef BREAK_TRANSACTION
  atomic { finished = true; printf("store: the verdict\n") };
  MAY_CRASH;
  atomic { put_in_outbox() };
#else
  atomic {
    finished = true; printf("store: the verdict, and a row in the outbox\n");
#ifndef BREAK_WAIT
    put_in_outbox()
#endif
  };
#endif
  MAY_CRASH;
done:
  skip
}

#ifdef BREAK_ID
#define DELIVERY_ID id
#else
#define DELIVERY_ID row_id
#endif

active proctype Deliverer()
{
  bool delivered;
  byte id;

start:
  delivered = false;
end:
  in_outbox && !marked;
#ifdef BREAK_ID
  atomic { last_id++; id = last_id }; /* of this process's memory */
#endif
#ifdef BREAK_MARK
  atomic { marked = true; printf("store: marked\n") };
  MAY_CRASH;
#endif
  do
  :: atomic { send(DELIVERY_ID, delivered) };
    MAY_CRASH;
    if
    :: delivered -> break
    :: !delivered /* and again, after a while */
    fi
  od;
#ifndef BREAK_MARK
  atomic { CLAIM(MARKED_WAS_DELIVERED, received > 0); marked = true; printf("store: marked\n") };
  MAY_CRASH;
#endif
  goto start
}

ltl ends { <> finished }
ltl delivered_at_last { [] (finished -> <> (received > 0)) }
ltl quiet_at_last { [] (finished -> <> marked) }
