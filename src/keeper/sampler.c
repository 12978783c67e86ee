#include "keeper/sampler.h"

#include "base/fd.h"
#include "base/number.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

void sampler_init(struct sampler *sampler, int proc, int box)
{
  *sampler = SAMPLER_NONE;
  sampler->proc = proc;
  sampler->box[0] = box;
  sampler->init = 1;
}

void sampler_init_contained(struct sampler *sampler, pid_t init, uid_t program_uid)
{
  static const char *const boxes[SAMPLER_BOXES_MAX] = {"/box", "/tmp", "/dev/shm"};
  *sampler = SAMPLER_NONE;
  sampler->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < SAMPLER_BOXES_MAX; i++)
    sampler->box[i] = open(boxes[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
  sampler->init = init;
  sampler->program = (struct file_owner){program_uid, program_uid};
}

void sampler_release(struct sampler *sampler)
{
  fd_close(sampler->proc);
  for (int i = 0; i < SAMPLER_BOXES_MAX; i++)
    fd_close(sampler->box[i]);
  *sampler = SAMPLER_NONE;
}

/* A file of one process, as text; empty where the process is gone. */
static void read_text(int proc, const char *pid, const char *file, char *text, size_t size)
{
  char path[300];
  snprintf(path, sizeof path, "%s/%s", pid, file);
  CLEANUP_FD int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
  text[got < 0 ? 0 : got] = 0;
}

/* The number behind a "Name:" at the start of a line, in bytes; such lines are in kB. */
static uint64_t line_bytes(const char *text, const char *name)
{
  const char *line = strstr(text, name);
  return line ? strtoull(line + strlen(name), 0, 10) * 1024 : 0;
}

/* User and system time of the process and of its children that were waited for: fields 14 to 17 of stat (proc(5)). */
static uint64_t cpu_us_of(int proc, const char *pid)
{
  char text[1024];
  read_text(proc, pid, "stat", text, sizeof text);
  const char *field = strrchr(text, ')');
  for (int number = 2; field && number < 14; number++)
    field = strchr(field + 1, ' ');
  uint64_t ticks = 0;
  char *next = (char *)field;
  for (int i = 0; next && i < 4; i++)
    ticks += strtoull(next, &next, 10);
  return ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t box_bytes(const struct sampler *sampler)
{
  uint64_t bytes = 0;
  struct statvfs status;
  for (int i = 0; i < SAMPLER_BOXES_MAX; i++)
    if (sampler->box[i] >= 0 && fstatvfs(sampler->box[i], &status) == 0)
      bytes += (uint64_t)(status.f_blocks - status.f_bfree) * status.f_frsize;
  return bytes;
}

/* Calls `each` for every process of the sandbox, its init included. */
static void for_each_process(const struct sampler *sampler,
                             void (*each)(const struct sampler *sampler, const char *pid, void *context), void *context)
{
  int fd = openat(sampler->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = fd < 0 ? 0 : fdopendir(fd);
  if (!directory)
    return fd_close(fd);
  for (struct dirent *entry; (entry = readdir(directory));)
    if (strtol(entry->d_name, 0, 10) >= sampler->init)
      each(sampler, entry->d_name, context);
  closedir(directory);
}

struct look {
  uint64_t cpu_us, memory_bytes, processes;
};

static void look_at(const struct sampler *sampler, const char *pid, void *context)
{
  struct look *look = context;
  look->cpu_us += cpu_us_of(sampler->proc, pid);
  if (strtol(pid, 0, 10) == sampler->init) /* init: what it waited for counts, it itself does not */
    return;
  char text[4096];
  read_text(sampler->proc, pid, "status", text, sizeof text);
  look->memory_bytes += line_bytes(text, "\nRssAnon:") + line_bytes(text, "\nRssShmem:");
  look->processes++;
}

void sampler_look(struct sampler *sampler)
{
  if (sampler->proc < 0)
    return;
  struct look look = {0};
  for_each_process(sampler, look_at, &look);
  sampler->memory_bytes = look.memory_bytes + box_bytes(sampler);
  if (look.cpu_us > sampler->cpu_us) /* a process that is just ending may be seen by nobody for a moment */
    sampler->cpu_us = look.cpu_us;
  if (sampler->memory_bytes > sampler->memory_peak_bytes)
    sampler->memory_peak_bytes = sampler->memory_bytes;
  if (look.processes > sampler->processes_peak)
    sampler->processes_peak = look.processes;
}

static void add_share(const struct sampler *sampler, const char *pid, void *context)
{
  char text[4096];
  read_text(sampler->proc, pid, "smaps_rollup", text, sizeof text);
  *(uint64_t *)context += line_bytes(text, "\nPss_Anon:") + line_bytes(text, "\nPss_Shmem:");
}

bool sampler_confirms_memory_over(const struct sampler *sampler, uint64_t limit_bytes)
{
  uint64_t bytes = box_bytes(sampler);
  struct file_owner before = {0};
  if (sampler->program.uid)
    before = file_owner_become(sampler->program);
  for_each_process(sampler, add_share, &bytes);
  if (sampler->program.uid)
    file_owner_become(before);
  return bytes > limit_bytes;
}
