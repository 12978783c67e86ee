/* assayd: takes programs over HTTP and gives each its verdict. See ARCHITECTURE.md. */

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/footprint.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

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

static int serve(int argc, char **argv, struct config *config)
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
  struct daemon *daemon = daemon_create(config, runtimes, &error);
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
  struct config config = {0};
  int status = serve(argc, argv, &config);
  config_release(&config);
  return status;
}
