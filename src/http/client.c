/* The client: its endpoint, and which of its exchanges are under way. */

#include "http/client.h"

#include "base/memory.h"
#include "http/client_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 16 };

/* The endpoint. */

/* A URL of scheme and host, and nothing after it, as libcurl would write it. The caller frees; NULL: it is another. */
static char *base_of_url(const char *url)
{
  static const CURLUPart refused[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT};
  CURLU *parts = curl_url();
  ASSERT(parts);
  char *base = 0, *scheme = 0, *path = 0, *whole = 0;
  bool good = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
              curl_url_get(parts, CURLUPART_PATH, &path, 0) == CURLUE_OK && strcmp(path, "/") == 0;
  for (size_t i = 0; good && i < sizeof refused / sizeof *refused; i++) {
    char *part = 0;
    good = curl_url_get(parts, refused[i], &part, 0) != CURLUE_OK;
    curl_free(part);
  }
  if (good && curl_url_get(parts, CURLUPART_URL, &whole, 0) == CURLUE_OK)
    base = xstrndup(whole, strlen(whole) - 1); /* paths begin with the slash */
  curl_free(scheme);
  curl_free(path);
  curl_free(whole);
  curl_url_cleanup(parts);
  return base;
}

static bool set_server(struct http_client *client, const struct http_endpoint *endpoint, struct error *error)
{
  client->base = base_of_url(endpoint->url);
  if (!client->base)
    return error_set(error, ERROR_INVALID, EINVAL, "\"%s\" is not http://HOST[:PORT] or https://HOST[:PORT]",
                     endpoint->url);
  if (!endpoint->unix_path) {
    client->name = xstrdup(client->base);
    return true;
  }
  client->name = xasprintf("unix:%s", endpoint->unix_path);
  if (!*endpoint->unix_path || strlen(endpoint->unix_path) >= sizeof((struct sockaddr_un *)0)->sun_path)
    return error_set(error, ERROR_INVALID, EINVAL, "\"%s\" is no path of a Unix socket, or too long for one",
                     endpoint->unix_path);
  curl_easy_setopt(client->template, CURLOPT_UNIX_SOCKET_PATH, endpoint->unix_path);
  return true;
}

static bool set_file(struct http_client *client, CURLoption option, const char *path, struct error *error)
{
  if (!path)
    return true;
  if (access(path, R_OK) < 0)
    return error_errno(error, "cannot read \"%s\"", path);
  curl_easy_setopt(client->template, option, path);
  return true;
}

static bool set_pem(struct http_client *client, CURLoption file, const char *path, CURLoption blob, struct blob *pem,
                    struct error *error)
{
  if (!pem)
    return set_file(client, file, path, error);
  struct curl_blob bytes = {.data = pem->data, .len = pem->size, .flags = CURL_BLOB_COPY};
  curl_easy_setopt(client->template, blob, &bytes);
  return true;
}

static bool set_tls(struct http_client *client, const struct http_endpoint *endpoint, struct error *error)
{
  if (endpoint->insecure) {
    curl_easy_setopt(client->template, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(client->template, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  return set_pem(client, CURLOPT_CAINFO, endpoint->ca_path, CURLOPT_CAINFO_BLOB, endpoint->ca_pem, error) &&
         set_pem(client, CURLOPT_SSLCERT, endpoint->cert_path, CURLOPT_SSLCERT_BLOB, endpoint->cert_pem, error) &&
         set_pem(client, CURLOPT_SSLKEY, endpoint->key_path, CURLOPT_SSLKEY_BLOB, endpoint->key_pem, error);
}

static void set_manners(CURL *template)
{
  curl_easy_setopt(template, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(template, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(template, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(template, CURLOPT_PROXY, ""); /* the environment's proxies are none of our business */
  curl_easy_setopt(template, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(template, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(template, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(template, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(template, CURLOPT_USERAGENT, "assay/" ASSAY_VERSION);
  /* Whoever gives up on a name that is being resolved would wait for the thread that does it. */
  curl_easy_setopt(template, CURLOPT_QUICK_EXIT, 1L);
}

/* Beginning and end. */

struct http_client *http_client_create(uv_loop_t *loop, const struct http_endpoint *endpoint, struct error *error)
{
  curl_global_init(CURL_GLOBAL_DEFAULT);
  struct http_client *client = xcalloc(1, sizeof *client);
  client->loop = loop;
  client->multi = curl_multi_init();
  client->template = curl_easy_init();
  ASSERT(client->multi && client->template);
  client->connections_max = endpoint->connections_max ? endpoint->connections_max : CONNECTIONS_MAX;
  client->public_only = endpoint->public_only;
  curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)client->connections_max);
  for (size_t i = 0; i < EXCHANGE_LISTS; i++)
    TAILQ_INIT(&client->exchanges[i]);
  client_loop_open(client);
  set_manners(client->template);
  if (set_server(client, endpoint, error) && set_tls(client, endpoint, error))
    return client;
  http_client_destroy(client);
  return 0;
}

static void forget_all(struct exchange_list *list)
{
  while (!TAILQ_EMPTY(list))
    exchange_forget(TAILQ_FIRST(list));
}

void http_client_destroy(struct http_client *client)
{
  if (!client)
    return;
  ASSERT(!client->is_in_curl && !client->is_destroyed);
  client->is_destroyed = true;
  for (size_t i = 0; i < EXCHANGE_LISTS; i++)
    forget_all(&client->exchanges[i]);
  curl_multi_cleanup(client->multi);
  curl_easy_cleanup(client->template);
  free(client->base);
  free(client->name);
  client_loop_close(client);
}

/* What is under way. */

void client_start_waiting(struct http_client *client)
{
  struct exchange_list *waiting = &client->exchanges[EXCHANGE_WAITING];
  while (!TAILQ_EMPTY(waiting) && client->under_way_count < client->connections_max)
    exchange_start(TAILQ_FIRST(waiting));
}

void client_settle(struct http_client *client)
{
  forget_all(&client->exchanges[EXCHANGE_CANCELLED]);
  int left;
  CURLMsg *message;
  /* An owner who is told may destroy the client. */
  while (!client->is_destroyed && (message = curl_multi_info_read(client->multi, &left))) {
    ASSERT(message->msg == CURLMSG_DONE);
    struct http_exchange *exchange;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
    exchange_ended(exchange, message->data.result);
  }
}
