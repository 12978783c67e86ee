#include "plugin_scripts.h"

#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 30 * 1000, TICK_MS = 50 };

static void write_script(const struct scripted *scripted, const char *script)
{
  CLEANUP_FREE char *path = xasprintf("%s/plugin", scripted->directory);
  CLEANUP_FREE char *text = xasprintf("#!/bin/sh\ncd %s\n%s", scripted->directory, script);
  CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
  assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)));
}

void scripted_begin(struct scripted *scripted, const char *script, const char *more)
{
  snprintf(scripted->directory, sizeof scripted->directory, "/tmp/assay-test-plugin-XXXXXX");
  assert_non_null(mkdtemp(scripted->directory));
  write_script(scripted, script);
  CLEANUP_FREE char *path = xasprintf("%s/config", scripted->directory);
  CLEANUP_FREE char *text = xasprintf(
    "{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\",\"user\":\"u\"}}],"
    "\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://h:6443\",\"certificate-authority-data\":"
    "\"Y2E=\",\"extensions\":[{\"name\":\"client.authentication.k8s.io/exec\",\"extension\":{\"a\":1}}]}}],"
    "\"users\":[{\"name\":\"u\",\"user\":{\"exec\":{\"apiVersion\":\"" V1 "\",\"command\":\"./plugin\"%s}}}]}",
    more);
  json_t *json = json_loads(text, 0, 0);
  struct error error = {0};
  if (!json || !kubeconfig_decode(json, path, 0, &scripted->config, &error))
    fail_msg("%s: %s", text, error.message);
  json_decref(json);
  assert_int_equal(uv_loop_init(&scripted->loop), 0);
  assert_int_equal(uv_timer_init(&scripted->loop, &scripted->watchdog), 0);
}

static void bark(uv_timer_t *watchdog)
{
  const struct scripted *scripted = watchdog->data;
  if (mono_now().us > scripted->deadline.us)
    fail_msg("it takes too long");
}

void scripted_run(struct scripted *scripted, bool (*condition)(void *context), void *context)
{
  scripted->watchdog.data = scripted;
  scripted->deadline = mono_add_ms(mono_now(), PATIENCE_MS);
  uv_timer_start(&scripted->watchdog, bark, TICK_MS, TICK_MS);
  while (!condition(context))
    uv_run(&scripted->loop, UV_RUN_ONCE);
  uv_timer_stop(&scripted->watchdog);
}

char *scripted_text(const struct scripted *scripted, const char *name)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", scripted->directory, name);
  CLEANUP_BLOB struct blob *text = file_read(AT_FDCWD, path, 100 * 1000, 0);
  return text ? xstrndup((const char *)text->data, text->size) : xstrdup("");
}

void scripted_end(struct scripted *scripted)
{
  uv_close((uv_handle_t *)&scripted->watchdog, 0);
  assert_int_equal(uv_run(&scripted->loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&scripted->loop), 0);
  kubeconfig_release(&scripted->config);
  CLEANUP_FREE char *command = xasprintf("rm -r %s", scripted->directory);
  assert_int_equal(system(command), 0);
}
