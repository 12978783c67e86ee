#pragma once

/*
 * An HTTP/1.1 client for one server, on the loop: libcurl's multi interface driven by libuv. Every call is bounded in
 * time and in bytes; nothing blocks. One thread, in a process that ignores SIGPIPE.
 *
 * The answer comes through the call's `done`, exactly once and never from inside http_client_send(), unless the call is
 * cancelled or the client destroyed: then never. Calls beyond `connections_max` wait inside, first come, first served,
 * and their time counts from when they are handed in.
 *
 * Nothing is done on its own account: no redirects, no cookies, no proxies from the environment, no credentials.
 * A kept connection that the server has closed is replaced before anything is sent on it. One that breaks after the
 * request, without a byte of an answer: GET and HEAD are sent again, anything else is HTTP_UNKNOWN.
 *
 * Within `done`, and within `data`, calls may be sent and any call cancelled, the one that is told included. Within
 * `done` the client may be destroyed.
 */

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"

#include <uv.h>

struct http_client;
struct http_exchange;

struct http_endpoint {
  const char *unix_path;                      /* of a Unix socket, not an abstract one; NULL: TCP */
  const char *url;                            /* "http://localhost", "https://host:2376": without a path */
  const char *ca_path, *cert_path, *key_path; /* PEM files; NULL: the system's CAs, no client certificate */
  /* The same as PEM text, where it is in no file; each takes the place of its path. Copied. */
  struct blob *ca_pem, *cert_pem, *key_pem;
  bool insecure;            /* the server's certificate is not verified */
  bool public_only;         /* no connection to an address that is not public (address.h) */
  unsigned connections_max; /* 0: 16 */
};

enum http_outcome {
  HTTP_ANSWERED, /* the whole answer came, whatever its status */
  HTTP_NOT_SENT, /* no connection: the server has seen nothing of it. Or the call is not one that can be sent */
  HTTP_UNKNOWN,  /* it may have been carried out: no whole answer in time, or one that is too large or is not HTTP */
};

struct http_answer {
  enum http_outcome outcome;
  int status;       /* HTTP_ANSWERED */
  const void *body; /* valid during the call of `done`; empty where `data` took it */
  size_t body_size;
  const char *message;    /* for a person, unless HTTP_ANSWERED */
  unsigned retry_after_s; /* HTTP_ANSWERED. At most a day; 0: the server did not say */
};

struct http_call {
  const char *method;         /* "GET" */
  const char *path;           /* with its query, percent-encoded: "/a?b=c%20d" */
  struct blob *body;          /* a reference is taken; NULL: none */
  const char *body_type;      /* "application/json"; NULL: none */
  const char *const *headers; /* further ones, "Name: value", NULL-terminated; may be NULL */
  unsigned connect_ms;        /* 0: 2000 */
  unsigned total_ms;          /* 0: no limit, for streams */
  unsigned idle_ms;           /* without a byte either way, waiting and connecting included; 0: no limit */
  size_t answer_bytes_max;    /* of the body that is kept: more is HTTP_UNKNOWN; 0: 1 MiB */
  /* For streams: takes the body as it comes (of any status, see http_exchange_status()) instead of keeping it. False
   * ends the exchange as HTTP_UNKNOWN. May be NULL. */
  bool (*data)(void *context, const void *bytes, size_t size);
  void (*done)(void *context, const struct http_answer *answer);
  void *context;
};

/* NULL with an error where the endpoint makes no sense or a PEM file cannot be read. Nothing is connected yet. */
struct http_client *http_client_create(uv_loop_t *loop, const struct http_endpoint *endpoint, struct error *error);
/* Forgets all that is under way; its handles close when the loop runs on. Accepts NULL. Not from inside `data`. */
void http_client_destroy(struct http_client *client);

/* Everything in `call` is copied. The exchange is valid until `done` was called or it is cancelled. */
struct http_exchange *http_client_send(struct http_client *client, const struct http_call *call);
void http_exchange_cancel(struct http_exchange *exchange);
/* Within `data`: the status of the answer under way. */
int http_exchange_status(const struct http_exchange *exchange);

/* Appends `text` percent-encoded as one part of a query or path (RFC 3986, unreserved characters stay). */
void http_encode_part(struct buffer *out, const char *text);
