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

enum { CONFIG_LIST_MAX = 32 };

struct text_list {
  char *items[CONFIG_LIST_MAX + 1]; /* NULL-terminated */
  unsigned count;
};

/* Every backend that there is: its name, and whether it runs programs in container images. */
#define BACKENDS(X)                                                                                                    \
  X(native, false)                                                                                                     \
  X(docker, true)

enum backend_kind {
#define X(name, takes_images) BACKEND_##name,
  BACKENDS(X)
#undef X
    BACKEND_COUNT
};

/* kind, key, value's name, help */
#define OPTIONS(X)                                                                                                     \
  X(TEXT, state_dir, "DIR", "where evaluations are kept (default: /var/lib/assay, or $XDG_STATE_HOME/assay)")          \
  X(LIST, listen, "ADDRESS", "HOST:PORT or unix:PATH; repeatable (default: 127.0.0.1:7117)")                           \
  X(NUMBER, slots, "N", "evaluations that run at the same time (default: processors)")                                 \
  X(LIST, backend, "native|docker", "where evaluations run; repeatable, the first is the default (default: native)")   \
  X(TEXT, isolation, "auto|strict", "strict: refuse to run with less than full isolation (default: auto)")             \
  X(LIST, compat, "crucible|none", "APIs of other systems that are served beside /v1 (default: crucible)")             \
  X(NUMBER, queue, "N", "evaluations that may wait (default: 1000)")                                                   \
  X(TEXT, log_format, "text|json", "of the log on standard error (default: text)")                                     \
  X(TEXT, log_level, "debug|info|warning|error", "what is logged (default: info)")                                     \
  X(TEXT, keeper, "PATH", "assay-keeper (default: looked up beside assayd)")                                           \
  X(NUMBER, ready_fd, "FD", "write a line to this descriptor once listening, and close it")                            \
  X(TEXT, docker_host, "URL", "unix:///PATH or tcp://HOST:PORT (default: DOCKER_HOST, the context, the usual socket)") \
  X(TEXT, docker_tls_dir, "DIR", "with ca.pem, cert.pem and key.pem, for tcp (default: DOCKER_CERT_PATH)")             \
  X(NUMBER, docker_slots, "N", "evaluations that run at the same time in Docker (default: --slots)")                   \
  X(TEXT, docker_image, "IMAGE", "of evaluations whose request and runtime name none (default: none)")                 \
  X(LIST, docker_images, "PATTERN", "images that requests may name; repeatable (default: those of the configuration)") \
  X(TEXT, docker_pull, "never|missing", "whether an image that is not there is pulled (default: missing)")             \
  X(NUMBER, docker_pull_timeout_s, "SECONDS", "how long pulling an image may take (default: 600)")                     \
  X(TEXT, docker_evidence, "auto|bind|volume", "where keepers write: bind needs Docker on this host (default: auto)")  \
  X(MILLI, docker_cpus, "N", "processors that an evaluation may use, such as 0.5 (default: no limit)")

#define OPTION_TYPE_TEXT char *
#define OPTION_TYPE_LIST struct text_list
#define OPTION_TYPE_NUMBER uint64_t
#define OPTION_TYPE_MILLI uint64_t /* a decimal number, in thousandths */

struct config {
#define X(kind, key, value, help) OPTION_TYPE_##kind key;
  OPTIONS(X)
#undef X
  struct limits limits_default, limits_max;
};

enum { CONFIG_READY_FD_NONE = 0, CONFIG_SLOTS_MAX = 1024 };
/* Below the deadline of the state in which an image is pulled, so that the backend's own reason comes first. */
enum { CONFIG_PULL_SECONDS_MAX = PREPARING_MS_MAX / 1000 - 60 };

/* Fills `config` (zeroed by the caller) from the file, the environment and the arguments, and adds the operator's
 * runtimes. False with an error that names the option, the file or the key. `--help` and `--version` are the caller's.
 */
bool config_load(struct config *config, struct runtimes *runtimes, int argc, char **argv, struct error *error);
bool config_lists(const struct text_list *list, const char *text);
void config_release(struct config *config);
enum backend_kind config_backend_kind(const char *name); /* BACKEND_COUNT: no such backend */
void config_print_help(FILE *out);
