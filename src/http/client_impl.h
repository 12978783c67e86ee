#pragma once

/* What the files of the HTTP client share; nobody else includes it. */

#include "base/clock.h"
#include "http/client.h"

#include <curl/curl.h>
#include <sys/queue.h>

/* Where an exchange is. Those of each phase but the last make up a list of the client. */
enum exchange_phase {
  EXCHANGE_WAITING,   /* for a place among connections_max */
  EXCHANGE_UNDER_WAY, /* libcurl has it */
  EXCHANGE_CANCELLED, /* libcurl has it, and must not be told while it is calling us */
  EXCHANGE_OVER,
};
enum { EXCHANGE_LISTS = EXCHANGE_OVER };

struct http_exchange {
  TAILQ_ENTRY(http_exchange) link;
  enum exchange_phase phase;
  struct http_client *client;
  CURL *easy;

  struct curl_slist *headers;
  struct blob *body;
  bool is_repeatable; /* a method that changes nothing: libcurl may send it again (RFC 9110, section 9.2.1) */
  bool is_sent;       /* a connection was there and the request on its way: the server may have seen it */

  struct buffer kept;
  size_t kept_bytes_max;
  size_t head_bytes;
  bool (*data)(void *context, const void *bytes, size_t size);
  void (*done)(void *context, const struct http_answer *answer);
  void *context;

  uv_timer_t timer;
  unsigned total_ms, idle_ms;
  struct mono begun, heard; /* handed in; the last byte, either way */
  uint64_t bytes_moved;     /* of bodies, as libcurl counts */

  int socket_errno;                 /* why there was no socket */
  char trouble[CURL_ERROR_SIZE];    /* libcurl's words */
  char message[ERROR_MESSAGE_SIZE]; /* ours */
};

TAILQ_HEAD(exchange_list, http_exchange);
struct watch;
LIST_HEAD(watch_list, watch);

struct http_client {
  uv_loop_t *loop;
  CURLM *multi;
  CURL *template; /* all that the exchanges have in common */
  char *base;     /* "http://localhost" */
  char *name;     /* for people */
  bool public_only;
  unsigned connections_max, under_way_count;
  struct exchange_list exchanges[EXCHANGE_LISTS];
  struct watch_list watches;
  uv_timer_t timer; /* libcurl's */
  uv_idle_t kick;   /* something is to be done in the next turn */
  unsigned handles_open;
  bool is_in_curl; /* libcurl is calling us, and must not be called: it would refuse (libcurl-multi(3)) */
  bool is_destroyed;
};

/* client.c */
void client_start_waiting(struct http_client *client);
void client_settle(struct http_client *client); /* tells owners what libcurl has brought to its end */

/* client_loop.c: libcurl's sockets and timer on the loop. */
void client_loop_open(struct http_client *client);
void client_loop_close(struct http_client *client); /* the client is freed when its handles are closed */
void client_kick(struct http_client *client);

/* client_exchange.c */
void exchange_start(struct http_exchange *exchange);
void exchange_ended(struct http_exchange *exchange, CURLcode result);
void exchange_forget(struct http_exchange *exchange); /* without a word to its owner; not while in libcurl */

/* client_request.c. A call that cannot be sent leaves a message, and a handle that libcurl will refuse. */
void exchange_set_request(struct http_exchange *exchange, const struct http_call *call);

/* client_transfer.c */
void exchange_set_callbacks(struct http_exchange *exchange);
