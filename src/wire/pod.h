#pragma once

/*
 * What a backend of pods and the keeper in a pod agree on. As in any container (container.h) the keeper is process 1 and
 * the container is its sandbox; but it is nobody's root, and has the program's own user id:
 *
 *     /assay-keeper --install /assay --from /assay-plan            the init container, of the keeper's image
 *     /assay/keeper --pod /assay --name assay-<id>-<attempt>       the container, of the program's image
 *
 * Nothing is shared with the host, and nothing that the program could write to is believed. The init container alone sees
 * the Secret with the plan and the attempt's key (seal.h); it puts them beside a copy of the keeper, which takes both away
 * before the program is there, and holds in memory, where nobody of its user id can look, what the program writes.
 *
 * A Job may have two pods. The init container waits until its pod is the one that is to run: until POD_GRANT is not empty any
 * more. The backend sees to it that this comes true in one pod of an attempt, and in no other for ever.
 *
 * What is to be known comes out in the container's log (frames.h), and once more in the termination message: the whole log,
 * where it is short enough for that, and else the sealed record. So of what printed little no log has to be had. The keeper
 * exits with 0 once both are written and no other process is left; with 125 where it started nothing, and then the message is
 * "assay-failure " and why, in words for a person (no words: this pod has started it before).
 * Whoever deletes the pod sends SIGTERM: the tree is killed, and the record says that with ECANCELED as its evidence_errno,
 * as nobody in the pod knows whether it was a client, the daemon or somebody else who wanted it.
 */

#include "wire/container.h"
#include "wire/limit.h"
#include "wire/name.h"
#include "wire/seal.h"

#include <stddef.h>

#define POD_DIRECTORY "/assay"                    /* an emptyDir, in both containers */
#define POD_KEEPER "keeper"                       /* in it; also where the program's container finds what it starts */
#define POD_PLAN_DIRECTORY "/assay-plan"          /* the Secret, in the init container alone */
#define POD_GRANT "granted"                       /* in that directory too: of the pod alone, and not of the Secret */
#define POD_KEY "key"                             /* in both: SEAL_KEY_BYTES */
#define POD_PLAN_PART "plan.%u"                   /* the plan, in parts that follow one another, from 0 on */
#define POD_TERMINATION_PATH "/assay-termination" /* not below /dev, where programs may write */
#define POD_FAILURE_TITLE "assay-failure "

enum { POD_STATUS_NOT_STARTED = CONTAINER_STATUS_NOT_STARTED };

/* Of a termination message: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/ */
enum { POD_MESSAGE_BYTES_MAX = SEAL_BYTES_MAX };

/* How long a log that nobody takes may hold up the end. What is not in it then is lost, and the record says how much. */
enum { POD_LOG_MS_MAX = 30000 };

/* The user and group id of an attempt: one of its own, as Kubernetes has no limit of processes for a container, and
 * RLIMIT_NPROC counts by user id. Where the pod has a user namespace, another id is as good, and this is too large. */
enum { POD_UID_LEAST = 1 << 20, POD_UID_IN_USER_NAMESPACE = 65534 };
uint32_t pod_uid(struct name name);

/* Of the container, for a program with these limits. The keeper holds three outputs at most. */
uint64_t pod_memory_bytes(const struct limits *limits);
/* Of POD_DIRECTORY, for a plan of this size. */
uint64_t pod_exchange_bytes(size_t plan_size);
