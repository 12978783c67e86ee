/*
 * What libcurl calls while it carries an exchange out.
 *
 * Whether the server can have seen anything of a request is known from one thing only: libcurl says when it has a
 * connection and is about to use it (CURLOPT_PREREQFUNCTION). Its results do not tell, since it may send a request,
 * lose the connection, try another and fail to connect that one. So whatever goes wrong before that moment is
 * HTTP_NOT_SENT, whatever goes wrong after it HTTP_UNKNOWN.
 */

#include "http/address.h"
#include "http/client_impl.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

enum { HEAD_BYTES_MAX = 64 * 1024 };

/* The address is judged here, behind the resolution of its name, and is the one that is then connected to.
 *
 * libcurl would make sockets that the programs we start inherit; and one of them may lead to a Docker Engine. */
static curl_socket_t on_socket_wanted(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
  (void)purpose;
  struct http_exchange *exchange = context;
  if (exchange->client->public_only && !address_is_public(&address->addr)) {
    exchange->socket_errno = EACCES;
    snprintf(exchange->message, sizeof exchange->message, "%s has an address that is not public",
             exchange->client->name);
    return CURL_SOCKET_BAD;
  }
  int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  exchange->socket_errno = fd < 0 ? errno : 0;
  return fd;
}

static int on_connection(void *context, char *ip, char *local_ip, int port, int local_port)
{
  (void)ip, (void)local_ip, (void)port, (void)local_port;
  struct http_exchange *exchange = context;
  if (exchange->is_sent && !exchange->is_repeatable) {
    /* A kept connection broke after the request, and libcurl means to send it again: it may have been carried out. */
    snprintf(exchange->message, sizeof exchange->message, "%s closed the connection without an answer",
             exchange->client->name);
    return CURL_PREREQFUNC_ABORT;
  }
  exchange->is_sent = true;
  return CURL_PREREQFUNC_OK;
}

static size_t on_head(char *bytes, size_t one, size_t size, void *context)
{
  (void)bytes, (void)one;
  struct http_exchange *exchange = context;
  exchange->heard = mono_now();
  exchange->head_bytes += size;
  if (exchange->head_bytes <= HEAD_BYTES_MAX)
    return size;
  snprintf(exchange->message, sizeof exchange->message, "the head of the answer of %s is larger than %d bytes",
           exchange->client->name, HEAD_BYTES_MAX);
  return CURL_WRITEFUNC_ERROR;
}

static bool keep(struct http_exchange *exchange, const void *bytes, size_t size)
{
  if (size > exchange->kept_bytes_max - exchange->kept.size) {
    snprintf(exchange->message, sizeof exchange->message, "the answer of %s is larger than %zu bytes",
             exchange->client->name, exchange->kept_bytes_max);
    return false;
  }
  if (buffer_try_append(&exchange->kept, bytes, size))
    return true;
  snprintf(exchange->message, sizeof exchange->message, "there is no memory for the answer of %s",
           exchange->client->name);
  return false;
}

static bool hand_on(struct http_exchange *exchange, const void *bytes, size_t size)
{
  if (exchange->data(exchange->context, bytes, size))
    return true;
  snprintf(exchange->message, sizeof exchange->message, "the answer of %s was refused", exchange->client->name);
  return false;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *context)
{
  (void)one;
  struct http_exchange *exchange = context;
  exchange->heard = mono_now();
  if (exchange->phase == EXCHANGE_CANCELLED)
    return CURL_WRITEFUNC_ERROR;
  bool is_taken = exchange->data ? hand_on(exchange, bytes, size) : keep(exchange, bytes, size);
  return is_taken ? size : CURL_WRITEFUNC_ERROR;
}

/* libcurl calls it for many reasons; what counts is whether bytes of a body went either way. */
static int on_progress(void *context, curl_off_t in_all, curl_off_t in, curl_off_t out_all, curl_off_t out)
{
  (void)in_all, (void)out_all;
  struct http_exchange *exchange = context;
  uint64_t bytes_moved = (uint64_t)in + (uint64_t)out;
  if (bytes_moved != exchange->bytes_moved)
    exchange->heard = mono_now();
  exchange->bytes_moved = bytes_moved;
  return 0;
}

void exchange_set_callbacks(struct http_exchange *exchange)
{
  CURL *easy = exchange->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->trouble);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket_wanted);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connection);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
}
