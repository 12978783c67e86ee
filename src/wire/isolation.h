#pragma once

/*
 * What a sandbox enforces. The keeper sets a bit for each protection that is really in place for an evaluation; the
 * result's isolation level is derived from the bits and nothing else, so it cannot claim more than was done.
 */

#include <stdbool.h>
#include <stdint.h>

/* name, text for a person when it is missing, whether "full" isolation needs it */
#define ISOLATION_FEATURES(X)                                                                                          \
  X(NAMESPACES, "namespaces", "pid, mount, ipc, uts and cgroup namespaces are not all separate", true)                 \
  X(NETWORK, "network", "the network is not cut off", true)                                                            \
  X(ROOT, "root", "the root file system is not private and read-only", true)                                           \
  X(UID, "uid", "the program runs under the user id of the daemon", false)                                             \
  X(CAPABILITIES, "capabilities", "capabilities are not all dropped", true)                                            \
  X(SECCOMP, "seccomp", "system calls are not filtered", true)                                                         \
  X(LANDLOCK, "landlock", "the kernel has no landlock", false)                                                         \
  X(MEMORY, "memory", "memory is watched by sampling, not limited by a cgroup", true)                                  \
  X(PROCESSES, "processes", "processes are not limited", true)                                                         \
  X(CPU, "cpu", "CPU time is sampled from /proc, not counted by a cgroup", false)                                      \
  X(DISK, "disk", "what the program may write is not limited", true)                                                   \
  X(KILL, "kill", "the whole tree is killed through its pid namespace only, not through a cgroup", false)              \
  X(USER_NAMESPACE, "user_namespace", "the program's user id is one of the host's", false)

enum isolation_index {
#define X(name, key, text, needed) ISOLATION_INDEX_##name,
  ISOLATION_FEATURES(X)
#undef X
    ISOLATION_FEATURE_COUNT
};

enum isolation_feature {
#define X(name, key, text, needed) ISOLATION_##name = 1 << ISOLATION_INDEX_##name,
  ISOLATION_FEATURES(X)
#undef X
};

enum isolation_level { ISOLATION_LEVEL_NONE, ISOLATION_LEVEL_PARTIAL, ISOLATION_LEVEL_FULL };

/* FULL: every needed feature. NONE: not even namespaces and a private root. PARTIAL: between. */
enum isolation_level isolation_level(uint32_t features);
const char *isolation_level_name(enum isolation_level level); /* "full", "partial", "none" */

const char *isolation_feature_key(unsigned index);
const char *isolation_feature_missing(unsigned index); /* the text for a person */
bool isolation_feature_needed(unsigned index);
