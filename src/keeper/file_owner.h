#pragma once

/*
 * In whose name a process makes and opens files: the file system's idea of who acts, set apart from who the process is
 * (setfsuid(2)). A change undoes PR_SET_PDEATHSIG and makes the process non-dumpable (prctl(2)).
 */

#include <sys/types.h>

struct file_owner {
  uid_t uid;
  gid_t gid;
};

/* From here on files belong to `owner`; returns to whom they did before. Without the right to it nothing changes. */
struct file_owner file_owner_become(struct file_owner owner);
