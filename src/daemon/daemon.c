#include "backend/docker/docker.h"
#include "backend/native/native.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/daemon_impl.h"
#include "daemon/doctor.h"
#include "store/state_dir.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* New work is refused while the state directory has less room than this: what runs is finished first. */
#define FREE_BYTES_MIN MIB(128)

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

static void stop(uv_signal_t *handle, int number)
{
  struct daemon *daemon = handle->data;
  log_info(0, "stopping (%s); what runs is finished by its keeper and collected at the next start",
           number == SIGTERM ? "SIGTERM" : "SIGINT");
  executor_drain(daemon->executor);
  uv_stop(&daemon->loop);
}

static void init_loop(struct daemon *daemon)
{
  uv_loop_init(&daemon->loop);
  uv_timer_init(&daemon->loop, &daemon->tick);
  uv_prepare_init(&daemon->loop, &daemon->before_waiting);
  uv_async_init(&daemon->loop, &daemon->store_wakes, dispatch_store);
  daemon->tick.data = daemon->before_waiting.data = daemon->store_wakes.data = daemon;
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
  if (!store_each_open(daemon->store, recover_one, daemon, error))
    return false;
  unsigned open = executor_count(daemon->executor).in_state[STATE_QUEUED];
  if (open)
    log_info(0, "recovering %u open evaluation%s", open, open == 1 ? "" : "s");
  for (unsigned i = 0; i < daemon->backend_count; i++)
    backend_list(daemon->backends[i]);
  executor_start(daemon->executor);
  return true;
}

/* What the API asks of the daemon. */

static const char *not_ready(void *context, enum error_kind *ret_kind)
{
  struct daemon *daemon = context;
  struct statvfs status;
  if (fstatvfs(daemon->state_fd, &status) == 0 && (uint64_t)status.f_bavail * status.f_frsize < FREE_BYTES_MIN) {
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

static bool listen_on_all(struct daemon *daemon, struct buffer *ret_addresses, struct error *error)
{
  const struct text_list *list = &daemon->config->listen;
  for (unsigned i = 0; i < list->count; i++) {
    char address[256];
    if (!is_loopback(list->items[i]))
      return error_set(error, ERROR_FORBIDDEN, 0,
                       "listen: %s is not a loopback address; there is no authentication yet, so give 127.0.0.1:PORT, "
                       "[::1]:PORT or unix:PATH",
                       list->items[i]);
    if (!http_server_listen(daemon->http, list->items[i], address, error))
      return error_wrap(error, "listen");
    log_info(0, "listening on %s", address);
    buffer_printf(ret_addresses, " %s", address);
  }
  return true;
}

static void tell_ready(const struct daemon *daemon, const struct buffer *addresses)
{
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
  executor_add_backend(daemon->executor, name);
  struct backend *backend = backend_kinds[config_backend_kind(name)].create(daemon, &events, error);
  if (!backend)
    return error_wrap(error, "backend %s", name);
  daemon->backends[daemon->backend_count++] = backend;
  return true;
}

static bool start_backends(struct daemon *daemon, struct error *error)
{
  struct world world = world_of(daemon);
  daemon->executor = executor_create(&world, &(struct executor_config){.queue_max = (unsigned)daemon->config->queue});
  for (unsigned i = 0; i < daemon->config->backend.count; i++)
    if (!start_backend(daemon, daemon->config->backend.items[i], error))
      return false;
  return true;
}

static struct backend_offer offer_of(const struct config *config, const char *name)
{
  struct backend_offer offer = {.name = name, .takes_images = backend_kinds[config_backend_kind(name)].takes_images};
  if (offer.takes_images) {
    offer.image = config->docker_image;
    offer.images = (const char *const *)config->docker_images.items;
  }
  return offer;
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
    .version = ASSAY_VERSION,
    .crucible = config_lists(&daemon->config->compat, "crucible"),
    .not_ready = not_ready,
    .doctor = report_health,
    .loop = &daemon->loop,
    .context = daemon,
  });
  daemon->http =
    http_server_create(&daemon->loop, &(struct http_limits){.body_bytes_max = BODY_BYTES_MAX}, api_handle, daemon->api);
}

struct daemon *daemon_create(const struct config *config, struct runtimes *runtimes, struct error *error)
{
  struct daemon *daemon = xcalloc(1, sizeof *daemon);
  daemon->config = config;
  daemon->runtimes = runtimes;
  daemon->state_fd = -1;
  init_loop(daemon);
  CLEANUP_BUFFER struct buffer addresses = {0};
  if (!open_state(daemon, error) || !start_backends(daemon, error)) {
    daemon_destroy(daemon);
    return 0;
  }
  create_api(daemon);
  if (!recover(daemon, error) || !listen_on_all(daemon, &addresses, error)) {
    daemon_destroy(daemon);
    return 0;
  }
  runtimes_probe_versions(daemon->runtimes, &daemon->loop);
  tell_ready(daemon, &addresses);
  return daemon;
}

bool daemon_run(struct daemon *daemon)
{
  uv_run(&daemon->loop, UV_RUN_DEFAULT);
  return !daemon->failed;
}

/* First what is with the store, so that whoever waits for it still gets the answer; then everything that could ask more
 * of it; then the handles. */
void daemon_destroy(struct daemon *daemon)
{
  if (!daemon)
    return;
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
  executor_destroy(daemon->executor);
  uv_loop_close(&daemon->loop);
  fd_close(daemon->state_fd);
  free(daemon);
}
