/* assayd: takes programs over HTTP and gives each its verdict. See ARCHITECTURE.md. */

#include "base/log.h"
#include "base/memory.h"
#include "daemon/daemon.h"
#include "daemon/footprint.h"
#include "daemon/supervisor.h"

#include <curl/curl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

/* An idle connection costs a descriptor: take as many as we may have. */
static void raise_file_limit(void)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

static enum log_level level_from_name(const char *name)
{
  static const char *const names[] = {"debug", "info", "warning", "error"};
  for (int i = 0; i < 4; i++)
    if (!strcmp(names[i], name))
      return (enum log_level)i;
  return LOG_INFO;
}

/*
 * What a library asks for is small, and where it gets none we abort, as for our own (base/memory.h). Else a JSON text would be
 * "invalid" and a DELETE without its method a GET, for want of a few bytes. SQLite's failures are told apart (store/).
 */
static void let_libraries_abort(void)
{
  json_set_alloc_funcs(xmalloc, free);
  uv_replace_allocator(xmalloc, xrealloc, xcalloc, free);
  curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, xrealloc, xstrdup, xcalloc);
}

static int serve(int argc, char **argv, struct config *config, struct supervisor *supervisor)
{
  struct error error = {0};
  struct runtimes *runtimes = runtimes_create();
  if (!config_load(config, runtimes, argc, argv, &error)) {
    fprintf(stderr, "assayd: %s\n", error.message);
    runtimes_destroy(runtimes);
    return 2;
  }
  log_set_format(!strcmp(config->log_format, "json") ? LOG_JSON : LOG_TEXT);
  log_set_level(level_from_name(config->log_level));
  struct daemon *daemon = daemon_create(config, supervisor, runtimes, &error);
  if (!daemon) {
    log_error(0, "cannot start: %s", error.message);
    return 1;
  }
  footprint_shrink();
  bool good = daemon_run(daemon);
  daemon_destroy(daemon);
  return good ? 0 : 1;
}

int main(int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
      return config_print_help(stdout), 0;
    if (!strcmp(argv[i], "--version"))
      return puts("assayd " ASSAY_VERSION), 0;
  }
  signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  let_libraries_abort();
  struct supervisor supervisor;
  struct error error = {0};
  if (!supervisor_take(&supervisor, &error))
    return fprintf(stderr, "assayd: %s\n", error.message), 2;
  struct config config = {0};
  int status = serve(argc, argv, &config, &supervisor);
  config_release(&config);
  supervisor_release(&supervisor);
  return status;
}
