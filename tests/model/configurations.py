"""Every configuration of the models: what is verified, and what must be found out to be broken."""

import dataclasses

SAFETY = "safety"


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One run of the verifier. `check` is SAFETY (all claims), or the name of a formula. A right model has none; a broken
    one says in `breaks` the claim or the formula that it must be seen to break, and may break others besides."""

    name: str
    model: str
    flags: str = ""
    check: str = SAFETY
    breaks: str = ""
    large: bool = False  # takes minutes: for `run --large`

    @property
    def title(self):
        return f"{self.model}/{self.name}"


def right(name, model, flags="", checks=(SAFETY,), large=False):
    return [
        Configuration(name if check == SAFETY else f"{name}: {check}", model, flags, check, large=large)
        for check in checks
    ]


def broken(name, model, flags, claim):
    return [Configuration(name, model, flags, breaks=claim)]


def stuck(name, model, flags, formula):
    return [Configuration(name, model, flags, formula, formula)]


ENDS = "ends"
TIDY = "leaves_nothing"
QUIET = "-DCRASHES=0 -DFAULTS=0 -DSLIPS=0 -DNO_DEADLINES"  # nothing happens but what the variant is about

LIFE = [
    *right("crashes, slips and one fault", "life", "-DCRASHES=2"),
    *right("no slips, cancelled, something to fetch", "life", "-DCRASHES=1 -DSLIPS=0 -DCANCEL -DPREPARE -DNO_DEADLINES"),
    *right("nothing but crashes and slips, no deadline", "life", "-DCRASHES=2 -DFAULTS=0 -DSLIPS=2 -DNO_DEADLINES -DCANCEL"),
    *right("two attempts, cancelled", "life", "-DATTEMPTS=2 -DCRASHES=1 -DSLIPS=0 -DCANCEL"),
    *right("nothing but the engine's word", "life", "-DHEARSAY -DCRASHES=1 -DCANCEL -DNO_DEADLINES"),
    *right("a careless backend", "life", "-DCARELESS -DCRASHES=1 -DCANCEL -DNO_DEADLINES"),
    *right("a crash and a fault", "life", "-DCRASHES=1 -DSLIPS=0", (ENDS, TIDY)),
    *right("a crash and a slip, no deadline", "life", "-DCRASHES=1 -DFAULTS=0 -DNO_DEADLINES", (ENDS,)),
    *right("a crash, cancelled, something to fetch", "life", "-DCRASHES=1 -DFAULTS=0 -DSLIPS=0 -DCANCEL -DPREPARE", (ENDS,)),
    *right("a fault, two attempts", "life", "-DATTEMPTS=2 -DCRASHES=0 -DSLIPS=0", (ENDS, TIDY)),
    # What is broken. The first nine are the laws.
    *broken("law 1: acknowledged before it is durable", "life", "-DBREAK_LAW_1", "DURABLE_ACCEPTANCE"),
    *broken("law 1: a cancellation answered before it is durable", "life", "-DBREAK_LAW_1_CANCEL -DCANCEL", "CANCEL_IS_KEPT"),
    *broken("law 1: a verdict told before it is durable", "life", "-DBREAK_LAW_1_VERDICT", "TOLD_IS_DURABLE"),
    *broken("law 2: launched before it is recorded", "life", "-DBREAK_LAW_2", "DURABLE_INTENT"),
    *stuck("law 3: nothing but hints, and one is lost", "life", f"-DBREAK_LAW_3 {QUIET}", ENDS),
    *right("law 3: nothing but hints, and none is lost", "life", f"-DBREAK_LAW_3 -DRELIABLE_HINTS {QUIET}", (ENDS,)),
    *stuck("law 3: whom the table does not know is not looked at", "life",
           f"-DBREAK_LAW_3_BY_TABLE -DRELIABLE_HINTS {QUIET}", ENDS),
    *broken("law 4: evidence first, no second look", "life", "-DBREAK_LAW_4", "LOST_IS_LOST"),
    *broken("law 4: no kill and no second look, on the engine's word", "life", "-DBREAK_LAW_4 -DHEARSAY", "LOST_IS_LOST"),
    *broken("law 4: no socket yet is a dead keeper", "life", "-DBREAK_LOOK", "LOST_IS_EXCUSED"),
    *broken("law 4: a look from before a launch counts, and the backend is careless", "life", "-DBREAK_OLD_LOOK -DCARELESS",
            "LOST_IS_EXCUSED"),
    *broken("law 5: the engine's exit 0 is a success", "life", "-DBREAK_LAW_5", "NO_VERDICT_UNRECORDED"),
    *broken("law 7: removed before the verdict is durable", "life", "-DBREAK_LAW_7", "NOTHING_DESTROYED"),
    *stuck("law 7: nobody looks for what is left over", "life", "-DBREAK_LIST -DCRASHES=1 -DFAULTS=0 -DSLIPS=0 -DNO_DEADLINES",
           TIDY),
    *stuck("law 8: no deadlines, and the backend hangs", "life", "-DBREAK_LAW_8", ENDS),
    *broken("law 9: an error means absent", "life", "-DBREAK_LAW_9", "LOST_IS_EXCUSED"),
    *broken("law 9: no start marker, a launch is not safe to repeat", "life", "-DBREAK_START_MARKER", "ONE_RUN"),
    *broken("the table: a late answer moves it back", "life", "-DBREAK_LATE_ANSWER -DPREPARE", "LEGAL_MOVES"),
    *broken("the table: launched again though it is to end", "life", "-DBREAK_STOP -DCANCEL", "STOPPED_IS_STOPPED"),
    # What the code takes for granted.
    *broken("granted: requests of a name are taken in order (a launch behind the removal)", "life",
            "-DWITHOUT_ORDER -DCRASHES=1 -DSLIPS=0 -DNO_DEADLINES", "LOST_IS_EXCUSED"),
    *broken("granted: no launch comes behind an answer of absent", "life", "-DWITHOUT_FENCE -DCANCEL -DNO_DEADLINES",
            "NEVER_STARTED"),
    *broken("granted: a look is answered in time, or never", "life", "-DWITHOUT_BOUNDED_LOOKS -DNO_DEADLINES",
            "LOST_IS_EXCUSED"),
    *broken("granted: absent is never a lie", "life", "-DWITHOUT_TRUE_ABSENT -DHEARSAY -DCANCEL -DNO_DEADLINES",
            "NEVER_STARTED"),
    *right("granted: preparing is never a lie (without it, and nobody cancels)", "life",
           "-DWITHOUT_TRUE_PREPARING -DPREPARE -DNO_DEADLINES -DCRASHES=1"),
    *broken("granted: preparing is never a lie", "life", "-DWITHOUT_TRUE_PREPARING -DPREPARE -DNO_DEADLINES -DCANCEL",
            "NEVER_STARTED"),
    *right("progress is told of what was launched, and may start", "life",
           "-DWITHOUT_OWN_PROGRESS -DPREPARE -DNO_DEADLINES -DCANCEL -DCRASHES=0"),
    *broken("law 4: what is fetched where it will run is given up without a look", "life",
            "-DBREAK_FETCHING -DWITHOUT_OWN_PROGRESS -DPREPARE -DNO_DEADLINES -DCANCEL -DCRASHES=0", "NEVER_STARTED"),
]

LEASE = [
    *right("two executors", "lease", "-DCRASHES=1 -DTAKEOVERS=1", (SAFETY, ENDS, TIDY)),
    *broken("law 6: no compare-and-set", "lease", "-DBREAK_LAW_6", "ONE_VERDICT"),
    *broken("law 4: the verdict of an old epoch stands", "lease", "-DBREAK_EPOCH", "LOST_IS_LOST"),
    *broken("law 2: the backend takes the launch of an old epoch", "lease", "-DBREAK_FENCE", "ONE_RUN"),
    *broken("law 2: the backend forgets the epoch with the attempt", "lease", "-DBREAK_FENCE_REMOVED -DCRASHES=0 -DFAULTS=0",
            "ONE_RUN"),
    *stuck("law 8: the lease of the dead does not expire", "lease", "-DBREAK_EXPIRY -DTAKEOVERS=0 -DFAULTS=0", ENDS),
    *broken("law 4: whoever takes over does not tell the backend", "lease", "-DBREAK_FENCE_AT_TAKEOVER", "NEVER_STARTED"),
]

OUTPUT = [
    *right("full disk, damage, power cut", "output", "", (SAFETY, ENDS)),
    *broken("law 5: the record before the pipe is empty", "output", "-DBREAK_DRAIN", "OUTPUT_IS_WHOLE"),
    *broken("law 5: the record while a child writes", "output", "-DBREAK_TREE", "OUTPUT_IS_WHOLE"),
    *broken("law 5: a full disk passed over in silence", "output", "-DBREAK_FULL", "OUTPUT_IS_WHOLE"),
    *broken("law 4: the outputs read before the marks", "output", "-DBREAK_READ_FIRST", "OUTPUT_IS_WHOLE"),
    *broken("law 4: the record believed without a look at the files", "output", "-DBREAK_CHECK", "OUTPUT_IS_WHOLE"),
    *broken("law 7: delivered by moving instead of linking", "output", "-DBREAK_LINK", "SAVED_IS_SHOWN"),
    *broken("law 7: removed before the verdict is durable", "output", "-DBREAK_LAW_7", "NOTHING_DESTROYED"),
    *stuck("law 8: a child that holds the pipe is waited for", "output", "-DBREAK_KILL -DFAULTS=0 -DCRASHES=0", ENDS),
    *broken("law 1: committed before the files are synced", "output", "-DBREAK_SYNC", "SHOWN_IS_DURABLE"),
]

OUTBOX = [
    *right("a receiver that fails", "outbox", "", (SAFETY, ENDS, "delivered_at_last", "quiet_at_last")),
    *right("a receiver that never comes back", "outbox", "-DDOWN", (ENDS,)),
    *broken("law 1: sent before the verdict is durable", "outbox", "-DBREAK_ORDER", "TOLD_ONCE_DURABLE"),
    *stuck("law 2: the outbox in a transaction of its own", "outbox", "-DBREAK_TRANSACTION", "delivered_at_last"),
    *stuck("law 2: marked before it is sent", "outbox", "-DBREAK_MARK", "delivered_at_last"),
    *broken("law 2: marked before it is sent, and not sent again", "outbox", "-DBREAK_MARK", "MARKED_WAS_DELIVERED"),
    *stuck("granted: the receiver comes back", "outbox", "-DDOWN", "quiet_at_last"),
    *broken("law 9: a new delivery id each time", "outbox", "-DBREAK_ID", "ONE_DELIVERY_ID"),
    *stuck("law 9: the verdict waits for its webhook", "outbox", "-DBREAK_WAIT -DDOWN", ENDS),
]

LARGE = [
    *right("crashes, slips and two faults, cancelled, something to fetch", "life",
           "-DCRASHES=2 -DFAULTS=2 -DSLIPS=2 -DCANCEL -DPREPARE", large=True),
    *right("two faults, two attempts, cancelled", "life", "-DATTEMPTS=2 -DCRASHES=1 -DFAULTS=2 -DCANCEL", large=True),
    *right("nothing but the engine's word, all else too", "life", "-DHEARSAY -DCRASHES=2 -DSLIPS=2 -DCANCEL -DPREPARE", large=True),
    *right("crashes, slips and one fault", "life", "-DCRASHES=1", (ENDS, TIDY), large=True),
    *right("cancelled, something to fetch", "life", "-DCRASHES=1 -DCANCEL -DPREPARE", (SAFETY, ENDS), large=True),
    *right("a crash, two attempts", "life", "-DATTEMPTS=2 -DCRASHES=1 -DSLIPS=0", (ENDS, TIDY), large=True),
    *right("two executors, two attempts", "lease", "-DATTEMPTS=2 -DCRASHES=2 -DTAKEOVERS=2", large=True),
    *right("two executors, two crashes", "lease", "-DCRASHES=2 -DTAKEOVERS=2", (SAFETY, ENDS, TIDY), large=True),
    *right("more bytes", "output", "-DBYTES=5 -DLIMIT=3 -DCRASHES=3 -DFAULTS=3", (SAFETY, ENDS), large=True),
    *right("more of all", "outbox", "-DCRASHES=6 -DFAULTS=6", (SAFETY, "delivered_at_last"), large=True),
]

ALL = [*LIFE, *LEASE, *OUTPUT, *OUTBOX, *LARGE]
