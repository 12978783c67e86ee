#pragma once

/*
 * HTTP to one assayd, by TCP or a Unix socket, through libcurl. One request at a time, over one connection that is
 * kept. Everything is bounded: the connecting, a time without progress, the size of an answer.
 *
 * What a caller must tell apart stands in error.code:
 *   ECONNREFUSED  no connection could be made: nothing was asked
 *   ECONNRESET    the connection was lost: what was asked may have been done
 *   ETIMEDOUT     connected, but there was no progress for too long
 *   EINTR         `interrupts` became readable
 *   0             the server answered, with an error (client_problem() has its details) or with nonsense
 */

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#define SERVER_DEFAULT "http://127.0.0.1:7117"

struct client;

/* "http://HOST:PORT", "https://HOST:PORT" or "unix:PATH". NULL where `server` is none of these. Connects later. */
struct client *client_create(const char *server, struct error *error);
void client_destroy(struct client *client); /* accepts NULL */

/* Certificates of authorities (PEM) that are trusted in place of the system's. */
void client_set_ca_file(struct client *client, const char *path);

/* An access token, sent with every request from now on. */
void client_set_token(struct client *client, const char *token);

const char *client_server(const struct client *client);
bool client_has_connected(const struct client *client); /* ever */

struct client_request {
  const char *method;          /* "GET", "POST" */
  const char *path;            /* "/v1/evaluations?limit=3", encoded */
  const json_t *body;          /* NULL: none */
  FILE *upload;                /* JSON lines in place of a body, to its end; NULL: none. The server may let it wait */
  const char *idempotency_key; /* NULL: none */
  const char *content_type;    /* that the answer must have; NULL: any */
  const char *last_event_id;   /* of a stream that is gone on with; NULL or "": none */
  unsigned wait_seconds;       /* how long the server was asked to hold its answer back; not counted as no progress */
  int interrupts;              /* a descriptor that ends the request when it becomes readable; -1: none */
};

/* Asks, and answers with the JSON of a 2xx answer, which the caller decrefs. */
bool client_call(struct client *client, const struct client_request *request, json_t **ret, struct error *error);

/* Hands the bytes of a 2xx answer on as they come. The sink returns false with its own error to stop. */
typedef bool client_sink(void *context, const void *data, size_t size, struct error *error);
bool client_fetch(struct client *client, const struct client_request *request, client_sink *sink, void *context,
                  struct error *error);

/* The problem document (RFC 9457) of the last answer, or NULL where it was none. Borrowed, until the next request. */
const json_t *client_problem(const struct client *client);

/* Percent-encoded, for a segment of a path or a value in a query. The caller frees. */
char *url_encode(const char *text);
