#include "backend/docker/container.h"

#include "wire/container.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define HOST_NAME "assay"

enum { OPEN_FILES_MAX = 4096 }; /* as a program may have at most: its keeper can give it no more than it has itself */
enum { STOP_SECONDS = 10 };     /* from `docker stop`'s SIGTERM, at which the keeper ends it all, to SIGKILL */
enum { NANO_CPUS_IN_MILLI = 1000 * 1000, CPUS_MILLI_MIN = 10 }; /* Docker takes no less than a hundredth */
enum { TMPFS_OPTIONS_SIZE = 128 };

static json_t *packed(json_t *value)
{
  ASSERT(value); /* all that is handed in was checked */
  return value;
}

/*
 * The program writes only to what this makes: the root is read-only. Its memory counts for the container. Podman passes
 * only some options on to the kernel, and by default copies there what the image has at this place.
 */
static json_t *tmpfs(const struct engine_facts *facts, const char *execution, const char *mode, uint64_t bytes)
{
  char options[TMPFS_OPTIONS_SIZE], inodes[40] = "notmpcopyup";
  if (!facts->podman)
    snprintf(inodes, sizeof inodes, "nr_inodes=%llu", (unsigned long long)disk_inodes(bytes));
  snprintf(options, sizeof options, "rw,%s,nosuid,nodev,mode=%s,size=%llu,%s", execution, mode,
           (unsigned long long)bytes, inodes);
  return packed(json_string(options));
}

/* Ours is mounted there, whatever the image declares. */
static bool is_ours(const char *path)
{
  return !strcmp(path, CONTAINER_DIRECTORY) || !strcmp(path, CONTAINER_KEEPER_PATH) ||
         !strcmp(path, CONTAINER_ATTEMPT_PATH);
}

static bool cover(json_t *mounts, const char *volume, const struct container_settings *settings, uint64_t bytes)
{
  CLEANUP_FREE char *path = xstrdup(volume);
  for (size_t size = strlen(path); size > 1 && path[size - 1] == '/'; size--)
    path[size - 1] = 0;
  if (is_ours(path))
    return true;
  return path[0] == '/' && plan_path_valid(path + 1) && !strchr(path, ':') &&
         json_object_set_new(mounts, path, tmpfs(settings->facts, "exec", "1777", bytes)) == 0;
}

/* An engine makes a volume of its own, which has no limit, where the image declares one and nothing else is mounted. */
static bool cover_volumes(json_t *mounts, const struct container_settings *settings, uint64_t bytes,
                          struct error *error)
{
  const char *const *volumes = settings->image_volumes;
  for (size_t i = 0; volumes && volumes[i]; i++)
    if (i == IMAGE_VOLUMES_MAX || !cover(mounts, volumes[i], settings, bytes))
      return error_set(error, ERROR_INVALID, 0, "the image declares volumes that cannot be given a limit");
  return true;
}

/*
 * Where the attempt's directory is an ordinary user's, the program's user id could be that user's. So there is a door
 * before it, through which only root goes: the mount point of both lies on a tmpfs of its own.
 */
static json_t *tmpfs_mounts(const struct plan *plan, const struct container_settings *settings, struct error *error)
{
  const uint64_t bytes = plan->limits.disk_bytes;
  json_t *mounts = packed(json_pack("{s:o, s:o}", "/box", tmpfs(settings->facts, "exec", "1777", bytes), "/tmp",
                                    tmpfs(settings->facts, "exec", "1777", bytes)));
  if (!settings->volume)
    json_object_set_new(mounts, CONTAINER_DIRECTORY, tmpfs(settings->facts, "noexec", "0700", KIB(64)));
  if (cover_volumes(mounts, settings, bytes, error))
    return mounts;
  json_decref(mounts);
  return 0;
}

static json_t *labels(struct name name, const struct container_settings *settings)
{
  char id[ID_SIZE], number[16], deadline[WALL_TEXT_SIZE];
  unsigned attempt;
  ASSERT(name_parse(name.text, id, &attempt));
  snprintf(number, sizeof number, "%u", attempt);
  wall_format(settings->deadline, deadline);
  return packed(json_pack("{s:s, s:s, s:s, s:s}", LABEL_INSTANCE, settings->instance, LABEL_EVALUATION, id,
                          LABEL_ATTEMPT, number, LABEL_DEADLINE, deadline));
}

/* "Mounts" refuses a source that is not there, where "Binds" would make a directory of it; and it takes any path. */
static json_t *bind_mount(const char *source, const char *target, bool read_only)
{
  return packed(json_pack("{s:s, s:s, s:s, s:b, s:{s:s}}", "Type", "bind", "Source", source, "Target", target,
                          "ReadOnly", read_only, "BindOptions", "Propagation", "rprivate"));
}

static json_t *volume_mount(struct name name, const struct container_settings *settings)
{
  return packed(json_pack("{s:s, s:s, s:s, s:{s:b, s:o}}", "Type", "volume", "Source", settings->volume, "Target",
                          CONTAINER_DIRECTORY, "VolumeOptions", "NoCopy", 1, "Labels", labels(name, settings)));
}

static json_t *mounts(struct name name, const struct container_settings *settings)
{
  if (settings->volume)
    return packed(json_pack("[o]", volume_mount(name, settings)));
  return packed(json_pack("[o, o]", bind_mount(settings->keeper_path, CONTAINER_KEEPER_PATH, true),
                          bind_mount(settings->attempt_path, CONTAINER_ATTEMPT_PATH, false)));
}

/* `tmpfs` is consumed. */
static json_t *files(const struct plan *plan, struct name name, const struct container_settings *settings,
                     json_t *tmpfs)
{
  return packed(json_pack("{s:b, s:o, s:I, s:o}", "ReadonlyRootfs", 1, "Tmpfs", tmpfs, "ShmSize",
                          (json_int_t)plan->limits.disk_bytes, "Mounts", mounts(name, settings)));
}

static json_t *life(void)
{
  return packed(json_pack("{s:b, s:b, s:{s:s}, s:{s:s}}", "AutoRemove", 0, "Init", 0, "RestartPolicy", "Name", "no",
                          "LogConfig", "Type", "none"));
}

static json_t *namespaces(void)
{
  return packed(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "NetworkMode", "none", "IpcMode", "private", "CgroupnsMode",
                          "private", "PidMode", "", "UTSMode", "", "UsernsMode", ""));
}

/* What the keeper needs to start the program as somebody else, and to kill it then. The engine's own filter of system
 * calls stays. */
static json_t *rights(void)
{
  return packed(json_pack("{s:b, s:[s], s:[s, s, s], s:[s]}", "Privileged", 0, "CapDrop", "ALL", "CapAdd", "SETUID",
                          "SETGID", "KILL", "SecurityOpt", "no-new-privileges"));
}

/* An engine refuses more processors than there are. */
static json_int_t nano_cpus(const struct container_settings *settings)
{
  uint64_t milli = settings->cpus_milli, most = settings->facts->cpus * 1000ull;
  if (most && milli > most)
    milli = most;
  if (milli && milli < CPUS_MILLI_MIN)
    milli = CPUS_MILLI_MIN;
  const uint64_t nano = milli * NANO_CPUS_IN_MILLI;
  return (json_int_t)nano;
}

static json_t *ulimit(const char *name, int most)
{
  return packed(json_pack("{s:s, s:i, s:i}", "Name", name, "Soft", most, "Hard", most));
}

/* Memory counts with swap. The keeper makes the program likelier to be killed for it than itself, so its own score is
 * the usual one, which any engine may give. */
static json_t *limits(const struct plan *plan, const struct container_settings *settings)
{
  const uint64_t memory_bytes = plan->limits.memory_bytes + CONTAINER_MEMORY_BYTES;
  const uint64_t processes = plan->limits.processes + CONTAINER_PROCESSES;
  return packed(json_pack("{s:I, s:I, s:I, s:I, s:i, s:[o,o]}", "Memory", (json_int_t)memory_bytes, "MemorySwap",
                          (json_int_t)memory_bytes, "PidsLimit", (json_int_t)processes, "NanoCpus", nano_cpus(settings),
                          "OomScoreAdj", 0, "Ulimits", ulimit("nofile", OPEN_FILES_MAX), ulimit("core", 0)));
}

static json_t *join(json_t *const *parts, size_t count)
{
  json_t *whole = packed(json_object());
  for (size_t i = 0; i < count; i++) {
    ASSERT(json_object_update(whole, parts[i]) == 0);
    json_decref(parts[i]);
  }
  return whole;
}

/* `tmpfs` is consumed. */
static json_t *host_config(const struct plan *plan, struct name name, const struct container_settings *settings,
                           json_t *tmpfs)
{
  json_t *const parts[] = {life(), namespaces(), rights(), limits(plan, settings), files(plan, name, settings, tmpfs)};
  return join(parts, sizeof parts / sizeof *parts);
}

static json_t *process(struct name name)
{
  return packed(json_pack("{s:[s], s:[s,s,s,s], s:[], s:s, s:s, s:s, s:i}", "Entrypoint", CONTAINER_KEEPER_PATH, "Cmd",
                          "--container", CONTAINER_ATTEMPT_PATH, "--name", name.text, "Env", "User", "0:0",
                          "WorkingDir", "/", "StopSignal", "SIGTERM", "StopTimeout", STOP_SECONDS));
}

/* All that an image could set is set here, for the image is not ours; its environment stays. */
static json_t *container(struct name name, const struct container_settings *settings)
{
  return packed(json_pack("{s:s, s:o, s:s, s:b, s:{s:[s]}}", "Image", settings->image, "Labels", labels(name, settings),
                          "Hostname", HOST_NAME, "NetworkDisabled", 1, "Healthcheck", "Test", "NONE"));
}

static int append(const char *bytes, size_t size, void *buffer)
{
  buffer_append(buffer, bytes, size);
  return 0;
}

/* JSON is UTF-8, and the rest of what is put into it is our own. */
static bool settings_valid(const struct container_settings *settings, struct error *error)
{
  const char *const texts[] = {settings->image, settings->instance, settings->keeper_path, settings->attempt_path,
                               settings->volume};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    json_t *text = texts[i] ? json_string(texts[i]) : 0;
    if (texts[i] && !text)
      return error_set(error, ERROR_INVALID, 0, "a path or name for the container is not UTF-8");
    json_decref(text);
  }
  return true;
}

bool container_encode(const struct plan *plan, struct name name, const struct container_settings *settings,
                      struct buffer *ret, struct error *error)
{
  ASSERT(settings->volume ? !settings->keeper_path && !settings->attempt_path
                          : settings->keeper_path && settings->attempt_path);
  json_t *tmpfs = settings_valid(settings, error) ? tmpfs_mounts(plan, settings, error) : 0;
  if (!tmpfs)
    return false;
  json_t *const parts[] = {container(name, settings), process(name),
                           packed(json_pack("{s:o}", "HostConfig", host_config(plan, name, settings, tmpfs)))};
  json_t *body = join(parts, sizeof parts / sizeof *parts);
  ASSERT(json_dump_callback(body, append, ret, JSON_COMPACT) == 0);
  json_decref(body);
  return true;
}
