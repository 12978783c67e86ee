#include "backend/docker/facts.h"

#include "base/number.h"
#include "wire/isolation.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { CPUS_MAX = 65536, SECURITY_OPTIONS_MAX = 64, COMPONENTS_MAX = 64 };

/* Reads members of one object; the first that has another type than it should is kept. */
struct reader {
  const json_t *object;
  const char *wrong;
};

/* NULL: absent, null, or wrong. */
static const json_t *member(struct reader *reader, const char *key, json_type type)
{
  const json_t *value = json_object_get(reader->object, key);
  const bool boolean = type == JSON_TRUE && json_is_boolean(value);
  if (!value || json_is_null(value))
    return 0;
  if (json_typeof(value) == type || boolean)
    return value;
  if (!reader->wrong)
    reader->wrong = key;
  return 0;
}

static bool read_bool(struct reader *reader, const char *key)
{
  return json_is_true(member(reader, key, JSON_TRUE));
}

static uint64_t read_number(struct reader *reader, const char *key, uint64_t max)
{
  const json_int_t value = json_integer_value(member(reader, key, JSON_INTEGER));
  return value < 0 ? 0 : (uint64_t)value > max ? max : (uint64_t)value;
}

static const char *read_text(struct reader *reader, const char *key)
{
  const char *text = json_string_value(member(reader, key, JSON_STRING));
  return text ? text : "";
}

/* What is shown to people: printable, and cut where it is too long. */
static void copy_text(char *to, size_t size, const char *text)
{
  snprintf(to, size, "%s", text);
  for (; *to; to++)
    if ((unsigned char)*to < ' ' || (unsigned char)*to >= 0x7f)
      *to = '?';
}

/* "1.41" */
static bool read_api_version(const char *text, unsigned *ret_major, unsigned *ret_minor)
{
  const char *point = strchr(text, '.');
  uint64_t major, minor;
  if (!point || !parse_u64(text, (size_t)(point - text), 1000, &major) || !parse_u64_text(point + 1, 1000, &minor))
    return false;
  *ret_major = (unsigned)major;
  *ret_minor = (unsigned)minor;
  return true;
}

static bool names_podman(const json_t *components)
{
  for (size_t i = 0; i < json_array_size(components) && i < COMPONENTS_MAX; i++) {
    const char *name = json_string_value(json_object_get(json_array_get(components, i), "Name"));
    if (name && strncmp(name, "Podman", strlen("Podman")) == 0)
      return true;
  }
  return false;
}

static bool read_version(struct reader *reader, struct engine_facts *facts, struct error *error)
{
  unsigned least_major = API_MAJOR;
  const char *least = read_text(reader, "MinAPIVersion");
  copy_text(facts->version, sizeof facts->version, read_text(reader, "Version"));
  facts->podman = names_podman(member(reader, "Components", JSON_ARRAY));
  if (!read_api_version(read_text(reader, "ApiVersion"), &facts->api_major, &facts->api_minor))
    return error_set(error, ERROR_INVALID, 0, "the engine does not say which version of the API it speaks");
  if (*least && (!read_api_version(least, &least_major, &facts->api_minor_min) || least_major != facts->api_major))
    return error_set(error, ERROR_INVALID, 0, "the engine's oldest version of the API makes no sense");
  return true;
}

/* "name=seccomp,profile=default", "name=rootless", "name=userns", "name=cgroupns", "name=apparmor", "name=selinux" */
static void read_security(const json_t *options, struct engine_facts *facts)
{
  const struct {
    const char *name;
    bool *fact;
  } known[] = {{"seccomp", &facts->seccomp},   {"apparmor", &facts->apparmor},
               {"selinux", &facts->selinux},   {"userns", &facts->user_namespace},
               {"rootless", &facts->rootless}, {"cgroupns", &facts->cgroup_namespace}};
  for (size_t i = 0; i < json_array_size(options) && i < SECURITY_OPTIONS_MAX; i++) {
    const char *option = json_string_value(json_array_get(options, i));
    if (!option || strncmp(option, "name=", 5) != 0 || strstr(option, "profile=unconfined"))
      continue;
    for (size_t j = 0; j < sizeof known / sizeof *known; j++)
      if (strcspn(option + 5, ",") == strlen(known[j].name) &&
          strncmp(option + 5, known[j].name, strlen(known[j].name)) == 0)
        *known[j].fact = true;
  }
}

static bool read_info(struct reader *reader, struct engine_facts *facts, struct error *error)
{
  uint64_t cgroup_version = 0;
  const char *cgroups = read_text(reader, "CgroupVersion"); /* since API 1.40; "" on what is no Linux */
  if (*cgroups && (!parse_u64_text(cgroups, 2, &cgroup_version) || cgroup_version == 0))
    return error_set(error, ERROR_INVALID, 0, "the engine's version of cgroups makes no sense");
  facts->cgroup_version = (unsigned)cgroup_version;
  copy_text(facts->storage, sizeof facts->storage, read_text(reader, "Driver"));
  copy_text(facts->os, sizeof facts->os, read_text(reader, "OSType"));
  copy_text(facts->architecture, sizeof facts->architecture, read_text(reader, "Architecture"));
  facts->cpus = (unsigned)read_number(reader, "NCPU", CPUS_MAX);
  facts->memory_bytes = read_number(reader, "MemTotal", UINT64_MAX);
  facts->limits_memory = read_bool(reader, "MemoryLimit");
  facts->limits_swap = read_bool(reader, "SwapLimit");
  facts->limits_processes = read_bool(reader, "PidsLimit");
  facts->limits_cpu = read_bool(reader, "CpuCfsQuota");
  facts->live_restore = read_bool(reader, "LiveRestoreEnabled");
  read_security(member(reader, "SecurityOptions", JSON_ARRAY), facts);
  return true;
}

typedef bool read_part(struct reader *reader, struct engine_facts *facts, struct error *error);

static bool decode(const char *what, const void *bytes, size_t size, read_part *read, struct engine_facts *facts,
                   struct error *error)
{
  json_t *object = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, 0);
  struct reader reader = {.object = object};
  bool good = json_is_object(object)
                ? read(&reader, facts, error)
                : error_set(error, ERROR_INVALID, 0, "what the engine says of its %s is not a JSON object", what);
  if (good && reader.wrong)
    good =
      error_set(error, ERROR_INVALID, 0, "%s in what the engine says of its %s has another type", reader.wrong, what);
  json_decref(object);
  return good;
}

bool engine_facts_decode(const void *version, size_t version_size, const void *info, size_t info_size,
                         struct engine_facts *ret, struct error *error)
{
  struct engine_facts facts = {0};
  if (!decode("version", version, version_size, read_version, &facts, error) ||
      (info && !decode("abilities", info, info_size, read_info, &facts, error)))
    return false;
  *ret = facts;
  return true;
}

uint32_t engine_isolation(const struct engine_facts *facts)
{
  /* What every engine does for a container as ours are: its namespaces, root, disk (tmpfs) and the keeper's part. */
  uint32_t features = ISOLATION_NAMESPACES | ISOLATION_NETWORK | ISOLATION_ROOT | ISOLATION_UID |
                      ISOLATION_CAPABILITIES | ISOLATION_SECCOMP | ISOLATION_DISK;
  if (facts->limits_memory)
    features |= ISOLATION_MEMORY;
  if (facts->limits_processes)
    features |= ISOLATION_PROCESSES;
  if (facts->limits_cpu) /* then it has the controller that counts, too */
    features |= ISOLATION_CPU;
  if (facts->user_namespace || facts->rootless)
    features |= ISOLATION_USER_NAMESPACE;
  return features;
}
