/*
 * libcurl's sockets and timer on the loop.
 *
 * libcurl says which sockets it watches for what and when it wants to be called; libuv tells when that is so;
 * client_act() then lets libcurl work. What libcurl wants at once is done in the next turn, by way of an idle handle: a
 * timer of 0 ms can keep a turn of the loop from ever ending, where one failure leads to the next attempt.
 */

#include "base/memory.h"
#include "http/client_impl.h"

#include <stdlib.h>

struct watch {
  LIST_ENTRY(watch) link;
  struct http_client *client;
  curl_socket_t fd;
  int events; /* UV_READABLE, UV_WRITABLE */
  uv_poll_t poll;
};

static void client_act(struct http_client *client, curl_socket_t fd, int curl_events)
{
  client_start_waiting(client);
  int running;
  client->is_in_curl = true;
  CURLMcode code = curl_multi_socket_action(client->multi, fd, curl_events, &running);
  client->is_in_curl = false;
  ASSERT(code == CURLM_OK);
  client_settle(client);
}

static void on_watch_closed(uv_handle_t *handle)
{
  free(handle->data);
}

static void watch_destroy(struct watch *watch)
{
  LIST_REMOVE(watch, link);
  uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

/* NULL where the kernel allows no further watch: the exchange then runs into its deadline. */
static struct watch *watch_create(struct http_client *client, curl_socket_t fd)
{
  struct watch *watch = xcalloc(1, sizeof *watch);
  if (uv_poll_init_socket(client->loop, &watch->poll, fd) < 0) {
    free(watch);
    return 0;
  }
  watch->poll.data = watch;
  watch->client = client;
  watch->fd = fd;
  LIST_INSERT_HEAD(&client->watches, watch, link);
  return watch;
}

/*
 * libuv reports an error of the socket as a status, and stops watching it. Which error, and whether the server's last
 * bytes can still be read before it, libcurl learns by reading and writing; told of the error it would not try.
 */
static void on_ready(uv_poll_t *poll, int status, int events)
{
  struct watch *watch = poll->data;
  if (status < 0)
    events = watch->events;
  int curl_events = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
  client_act(watch->client, watch->fd, curl_events);
  if (status < 0 && !uv_is_closing((uv_handle_t *)poll))
    uv_poll_start(poll, watch->events, on_ready);
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
  (void)easy;
  struct http_client *client = context;
  struct watch *watch = socket_context;
  if (what == CURL_POLL_REMOVE) {
    if (watch)
      watch_destroy(watch);
    return 0;
  }
  if (!watch && !(watch = watch_create(client, fd)))
    return 0;
  curl_multi_assign(client->multi, fd, watch);
  watch->events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
  uv_poll_start(&watch->poll, watch->events, on_ready);
  return 0;
}

static void on_timer(uv_timer_t *timer)
{
  client_act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wanted(CURLM *multi, long ms, void *context)
{
  (void)multi;
  struct http_client *client = context;
  uv_timer_stop(&client->timer);
  if (ms == 0)
    client_kick(client);
  else if (ms > 0)
    uv_timer_start(&client->timer, on_timer, (uint64_t)ms, 0);
  return 0;
}

static void on_kick(uv_idle_t *kick)
{
  uv_idle_stop(kick);
  client_act(kick->data, CURL_SOCKET_TIMEOUT, 0);
}

void client_kick(struct http_client *client)
{
  uv_idle_start(&client->kick, on_kick);
}

void client_loop_open(struct http_client *client)
{
  uv_timer_init(client->loop, &client->timer);
  uv_idle_init(client->loop, &client->kick);
  client->timer.data = client->kick.data = client;
  client->handles_open = 2;
  LIST_INIT(&client->watches);
  curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
  curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
  curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
  curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
}

static void on_handle_closed(uv_handle_t *handle)
{
  struct http_client *client = handle->data;
  if (--client->handles_open)
    return;
  curl_global_cleanup();
  free(client);
}

void client_loop_close(struct http_client *client)
{
  while (!LIST_EMPTY(&client->watches))
    watch_destroy(LIST_FIRST(&client->watches));
  uv_close((uv_handle_t *)&client->timer, on_handle_closed);
  uv_close((uv_handle_t *)&client->kick, on_handle_closed);
}
