#pragma once

/*
 * The daemon's configuration. Every option has one name: `state_dir` in the YAML file is ASSAY_STATE_DIR in the
 * environment and --state-dir on the command line; the later of these wins. The table below is all there is; lists on a
 * later level replace those of an earlier one. Limits and runtimes are too rich for a command line: YAML only.
 */

#include "api/runtime.h"
#include "base/error.h"
#include "wire/plan.h"

#include <stdio.h>

enum { LISTEN_MAX = 8, CONFIG_BACKENDS_MAX = LISTEN_MAX };

struct text_list {
  char *items[LISTEN_MAX + 1]; /* NULL-terminated */
  unsigned count;
};

/* kind, key, value's name, help */
#define OPTIONS(X)                                                                                                     \
  X(TEXT, state_dir, "DIR", "where evaluations are kept (default: /var/lib/assay, or $XDG_STATE_HOME/assay)")          \
  X(LIST, listen, "ADDRESS", "HOST:PORT or unix:PATH; repeatable (default: 127.0.0.1:7117)")                           \
  X(NUMBER, slots, "N", "evaluations that run at the same time (default: processors)")                                 \
  X(LIST, backend, "NAME", "where evaluations run; repeatable (default: native)")                                      \
  X(TEXT, isolation, "auto|strict", "strict: refuse to run with less than full isolation (default: auto)")             \
  X(NUMBER, queue, "N", "evaluations that may wait (default: 1000)")                                                   \
  X(TEXT, log_format, "text|json", "of the log on standard error (default: text)")                                     \
  X(TEXT, log_level, "debug|info|warning|error", "what is logged (default: info)")                                     \
  X(TEXT, keeper, "PATH", "assay-keeper (default: looked up beside assayd)")                                           \
  X(NUMBER, ready_fd, "FD", "write a line to this descriptor once listening, and close it")

#define OPTION_TYPE_TEXT char *
#define OPTION_TYPE_LIST struct text_list
#define OPTION_TYPE_NUMBER uint64_t

struct config {
#define X(kind, key, value, help) OPTION_TYPE_##kind key;
  OPTIONS(X)
#undef X
  struct limits limits_default, limits_max;
};

enum { CONFIG_READY_FD_NONE = 0 };

/* Fills `config` (zeroed by the caller) from the file, the environment and the arguments, and adds the operator's
 * runtimes. False with an error that names the option, the file or the key. `--help` and `--version` are the caller's.
 */
bool config_load(struct config *config, struct runtimes *runtimes, int argc, char **argv, struct error *error);
void config_release(struct config *config);
void config_print_help(FILE *out);
