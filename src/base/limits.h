#pragma once

/*
 * Every limit of Assay in one place, so that a reader can see how they hang together. Units stand last in a name.
 * What an operator may change has its default here; what a client may ask for stands in wire/limit.h.
 */

#include <assert.h>

#define KIB(n) ((n)*1024ull)
#define MIB(n) ((n)*1024ull * 1024)
#define GIB(n) ((n)*1024ull * 1024 * 1024)

/* Names */
enum { ID_SIZE = 32 };             /* "20261122_195800_0123abcd" with its NUL, and room */
enum { ATTEMPT_MAX = 100 };        /* starts of one evaluation */
enum { NAME_SIZE = ID_SIZE + 16 }; /* "assay-<id>-<attempt>" with its NUL */
enum { LABEL_KEY_BYTES_MAX = 63 };
enum { LABEL_VALUE_BYTES_MAX = 255 };
enum { LABELS_MAX = 32 };

/* A submission */
#define BODY_BYTES_MAX MIB(32) /* of one HTTP request */
#define PLAN_BYTES_MAX MIB(64) /* encoded; base64 in a body shrinks, JSON escapes shrink, so this is ample */
enum { ARGUMENTS_MAX = 4096 };
#define ARGUMENT_BYTES_MAX                                                                                             \
  KIB(127) /* one argument or "NAME=value"; the kernel's MAX_ARG_STRLEN is 128 KiB with its NUL */
#define ARGUMENTS_BYTES_MAX MIB(1) /* all arguments and variables together; execve(2) allows a quarter of the stack */
enum { FILES_MAX = 1024 };
enum { PATH_BYTES_MAX = 1024 };     /* of an uploaded file */
enum { PATH_NAME_BYTES_MAX = 255 }; /* of one file or directory in it: NAME_MAX of every file system here */
enum { PATH_DEPTH_MAX = 64 };
enum { JSON_DEPTH_MAX = 16 };
enum { IMAGE_BYTES_MAX = 511 }; /* a container image's name with its tag or digest */
enum { CALLBACK_URL_BYTES_MAX = 2048 };

/* A batch */
#define BATCH_BYTES_MAX GIB(1)
#define BATCH_LINES_MAX 1000000ull
enum { BATCH_ERRORS_KEPT_MAX = 10000 }; /* refused lines of which it is remembered why; all are counted */
#define BATCH_PAGE_BYTES_MAX MIB(1)     /* of outputs that are read at once while results are streamed */

/* Output */
#define OUTPUT_IN_DATABASE_BYTES_MAX KIB(256) /* a larger stream is a file beside the database */
#define OUTPUT_INLINE_BYTES_MAX MIB(1)        /* of one stream as text in JSON; beyond that: raw bytes by its own URL */
enum { ORDER_RUNS_MAX = 65536 };              /* switches between stdout and stderr that are kept */

/* Evidence */
#define RECORD_BYTES_MAX KIB(16)
enum { REASON_SIZE = 256 };

/* The daemon */
enum { QUEUE_EVALUATIONS_MAX = 1000 }; /* default of --queue */
#define QUEUE_BYTES_MAX MIB(512)       /* of plans that wait in memory */
enum { LIST_LIMIT_DEFAULT = 50, LIST_LIMIT_MAX = 1000 };
enum { WAIT_SECONDS_MAX = 3600 };

/* Webhooks under way at a time */
enum { DELIVERIES_MAX = 64, DELIVERIES_PER_RECEIVER_MAX = 4 };

/* The disk with the state directory; an eighth of a small one at most */
#define FREE_BYTES_MIN MIB(128)   /* besides what open evaluations may yet print: below that, new work is refused */
#define RESERVE_BYTES_MAX MIB(16) /* held by a file, and given up when the disk is full: room for verdicts */

/* Times */
enum { DRAIN_MS_MAX = 250 };   /* how long a stream held open after the end may delay a verdict */
enum { RECONCILE_MS = 10000 }; /* store against backend against evidence */
enum { OVERDUE_MS = 1000 };    /* how often what is overdue is looked at */
enum { QUEUED_MS_MAX = 24 * 3600 * 1000 };
enum { PREPARING_MS_MAX = 3600 * 1000 }; /* the last resort: a backend has deadlines of its own for what it fetches */
enum {
  STARTING_MS_MAX = 60 * 1000
}; /* a container on a busy host takes its time, and to lose it sooner helps nobody */
enum { RUNNING_GRACE_MS = 5 * 1000 }; /* beyond the time limits that the keeper enforces */
enum { SEALING_MS_MAX = 10 * 1000 };
enum { DELIVERY_MS_MAX = 72 * 3600 * 1000 };  /* how long a webhook is tried */
enum { DELIVERY_PAUSE_MS_MAX = 3600 * 1000 }; /* between two attempts, unless the receiver wants a longer one */

static_assert(OUTPUT_IN_DATABASE_BYTES_MAX <= OUTPUT_INLINE_BYTES_MAX, "an output in the database is shown whole");
static_assert(BODY_BYTES_MAX <= PLAN_BYTES_MAX, "what a request holds fits into a plan");
static_assert(+DRAIN_MS_MAX < +RUNNING_GRACE_MS, "the keeper drains within the grace it has");
static_assert(+OVERDUE_MS < +RECONCILE_MS, "what is overdue is looked at more often than the rest");
