#!/usr/bin/python3
"""Puts one fault into a backend's table of decisions, for a simulator that has to find it out.

    faults.py list                   what there is: NAME BACKEND, each on a line
    faults.py NAME SOURCE OUTPUT     the source with the fault of this name
"""

import sys
from pathlib import Path

# name: (backend, what is right, what is wrong). Each is there once in src/backend/BACKEND/decide.c.
FAULTS = {
    # A pod that will never run is as good as one that may.
    "unstarted_pod": ("kubernetes", "  if (pod->state == POD_UNSTARTED)\n    return 0;\n", ""),
    # A pod is granted, and then another.
    "granted_twice": ("kubernetes", "return !memory->granted[0] || !strcmp(memory->granted, pod->uid);", "return pod->uid[0] || memory->ran;"),
    # The Job's conditions are believed while there is a pod.
    "condition": (
        "kubernetes",
        "  case KUBE_SEEN:\n    decide_by_pod(view, decision);",
        "  case KUBE_SEEN:\n    if (view->job == KUBE_NOT_ASKED)\n      decision->step = KUBE_ASK_JOB;\n"
        "    else if (view->job == KUBE_SEEN && (view->job_seen.failed || view->job_seen.complete))\n"
        "      decide_by_job(view, decision);\n    else\n      decide_by_pod(view, decision);",
    ),
    # A log with an error text in its place is taken for all that there is.
    "log_is_error": ("kubernetes", "LOG_TRIES = 4", "LOG_TRIES = 1"),
    # Without a log, nobody looks at the termination message.
    "log_gone": (
        "kubernetes",
        "  if (log->sealed && log->recorded)",
        "  if (log->absent)\n    tell_dead_without_record(view, decision);\n  else if (log->sealed && log->recorded)",
    ),
    # A pod that is deleted before it ran is dead at once.
    "deleted": ("kubernetes", "pod->node_done || passed(view, *since, DELETED_MS))", "since->us)"),
    # Whoever deleted a pod, it is said to have been us; or somebody else.
    "stopped_by_us": (
        "kubernetes",
        "  if (reason != KILLED_NONE && !made_sure) {",
        "  if (reason == KILLED_NONE)\n    reason = KILLED_CANCELLED;\n  if (reason != KILLED_NONE && !made_sure) {",
    ),
    "stopped_by_others": ("kubernetes", "  if (reason != KILLED_NONE && !made_sure) {", "  if (reason == KILL_REASON_COUNT) {"),
    # A list that was not had is an empty one.
    "error": (
        "kubernetes",
        "  case KUBE_ERROR:\n    tell(decision, PRESENCE_UNKNOWN, \"%s\", view->trouble);\n    break;\n"
        "  case KUBE_ABSENT:\n    decide_without_pods",
        "  case KUBE_ERROR:\n  case KUBE_ABSENT:\n    decide_without_pods",
    ),
    # What the watch has told of one pod is the end of all.
    "told": ("kubernetes", "(dead || decision->step == KUBE_SEAL_LOG ||", "(dead && decision->step == KUBE_SEAL_LOG &&"),
    # Docker is believed against a keeper that answers.
    "keeper": (
        "docker",
        "  case KEEPER_ALIVE:\n    tell_alive(decision, PRESENCE_RUNNING);\n    break;\n  case KEEPER_DEAD:",
        "  case KEEPER_ALIVE:\n  case KEEPER_DEAD:",
    ),
    # "Exited" is believed before the evidence was fetched.
    "unfetched": ("docker", "&& view->container.in_volume &&", "&& !view->container.in_volume &&"),
}


def main():
    if sys.argv[1:] == ["list"]:
        print("\n".join(f"{name} {backend}" for name, (backend, _, _) in FAULTS.items()))
        return
    name, source, output = sys.argv[1:]
    _, right, wrong = FAULTS[name]
    text = Path(source).read_text()
    if text.count(right) != 1:
        sys.exit(f"{source}: what fault {name} changes is there {text.count(right)} times")
    Path(output).write_text(text.replace(right, wrong))


if __name__ == "__main__":
    main()
