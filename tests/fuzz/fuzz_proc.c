/*
 * The kernel's texts, which a container's manager or a bind mount may have put something else in place of:
 * /proc/self/cgroup, a line "--", and /proc/self/mountinfo. Every piece lies in the text that it is of, every path fits,
 * and a cgroup that is found is below where its hierarchy is mounted.
 */

#include "base/buffer.h"
#include "base/cgroup_parse.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/mountinfo.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_span(struct span span, const char *text)
{
  ASSERT(!span.length || (span.start >= text && span.start + span.length <= text + strlen(text)));
  ASSERT(!span.length || !memchr(span.start, '\n', span.length));
}

static void check_unescaped(struct span span)
{
  char path[64], small[8];
  const bool fits = mountinfo_unescape(span, path, sizeof path);
  ASSERT(!fits || strlen(path) <= span.length);
  ASSERT(!mountinfo_unescape(span, small, sizeof small) || (fits && strcmp(small, path) == 0));
}

static void check_mounts(const char *text)
{
  struct span rest = {text, strlen(text)};
  size_t left = rest.length + 1;
  for (struct mount mount; mountinfo_next(&rest, &mount); left = rest.length) {
    ASSERT(rest.length < left && mount.type.length);
    check_span(mount.root, text);
    check_span(mount.point, text);
    check_span(mount.options, text);
    check_span(mount.type, text);
    check_span(mount.super_options, text);
    check_unescaped(mount.point);
    span_lists(mount.super_options, "memory");
  }
  ASSERT(!rest.length);
}

static void check_path(const char path[static CGROUP_PATH_SIZE])
{
  ASSERT(memchr(path, 0, CGROUP_PATH_SIZE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  CLEANUP_FREE char *membership = xstrndup((const char *)data, size);
  char *mounts = strstr(membership, "\n--\n");
  if (mounts) {
    *mounts = 0;
    mounts += sizeof "\n--\n" - 1;
  }
  mounts = mounts ? mounts : "";
  check_mounts(mounts);
  struct cgroup_places places;
  cgroup_parse(membership, mounts, &places);
  check_path(places.v2_own);
  check_path(places.v2_root);
  check_path(places.v1_memory);
  check_path(places.v1_pids);
  check_path(places.v1_cpuacct);
  check_path(places.v1_cpu);
  ASSERT(!places.v2_own[0] || strncmp(places.v2_own, places.v2_root, strlen(places.v2_root)) == 0);
  return 0;
}
