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
  X(docker, true)                                                                                                      \
  X(kubernetes, true)

enum backend_kind {
#define X(name, takes_images) BACKEND_##name,
  BACKENDS(X)
#undef X
    BACKEND_COUNT
};

#define LISTEN_DEFAULT "127.0.0.1:7117"

/* kind, key, value's name, help */
#define OPTIONS(X)                                                                                                     \
  X(TEXT, state_dir, "DIR", "where evaluations are kept (default: /var/lib/assay, or $XDG_STATE_HOME/assay)")          \
  X(LIST, listen, "ADDRESS", "HOST:PORT or unix:PATH; repeatable (default: " LISTEN_DEFAULT ", or systemd's sockets)") \
  X(TEXT, auth, "auto|required", "required: over TCP only with an access token; auto: on loopback without (default)")  \
  X(TEXT, socket_mode, "MODE", "of Unix sockets that are listened on, in octal: who may connect (default: 0600)")      \
  X(TEXT, tls_cert, "FILE", "certificate chain (PEM): TCP is TLS, with --tls-key (default: none)")                     \
  X(TEXT, tls_key, "FILE", "its private key (PEM, without a password)")                                                \
  X(LIST, origin, "URL", "of a site whose pages may ask, such as https://assay.example.org (default: none)")           \
  X(NUMBER, slots, "N", "evaluations that run at the same time (default: processors)")                                 \
  X(LIST, backend, "native|docker|kubernetes", "where evaluations run; repeatable, the first is the default")          \
  X(TEXT, isolation, "auto|strict", "strict: refuse to run with less than full isolation (default: auto)")             \
  X(TEXT, cgroup, "PATH", "below which evaluations have theirs, from the root (version 2; default: the own one)")      \
  X(LIST, compat, "crucible|none", "APIs of other systems that are served beside /v1 (default: crucible)")             \
  X(NUMBER, queue, "N", "evaluations that may wait (default: 1000)")                                                   \
  X(LARGE, retention_age_s, "SECONDS", "finished evaluations older than this are deleted (default: none are)")         \
  X(LARGE, retention_bytes, "BYTES", "over this, the oldest finished ones are deleted (default: none are)")            \
  X(TEXT, webhook_secret_file, "PATH", "signs webhooks: a secret a line (default: they are not signed)")               \
  X(TEXT, webhook_allow_private, "yes|no", "send webhooks to addresses that are not public, too (default: no)")        \
  X(NUMBER, webhook_timeout_s, "SECONDS", "how long a receiver of webhooks may take (default: 10)")                    \
  X(NUMBER, webhook_retry_ms, "MS", "from a webhook's first attempt to the second; then doubled (default: 5000)")      \
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
  X(MILLI, docker_cpus, "N", "processors that an evaluation may use, such as 0.5 (default: no limit)")                 \
  X(TEXT, kubernetes_config, "FILE", "kubeconfig (default: KUBECONFIG, the pod's service account, ~/.kube/config)")    \
  X(TEXT, kubernetes_context, "NAME", "of the kubeconfig (default: its current one)")                                  \
  X(TEXT, kubernetes_namespace, "NAME", "in which Jobs are made (default: the context's)")                             \
  X(NUMBER, kubernetes_slots, "N", "evaluations that run at the same time in Kubernetes (default: --slots)")           \
  X(TEXT, kubernetes_keeper_image, "IMAGE", "that holds /assay-keeper; needed for Kubernetes")                         \
  X(TEXT, kubernetes_image, "IMAGE", "of evaluations whose request and runtime name none (default: none)")             \
  X(LIST, kubernetes_images, "PATTERN", "images that requests may name; repeatable (default: those configured)")       \
  X(TEXT, kubernetes_pull, "never|missing|always", "when a node pulls an image (default: missing)")                    \
  X(NUMBER, kubernetes_pull_timeout_s, "SECONDS", "how long an image may be impossible to pull (default: 300)")        \
  X(NUMBER, kubernetes_schedule_timeout_s, "SECONDS", "how long a pod may wait for a node (default: 3000)")            \
  X(NUMBER, kubernetes_calls_per_s, "N", "requests that the API server is sent a second at most (default: 100)")       \
  X(MILLI, kubernetes_cpus, "N", "processors that a pod requests and may use, such as 0.5 (default: not said)")        \
  X(TEXT, kubernetes_runtime_class, "NAME", "RuntimeClass of pods, such as gvisor (default: none)")                    \
  X(TEXT, kubernetes_priority_class, "NAME", "PriorityClass of pods (default: none)")                                  \
  X(TEXT, kubernetes_service_account, "NAME", "of pods, which get no token of it (default: the namespace's)")          \
  X(LIST, kubernetes_pull_secret, "NAME", "Secret with which images are pulled; repeatable")                           \
  X(LIST, kubernetes_node_selector, "LABEL=VALUE", "of nodes on which pods may run; repeatable")                       \
  X(LIST, kubernetes_toleration, "KEY[=VALUE][:EFFECT]", "of pods; repeatable")

#define OPTION_TYPE_TEXT char *
#define OPTION_TYPE_LIST struct text_list
#define OPTION_TYPE_NUMBER uint64_t
#define OPTION_TYPE_LARGE uint64_t /* a number without a bound of ours */
#define OPTION_TYPE_MILLI uint64_t /* a decimal number, in thousandths */

struct config {
#define X(kind, key, value, help) OPTION_TYPE_##kind key;
  OPTIONS(X)
#undef X
  struct limits limits_default, limits_max;
};

enum { CONFIG_READY_FD_NONE = 0, CONFIG_SLOTS_MAX = 1024, CONFIG_CALLS_PER_S_MAX = 10000 };
/* Below the deadline of the state in which an image is pulled, so that the backend's own reason comes first. */
enum { CONFIG_PULL_SECONDS_MAX = PREPARING_MS_MAX / 1000 - 60 };

/* Fills `config` (zeroed by the caller) from the file, the environment and the arguments, and adds the operator's
 * runtimes. False with an error that names the option, the file or the key. `--help` and `--version` are the caller's.
 */
bool config_load(struct config *config, struct runtimes *runtimes, int argc, char **argv, struct error *error);
bool config_lists(const struct text_list *list, const char *text);
void config_release(struct config *config);
enum backend_kind config_backend_kind(const char *name); /* BACKEND_COUNT: no such backend */
/* Of `socket_mode`, which was checked. */
unsigned config_socket_mode(const struct config *config);
void config_print_help(FILE *out);
