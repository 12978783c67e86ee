#include "backend/docker/doctor.h"

#include <stdio.h>
#include <string.h>

enum { DOCKER_API_MINOR_MIN = 41 }; /* of Docker 20.10 */

static void check_engine(const struct docker_subject *subject, struct doctor_check *check)
{
  const struct endpoint *endpoint = subject->endpoint;
  if (!subject->facts && endpoint)
    check_find(check, CHECK_MISSING, "%.200s, found by %.100s: %.200s", endpoint->address, endpoint->found_by,
               subject->failure);
  else if (!subject->facts)
    check_find(check, CHECK_MISSING, "%.400s", subject->failure);
  else
    check_find(check, CHECK_OK, "%s at %.200s, found by %.100s", subject->facts->podman ? "Podman" : "Docker",
               endpoint->address, endpoint->found_by);
}

static void check_version(const struct docker_subject *subject, struct doctor_check *check)
{
  const struct engine_facts *facts = subject->facts;
  const unsigned least = facts->podman ? API_MINOR_MIN : DOCKER_API_MINOR_MIN;
  const bool old = facts->api_major < API_MAJOR || (facts->api_major == API_MAJOR && facts->api_minor < least);
  check_find(check, old ? CHECK_MISSING : CHECK_OK, "%s with API %u.%u%s", facts->version, facts->api_major,
             facts->api_minor, old ? ", which is too old" : "");
}

/* The keeper that is handed to the engine is the one of this host. */
static bool is_our_architecture(const char *name)
{
  static const char *const names[] = {
#if defined __x86_64__
    "x86_64",
    "amd64",
#elif defined __aarch64__
    "aarch64",
    "arm64",
#endif
  };
  const size_t count = sizeof names / sizeof *names;
  for (size_t i = 0; i < count; i++)
    if (strcmp(name, names[i]) == 0)
      return true;
  return count == 0; /* not one of those that have a name here */
}

static void check_platform(const struct docker_subject *subject, struct doctor_check *check)
{
  const struct engine_facts *facts = subject->facts;
  if (facts->os[0] && strcmp(facts->os, "linux") != 0)
    check_find(check, CHECK_MISSING, "its containers are %s, and the keeper is a Linux program", facts->os);
  else if (facts->architecture[0] && !is_our_architecture(facts->architecture))
    check_find(check, CHECK_MISSING, "its processors are %s, and the keeper is not made for them", facts->architecture);
  else
    check_find(check, CHECK_OK, "linux, %s", facts->architecture[0] ? facts->architecture : "processors not said");
}

static void check_cgroups(const struct docker_subject *subject, struct doctor_check *check)
{
  const unsigned version = subject->facts->cgroup_version;
  if (version)
    check_find(check, CHECK_OK, "version %u", version);
  else
    check_find(check, CHECK_WARNING, "the engine does not say which version it uses");
}

static void check_memory(const struct docker_subject *subject, struct doctor_check *check)
{
  if (!subject->facts->limits_memory)
    check_find(check, CHECK_MISSING,
               "the engine cannot limit memory; enable the memory controller (boot parameter cgroup_enable=memory, or "
               "for a rootless engine its delegation)");
  else if (!subject->facts->limits_swap)
    check_find(check, CHECK_WARNING,
               "the engine cannot limit swap: a program may take more of it; set the boot parameter swapaccount=1, or "
               "have no swap");
  else
    check_find(check, CHECK_OK, "memory and swap can be limited");
}

static void check_processes(const struct docker_subject *subject, struct doctor_check *check)
{
  if (subject->facts->limits_processes)
    check_find(check, CHECK_OK, "processes can be limited");
  else
    check_find(check, CHECK_MISSING, "the engine cannot limit processes; enable or delegate the pids controller");
}

static void check_seccomp(const struct docker_subject *subject, struct doctor_check *check)
{
  if (subject->facts->seccomp)
    check_find(check, CHECK_OK, "the engine filters system calls");
  else
    check_find(check, CHECK_WARNING, "the engine filters no system calls; the keeper's own filter remains");
}

static void check_users(const struct docker_subject *subject, struct doctor_check *check)
{
  if (subject->facts->rootless)
    check_find(check, CHECK_OK, "the engine is an ordinary user's");
  else if (subject->facts->user_namespace)
    check_find(check, CHECK_OK, "the engine maps a container's users to others (userns-remap)");
  else
    check_find(check, CHECK_WARNING,
               "a container's root is its host's, with few capabilities, and programs run as another user; "
               "userns-remap or a rootless engine would keep them further apart");
}

static void check_evidence(const struct docker_subject *subject, struct doctor_check *check)
{
  const struct engine_facts *facts = subject->facts;
  if (!subject->bind)
    check_find(check, CHECK_OK, "a volume for each attempt, fetched through the engine");
  else if (facts->user_namespace && !facts->rootless)
    check_find(check, CHECK_MISSING,
               "with userns-remap a container's root cannot write to a directory of this host's; keep the evidence in "
               "volumes");
  else if (facts->rootless && subject->privileged)
    check_find(
      check, CHECK_MISSING,
      "the engine is an ordinary user's and cannot write to a directory of root's; run assayd as that user, or "
      "keep the evidence in volumes");
  else if (facts->selinux)
    check_find(check, CHECK_WARNING,
               "directories of this host, which SELinux lets containers use only with a label (container_file_t on the "
               "directory docker of the state directory)");
  else
    check_find(check, CHECK_OK, "directories of this host, mounted into the containers");
}

static void check_storage(const struct docker_subject *subject, struct doctor_check *check)
{
  const char *driver = subject->facts->storage;
  if (strcmp(driver, "vfs") == 0)
    check_find(check, CHECK_WARNING, "vfs, which copies the whole image for each container; overlay2 does not");
  else
    check_find(check, CHECK_OK, "%s", driver[0] ? driver : "not said");
}

static void check_live_restore(const struct docker_subject *subject, struct doctor_check *check)
{
  if (subject->facts->podman)
    check_find(check, CHECK_OK, "Podman's containers do not depend on a daemon");
  else if (subject->facts->live_restore)
    check_find(check, CHECK_OK, "live-restore is on");
  else
    check_find(check, CHECK_WARNING,
               "a restart of dockerd ends what runs, whose verdict is then \"lost\"; set \"live-restore\": true in "
               "dockerd's daemon.json");
}

static void check_isolation(const struct docker_subject *subject, struct doctor_check *check)
{
  check_find_isolation(check, engine_isolation(subject->facts));
}

void docker_doctor(const struct docker_subject *subject, struct doctor_check ret[static DOCKER_CHECK_COUNT])
{
  static const struct {
    const char *name, *purpose;
    void (*check)(const struct docker_subject *subject, struct doctor_check *check);
  } checks[] = {
#define X(name, purpose) {"docker_" #name, purpose, check_##name},
    DOCKER_CHECKS(X)
#undef X
  };
  ASSERT(subject->facts ? subject->endpoint != 0 : subject->failure != 0);
  for (unsigned i = 0; i < DOCKER_CHECK_COUNT; i++) {
    ret[i] = (struct doctor_check){.name = checks[i].name, .purpose = checks[i].purpose};
    if (subject->facts || i == DOCKER_CHECK_engine)
      checks[i].check(subject, &ret[i]);
    else
      check_find(&ret[i], CHECK_WARNING, "not known, as the engine cannot be asked");
  }
}
