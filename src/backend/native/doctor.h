#pragma once

/* What this host can do for the native backend, check by check, for `assay doctor`. It changes nothing. */

#include "backend/doctor.h"
#include "backend/native/native.h"

/* name in JSON, the function that checks it, what it is for */
#define DOCTOR_CHECKS(X)                                                                                               \
  X(kernel, "namespaces, pidfds and openat2 of Linux 5.6; cgroup.kill of 5.14")                                        \
  X(user_namespaces, "the sandbox of an ordinary user")                                                                \
  X(cgroups, "limits of memory and processes, CPU time, ending a whole tree")                                          \
  X(landlock, "a second wall around the file system")                                                                  \
  X(seccomp, "the filter of system calls")                                                                             \
  X(proc, "processes are watched through it, and a sandbox has one of its own")                                        \
  X(disk, "evidence, outputs and the database")                                                                        \
  X(isolation, "what of all that a sandbox has in the end")

enum {
#define X(name, purpose) DOCTOR_INDEX_##name,
  DOCTOR_CHECKS(X)
#undef X
    DOCTOR_CHECK_COUNT
};

/* `features`: enum isolation_feature bits, as backend_isolation() has them. */
struct doctor_subject {
  const struct cgroup_layout *cgroups;
  uint32_t features;
  const char *state_dir;
};
void native_doctor(const struct doctor_subject *subject, struct doctor_check ret[static DOCTOR_CHECK_COUNT]);
