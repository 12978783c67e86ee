#pragma once

/* What an engine says of itself in the answers of GET /version and GET /info, checked. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 20.10, the oldest that Assay works with, has API version 1.41 (Podman's compatible API of 3.0 and later has 1.40). */
enum { API_MAJOR = 1, API_MINOR_MIN = 40 };
enum { ENGINE_VERSION_SIZE = 64, ENGINE_TEXT_SIZE = 64 };

struct engine_facts {
  /* of /version */
  char version[ENGINE_VERSION_SIZE]; /* "20.10.24+dfsg1" */
  unsigned api_major, api_minor;     /* the newest that it speaks; Podman: that of its compatible API */
  unsigned api_minor_min;            /* the oldest, of the same major; 0: not said */
  bool podman;

  /* of /info; all false, zero or "" where it was not asked */
  char storage[ENGINE_TEXT_SIZE];      /* "overlay2" */
  char os[ENGINE_TEXT_SIZE];           /* "linux", what its containers are */
  char architecture[ENGINE_TEXT_SIZE]; /* "x86_64"; Podman: "amd64" */
  unsigned cgroup_version;             /* 1 or 2; 0: not said */
  unsigned cpus;                       /* processors; 0: not said */
  uint64_t memory_bytes;               /* of its host; 0: not said */
  bool limits_memory, limits_swap;     /* of a container */
  bool limits_processes, limits_cpu;
  bool seccomp; /* it filters system calls with a profile */
  bool apparmor, selinux;
  bool user_namespace; /* userns-remap: root in a container is another user outside */
  bool rootless;       /* the engine itself is an ordinary user's */
  bool cgroup_namespace;
  bool live_restore; /* containers outlive a restart of the engine */
};

/* From the whole bodies. `info` NULL: not asked. Keys that are absent are as not said; a known key of another type refuses
 * the whole. `ret` is untouched on failure. */
bool engine_facts_decode(const void *version, size_t version_size, const void *info, size_t info_size,
                         struct engine_facts *ret, struct error *error);

/* What the containers of container.h have on this engine: enum isolation_feature bits. Landlock and what else the keeper
 * adds is not in it: its records have that. */
uint32_t engine_isolation(const struct engine_facts *facts);
