#include "backend/docker/docker.h"
#include "backend/kubernetes/kubernetes.h"
#include "backend/native/native.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/daemon_impl.h"
#include "daemon/doctor.h"
#include "daemon/memory_limit.h"
#include "store/reserve.h"
#include "store/state_dir.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The loop. */

static void wake_for_store(void *context)
{
  uv_async_send(&((struct daemon *)context)->store_wakes);
}

static void dispatch_store(uv_async_t *async)
{
  store_dispatch(((struct daemon *)async->data)->store);
}

static void tick(uv_timer_t *timer)
{
  executor_tick(((struct daemon *)timer->data)->executor);
}

/* Before the loop sleeps: the timer stands where the executor next wants to be called, and not at all when nothing is
 * open, so that an idle daemon is never woken. */
static void set_timer(uv_prepare_t *prepare)
{
  struct daemon *daemon = prepare->data;
  struct mono next;
  if (!executor_next(daemon->executor, &next)) {
    uv_timer_stop(&daemon->tick);
  } else if (!uv_is_active((uv_handle_t *)&daemon->tick)) {
    struct mono now = mono_now();
    uv_timer_start(&daemon->tick, tick, next.us > now.us ? (next.us - now.us) / 1000 + 1 : 0, 0);
  }
}

/* Told by a timer of the loop and by nothing else: it means that the loop turns. */
static void tell_watchdog(uv_timer_t *timer)
{
  supervisor_notify(((struct daemon *)timer->data)->supervisor, "WATCHDOG=1");
}

static void stop(uv_signal_t *handle, int number)
{
  struct daemon *daemon = handle->data;
  supervisor_notify(daemon->supervisor, "STOPPING=1");
  log_info(0, "stopping (%s); what runs is finished by its keeper and collected at the next start",
           number == SIGTERM ? "SIGTERM" : "SIGINT");
  executor_drain(daemon->executor);
  uv_stop(&daemon->loop);
}

static void init_loop(struct daemon *daemon)
{
  uv_loop_init(&daemon->loop);
  uv_timer_init(&daemon->loop, &daemon->tick);
  uv_timer_init(&daemon->loop, &daemon->watchdog);
  retention_init(&daemon->retention, &daemon->loop);
  uv_prepare_init(&daemon->loop, &daemon->before_waiting);
  uv_async_init(&daemon->loop, &daemon->store_wakes, dispatch_store);
  daemon->tick.data = daemon->watchdog.data = daemon->before_waiting.data = daemon->store_wakes.data = daemon;
  uv_prepare_start(&daemon->before_waiting, set_timer);
  static const int numbers[STOP_SIGNALS] = {SIGTERM, SIGINT};
  for (int i = 0; i < STOP_SIGNALS; i++) {
    uv_signal_init(&daemon->loop, &daemon->signals[i]);
    daemon->signals[i].data = daemon;
    uv_signal_start(&daemon->signals[i], stop, numbers[i]);
  }
}

static void close_handles(struct daemon *daemon)
{
  uv_close((uv_handle_t *)&daemon->tick, 0);
  uv_close((uv_handle_t *)&daemon->watchdog, 0);
  retention_close(&daemon->retention);
  uv_close((uv_handle_t *)&daemon->before_waiting, 0);
  uv_close((uv_handle_t *)&daemon->store_wakes, 0);
  for (int i = 0; i < STOP_SIGNALS; i++)
    uv_close((uv_handle_t *)&daemon->signals[i], 0);
}

/* Recovery. */

static void recover_one(void *context, struct evaluation *evaluation)
{
  executor_recover(((struct daemon *)context)->executor, evaluation);
}

static bool recover(struct daemon *daemon, struct error *error)
{
  FAILPOINT(recover_begun);
  if (!api_load_tokens(daemon->api, error) || !store_each_open(daemon->store, recover_one, daemon, error))
    return false;
  unsigned open = executor_count(daemon->executor).in_state[STATE_QUEUED];
  if (open)
    log_info(0, "recovering %u open evaluation%s", open, open == 1 ? "" : "s");
  for (unsigned i = 0; i < daemon->backend_count; i++)
    backend_list(daemon->backends[i]);
  executor_start(daemon->executor);
  FAILPOINT(recover_asked);
  return true;
}

/* What the API asks of the daemon. */

/* What is open finds room for all that it may yet print, and there is some to spare. */
static bool disk_has_room(const struct daemon *daemon)
{
  struct statvfs status;
  if (fstatvfs(daemon->state_fd, &status) < 0)
    return true; /* not known to be full */
  uint64_t needed = executor_count(daemon->executor).output_bytes + reserve_share(daemon->state_fd, FREE_BYTES_MIN);
  return (uint64_t)status.f_bavail * status.f_frsize >= needed && store_has_reserve(daemon->store);
}

static const char *not_ready(void *context, enum error_kind *ret_kind)
{
  struct daemon *daemon = context;
  if (!disk_has_room(daemon)) {
    *ret_kind = ERROR_NO_SPACE;
    return "the disk with the state directory is nearly full; what runs is finished first";
  }
  if (daemon->failed) {
    *ret_kind = ERROR_UNAVAILABLE;
    return "the store has failed; the daemon is stopping";
  }
  return 0;
}

static void report_health(void *context, struct buffer *ret)
{
  struct daemon *daemon = context;
  doctor_report(daemon->backends, daemon->backend_count, ret);
}

static void report_webhooks(void *context, struct buffer *ret)
{
  webhooks_metrics(((struct daemon *)context)->webhooks, ret);
}

static void deliver_again(void *context, bool was_pending)
{
  struct daemon *daemon = context;
  if (was_pending)
    webhooks_look(daemon->webhooks);
  else
    webhooks_added(daemon->webhooks);
}

/* Listening. */

static bool is_loopback(const char *address)
{
  if (!strncmp(address, "unix:", 5))
    return true;
  size_t length = strcspn(address, ":");
  if (*address == '[')
    return !strncmp(address, "[::1]:", 6);
  return !strncmp(address, "127.", 4) || (length == 9 && !strncmp(address, "localhost", 9));
}

static bool requires_tokens(const struct config *config)
{
  return !strcmp(config->auth, "required");
}

static bool may_listen(const struct config *config, const char *address, struct error *error)
{
  return requires_tokens(config) || is_loopback(address) ||
         error_set(
           error, ERROR_FORBIDDEN, 0,
           "listen: %s is not a loopback address, and whoever reaches it could run programs here: give --auth required "
           "and make access tokens with \"assay token create\", or listen on 127.0.0.1:PORT, [::1]:PORT or unix:PATH",
           address);
}

static void note_address(const struct daemon *daemon, const char *address, struct buffer *ret_addresses)
{
  bool is_unix = !strncmp(address, "unix:", 5);
  log_info(0, "listening on %s%s", address, !is_unix && daemon->config->tls_cert ? " (TLS)" : "");
  if (!is_loopback(address) && !daemon->config->tls_cert)
    log_warning(0, "%s is not encrypted: access tokens can be read on the way; give --tls-cert and --tls-key", address);
  buffer_printf(ret_addresses, " %s", address);
}

static bool listen_on(struct daemon *daemon, const char *wanted, struct buffer *ret_addresses, struct error *error)
{
  char address[256];
  if (!may_listen(daemon->config, wanted, error))
    return false;
  if (!http_server_listen(daemon->http, wanted, address, error))
    return error_wrap(error, "listen");
  note_address(daemon, address, ret_addresses);
  return true;
}

/* Nothing is accepted before the loop turns, so that it may be refused after it was taken. */
static bool adopt_sockets(struct daemon *daemon, struct buffer *ret_addresses, struct error *error)
{
  struct supervisor *supervisor = daemon->supervisor;
  for (unsigned i = 0; i < supervisor->socket_count; i++) {
    char address[256];
    if (!http_server_adopt(daemon->http, TAKE_FD(supervisor->sockets[i]), address, error))
      return error_wrap(error, "socket %u of the supervisor", i + 1);
    if (!may_listen(daemon->config, address, error))
      return false;
    note_address(daemon, address, ret_addresses);
  }
  return true;
}

/* Where tokens are required and no Unix socket lets anybody in, nobody could make the first one: the owner of the state
 * directory finds a socket there. */
static bool listen_for_owner(struct daemon *daemon, struct buffer *ret_addresses, struct error *error)
{
  if (!requires_tokens(daemon->config) || strstr(ret_addresses->data, " unix:"))
    return true;
  CLEANUP_FREE char *address = xasprintf("unix:%s/socket", daemon->config->state_dir);
  http_server_set_socket_mode(daemon->http, S_IRUSR | S_IWUSR);
  return listen_on(daemon, address, ret_addresses, error);
}

/* Sockets that were handed over stand in place of the standard address, and beside those that are configured. */
static bool listen_on_all(struct daemon *daemon, struct buffer *ret_addresses, struct error *error)
{
  const struct text_list *list = &daemon->config->listen;
  const struct config *config = daemon->config;
  if (config->tls_cert && !http_server_set_tls(daemon->http, config->tls_cert, config->tls_key, error))
    return error_wrap(error, "tls");
  if (!adopt_sockets(daemon, ret_addresses, error))
    return false;
  if (!list->count && !daemon->supervisor->socket_count && !listen_on(daemon, LISTEN_DEFAULT, ret_addresses, error))
    return false;
  for (unsigned i = 0; i < list->count; i++)
    if (!listen_on(daemon, list->items[i], ret_addresses, error))
      return false;
  return listen_for_owner(daemon, ret_addresses, error);
}

static void tell_ready(struct daemon *daemon, const struct buffer *addresses)
{
  uint64_t every_ms = daemon->supervisor->watchdog_ms / 2;
  supervisor_notify(daemon->supervisor, "READY=1");
  if (every_ms)
    uv_timer_start(&daemon->watchdog, tell_watchdog, every_ms, every_ms);
  int fd = (int)daemon->config->ready_fd;
  if (fd == CONFIG_READY_FD_NONE)
    return;
  CLEANUP_BUFFER struct buffer line = {0};
  buffer_printf(&line, "ready%s\n", addresses->data);
  if (!fd_write_all(fd, line.data, line.size))
    log_warning(0, "nobody reads ready-fd %d: %s", fd, strerror(errno));
  fd_close(fd);
}

/* Starting, in the order in which each part needs the one before. */

static bool open_state(struct daemon *daemon, struct error *error)
{
  daemon->state_fd = state_dir_open(daemon->config->state_dir, error);
  if (daemon->state_fd < 0)
    return false;
  daemon->store = store_open(
    &(struct store_config){
      .state_dir = daemon->config->state_dir, .wake = wake_for_store, .failed = daemon_break, .context = daemon},
    error);
  return daemon->store != 0;
}

static struct backend *create_native(struct daemon *daemon, const struct backend_events *events, struct error *error)
{
  const struct native_config config = {
    .keeper_path = daemon->config->keeper,
    .state_dir = daemon->config->state_dir,
    .cgroup = daemon->config->cgroup,
    .slots = (unsigned)daemon->config->slots,
    .strict = !strcmp(daemon->config->isolation, "strict"),
  };
  return native_create(&daemon->loop, &config, events, error);
}

static struct backend *create_docker(struct daemon *daemon, const struct backend_events *events, struct error *error)
{
  const struct config *config = daemon->config;
  const struct docker_config docker = {
    .keeper_path = config->keeper,
    .state_dir = config->state_dir,
    .slots = (unsigned)config->docker_slots,
    .strict = !strcmp(config->isolation, "strict"),
    .host = config->docker_host,
    .tls_dir = config->docker_tls_dir,
    .evidence = !strcmp(config->docker_evidence, "bind")     ? DOCKER_EVIDENCE_BIND
                : !strcmp(config->docker_evidence, "volume") ? DOCKER_EVIDENCE_VOLUME
                                                             : DOCKER_EVIDENCE_AUTO,
    .pull = !strcmp(config->docker_pull, "never") ? DOCKER_PULL_NEVER : DOCKER_PULL_MISSING,
    .pull_ms_max = (unsigned)config->docker_pull_timeout_s * 1000,
    .cpus_milli = (unsigned)config->docker_cpus,
  };
  return docker_create(&daemon->loop, &docker, events, error);
}

/* As Kubernetes calls it. */
static const char *pull_policy(const char *pull)
{
  return !strcmp(pull, "always") ? "Always" : !strcmp(pull, "never") ? "Never" : "IfNotPresent";
}

static const char *const *texts_of(const struct text_list *list)
{
  return (const char *const *)list->items;
}

static struct backend *create_kubernetes(struct daemon *daemon, const struct backend_events *events,
                                         struct error *error)
{
  const struct config *config = daemon->config;
  const struct kubernetes_config kubernetes = {
    .state_dir = config->state_dir,
    .slots = (unsigned)config->kubernetes_slots,
    .strict = !strcmp(config->isolation, "strict"),
    .kubeconfig = config->kubernetes_config,
    .context = config->kubernetes_context,
    .namespace_ = config->kubernetes_namespace,
    .keeper_image = config->kubernetes_keeper_image,
    .image_pull = pull_policy(config->kubernetes_pull),
    .keeper_image_pull = pull_policy(config->kubernetes_pull),
    .runtime_class = config->kubernetes_runtime_class,
    .priority_class = config->kubernetes_priority_class,
    .service_account = config->kubernetes_service_account,
    .pull_secrets = texts_of(&config->kubernetes_pull_secret),
    .node_selector = texts_of(&config->kubernetes_node_selector),
    .tolerations = texts_of(&config->kubernetes_toleration),
    .calls_per_s = (unsigned)config->kubernetes_calls_per_s,
    .cpus_milli = (unsigned)config->kubernetes_cpus,
    .pull_ms_max = (unsigned)config->kubernetes_pull_timeout_s * 1000,
    .schedule_ms_max = (unsigned)config->kubernetes_schedule_timeout_s * 1000,
  };
  return kubernetes_create(&daemon->loop, &kubernetes, events, error);
}

static const struct {
  struct backend *(*create)(struct daemon *daemon, const struct backend_events *events, struct error *error);
  bool takes_images;
} backend_kinds[] = {
#define X(name, images) [BACKEND_##name] = {create_##name, images},
  BACKENDS(X)
#undef X
};

static bool start_backend(struct daemon *daemon, const char *name, struct error *error)
{
  struct backend_events events = backend_events_of(daemon);
  struct backend *backend = backend_kinds[config_backend_kind(name)].create(daemon, &events, error);
  if (!backend)
    return error_wrap(error, "backend %s", name);
  executor_add_backend(daemon->executor, name, backend_patience_ms(backend));
  daemon->backends[daemon->backend_count++] = backend;
  return true;
}

/* Of what clients can make the daemon hold, each kind gets an eighth of the memory at most: a request is held more than
 * once while it is decoded. */
static uint64_t share_of_memory(const struct daemon *daemon, uint64_t most)
{
  uint64_t share = daemon->memory_bytes / 8;
  return share < most ? share + 1 : most; /* 0 would be the default */
}

static bool start_backends(struct daemon *daemon, struct error *error)
{
  struct world world = world_of(daemon);
  daemon->executor = executor_create(&world, &(struct executor_config){
                                               .queue_max = (unsigned)daemon->config->queue,
                                               .queue_bytes_max = share_of_memory(daemon, QUEUE_BYTES_MAX),
                                             });
  for (unsigned i = 0; i < daemon->config->backend.count; i++)
    if (!start_backend(daemon, daemon->config->backend.items[i], error))
      return false;
  return true;
}

static struct backend_offer offer_of(const struct config *config, const char *name)
{
  struct backend_offer offer = {.name = name, .takes_images = backend_kinds[config_backend_kind(name)].takes_images};
  if (!strcmp(name, "docker")) {
    offer.image = config->docker_image;
    offer.images = texts_of(&config->docker_images);
  } else if (!strcmp(name, "kubernetes")) {
    offer.image = config->kubernetes_image;
    offer.images = texts_of(&config->kubernetes_images);
  }
  return offer;
}

static bool webhooks_may_be_private(const struct config *config)
{
  return !strcmp(config->webhook_allow_private, "yes");
}

static bool create_webhooks(struct daemon *daemon, struct error *error)
{
  const struct config *config = daemon->config;
  daemon->webhooks = webhooks_create(&(struct webhooks_config){.loop = &daemon->loop,
                                                               .store = daemon->store,
                                                               .secret_path = config->webhook_secret_file,
                                                               .allow_private = webhooks_may_be_private(config),
                                                               .timeout_ms = (unsigned)config->webhook_timeout_s * 1000,
                                                               .first_pause_ms = config->webhook_retry_ms},
                                     error);
  return daemon->webhooks || error_wrap(error, "webhook_secret_file");
}

static bool start_webhooks(struct daemon *daemon, struct error *error)
{
  uint64_t pending;
  if (!store_deliveries_pending(daemon->store, &pending, error))
    return false;
  webhooks_start(daemon->webhooks, pending);
  return true;
}

static void create_api(struct daemon *daemon)
{
  for (unsigned i = 0; i < daemon->backend_count; i++)
    daemon->offers[i] = offer_of(daemon->config, daemon->config->backend.items[i]);
  daemon->api = api_create(&(struct api_config){
    .executor = daemon->executor,
    .store = daemon->store,
    .runtimes = daemon->runtimes,
    .limits_default = daemon->config->limits_default,
    .limits_max = daemon->config->limits_max,
    .backends = daemon->offers,
    .callbacks_private = webhooks_may_be_private(daemon->config),
    .version = ASSAY_VERSION,
    .tokens_required = requires_tokens(daemon->config),
    .origins = (const char *const *)daemon->config->origin.items,
    .crucible = config_lists(&daemon->config->compat, "crucible"),
    .not_ready = not_ready,
    .evidence = daemon_evidence,
    .doctor = report_health,
    .metrics = report_webhooks,
    .delivery_again = deliver_again,
    .loop = &daemon->loop,
    .context = daemon,
  });
  daemon->http =
    http_server_create(&daemon->loop,
                       &(struct http_limits){.body_bytes_max = BODY_BYTES_MAX,
                                             .bodies_bytes_max = share_of_memory(daemon, BODIES_BYTES_MAX)},
                       api_handle, daemon->api);
  http_server_set_socket_mode(daemon->http, config_socket_mode(daemon->config));
  http_server_stream_bodies(daemon->http, api_streams_body, BATCH_BYTES_MAX);
}

struct daemon *daemon_create(const struct config *config, struct supervisor *supervisor, struct runtimes *runtimes,
                             struct error *error)
{
  struct daemon *daemon = xcalloc(1, sizeof *daemon);
  daemon->config = config;
  daemon->supervisor = supervisor;
  daemon->memory_bytes = memory_allowed_bytes();
  daemon->runtimes = runtimes;
  daemon->state_fd = -1;
  init_loop(daemon);
  CLEANUP_BUFFER struct buffer addresses = {0};
  if (!open_state(daemon, error) || !create_webhooks(daemon, error) || !start_backends(daemon, error)) {
    daemon_destroy(daemon);
    return 0;
  }
  create_api(daemon);
  if (!recover(daemon, error) || !start_webhooks(daemon, error) || !listen_on_all(daemon, &addresses, error)) {
    daemon_destroy(daemon);
    return 0;
  }
  runtimes_probe_versions(daemon->runtimes, &daemon->loop);
  retention_start(
    &daemon->retention, daemon->store,
    &(struct store_retention){.age_ms = config->retention_age_s * 1000, .bytes = config->retention_bytes});
  tell_ready(daemon, &addresses);
  return daemon;
}

bool daemon_run(struct daemon *daemon)
{
  uv_run(&daemon->loop, UV_RUN_DEFAULT);
  return !daemon->failed;
}

/* First what sends on its own account; then what is with the store, so that whoever waits for it still gets the answer;
 * then everything that could ask more of it; then the handles. */
void daemon_destroy(struct daemon *daemon)
{
  if (!daemon)
    return;
  webhooks_stop(daemon->webhooks);
  store_close(TAKE_PTR(daemon->store));
  while (daemon->backend_count)
    backend_destroy(daemon->backends[--daemon->backend_count]);
  if (daemon->api)
    api_stop(daemon->api);
  if (daemon->http)
    http_server_destroy(daemon->http, 0, 0);
  runtimes_destroy(daemon->runtimes); /* with its probes, which are handles of the loop too */
  close_handles(daemon);
  uv_run(&daemon->loop, UV_RUN_DEFAULT);
  api_destroy(daemon->api);
  webhooks_destroy(daemon->webhooks);
  executor_destroy(daemon->executor);
  uv_loop_close(&daemon->loop);
  fd_close(daemon->state_fd);
  free(daemon);
}
