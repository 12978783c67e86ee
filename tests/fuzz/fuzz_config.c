/*
 * The configuration file. Whatever it is, it is either refused in words that name the file, or what comes of it keeps to
 * its bounds; and it is read the same twice.
 */

#include "base/fd.h"
#include "daemon/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool load(struct config *config, const char *path, struct error *error)
{
  static char keeper[] = "--keeper=/bin/true", program[] = "assayd", state[] = "--state-dir=/nowhere";
  CLEANUP_FREE char *file = xasprintf("--config=%s", path);
  char *arguments[] = {program, file, keeper, state, 0};
  struct runtimes *runtimes = runtimes_create();
  const bool good = config_load(config, runtimes, 4, arguments, error);
  runtimes_destroy(runtimes);
  return good;
}

static void check_list(const struct text_list *list)
{
  ASSERT(list->count <= CONFIG_LIST_MAX && !list->items[list->count]);
  for (unsigned i = 0; i < list->count; i++)
    ASSERT(list->items[i]);
}

static void check_limits(const struct config *config)
{
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++) {
    const struct limit_rule *rule = limit_rule(kind);
    const uint64_t standing = limit_value(&config->limits_default, kind), most = limit_value(&config->limits_max, kind);
    ASSERT(standing <= most && most <= rule->most && standing >= rule->least);
  }
}

static void check_config(const struct config *config)
{
  check_limits(config);
  check_list(&config->listen);
  check_list(&config->backend);
  check_list(&config->compat);
  check_list(&config->docker_images);
  for (unsigned i = 0; i < config->backend.count; i++)
    ASSERT(config_backend_kind(config->backend.items[i]) < BACKEND_COUNT);
  ASSERT(config->slots > 0 && config->slots <= CONFIG_SLOTS_MAX && config->docker_slots <= CONFIG_SLOTS_MAX);
  ASSERT(config->docker_pull_timeout_s <= CONFIG_PULL_SECONDS_MAX);
  ASSERT(config->state_dir[0] == '/' && config->keeper[0] == '/');
}

static bool same_text(const char *a, const char *b)
{
  return a == b || (a && b && strcmp(a, b) == 0);
}

static void check_same(const struct config *a, const struct config *b)
{
  ASSERT(a->slots == b->slots && a->queue == b->queue && a->docker_cpus == b->docker_cpus);
  ASSERT(same_text(a->isolation, b->isolation) && same_text(a->docker_image, b->docker_image));
  ASSERT(a->listen.count == b->listen.count && a->docker_images.count == b->docker_images.count);
  ASSERT(memcmp(&a->limits_default, &b->limits_default, sizeof a->limits_default) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  clearenv();
  CLEANUP_FD int file = memfd_create("configuration", MFD_CLOEXEC);
  ASSERT(file >= 0 && fd_write_all(file, data, size));
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  struct config config = {0}, again = {0};
  struct error error = {0}, error_again = {0};
  const bool good = load(&config, path, &error);
  ASSERT(load(&again, path, &error_again) == good);
  if (good) {
    check_config(&config);
    check_same(&config, &again);
  } else {
    ASSERT(error.message[0] && memchr(error.message, 0, sizeof error.message));
    ASSERT(strcmp(error.message, error_again.message) == 0);
  }
  config_release(&config);
  config_release(&again);
  return 0;
}
