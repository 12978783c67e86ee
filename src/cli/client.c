#include "cli/client.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

enum { CONNECT_MS_MAX = 5000, STALL_SECONDS_MAX = 30, POLL_MS_MAX = 60 * 1000, LOOK_MS = 1000 };

/* Three streams shown inline, where a byte takes up to six (\u00xx), and the rest of an evaluation or a long list. */
#define ANSWER_BYTES_MAX (18 * OUTPUT_INLINE_BYTES_MAX + MIB(16))

struct client {
  CURL *curl;
  CURLM *multi; /* holds the connection between requests, and lets us wait for an interrupt beside it */
  char *server; /* as it was named */
  char *base;   /* "http://localhost" */
  char *token;  /* or NULL */
  bool has_connected;
  json_t *problem;
  char trouble[CURL_ERROR_SIZE];
};

/* One request under way. */
struct transfer {
  struct client *client;
  client_sink *sink; /* NULL: into `body` */
  void *sink_context;
  struct buffer body;
  struct error *error; /* of the sink, or of a body too large: set before the transfer is stopped */
  bool stopped;
  uint64_t silence_ms_max; /* 0: it may take as long as it likes */
  curl_off_t moved;        /* bytes of bodies, both ways */
  struct mono moved_at;    /* when the last one was, or when it began */
};

static bool server_understand(struct client *client, const char *server, struct error *error)
{
  if (strncmp(server, "unix:", 5) == 0 && server[5]) {
    client->base = xstrdup("http://localhost");
    CURLcode set = curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH, server + 5);
    if (set == CURLE_OK)
      return true;
  } else if (strncmp(server, "http://", 7) == 0 || strncmp(server, "https://", 8) == 0) {
    client->base = xstrdup(server);
    size_t length = strlen(client->base);
    if (client->base[length - 1] == '/')
      client->base[length - 1] = 0; /* paths begin with one */
    return true;
  }
  return error_set(error, ERROR_INVALID, EINVAL,
                   "\"%s\" is not a server: give http://HOST:PORT, https://HOST:PORT or unix:PATH", server);
}

static size_t receive(char *data, size_t one, size_t size, void *context)
{
  (void)one;
  struct transfer *transfer = context;
  long status = 0;
  curl_easy_getinfo(transfer->client->curl, CURLINFO_RESPONSE_CODE, &status);
  bool good;
  if (transfer->sink && status / 100 == 2) {
    good = transfer->sink(transfer->sink_context, data, size, transfer->error);
  } else {
    good = transfer->body.size + size <= ANSWER_BYTES_MAX;
    if (good)
      buffer_append(&transfer->body, data, size);
    else
      error_set(transfer->error, ERROR_INTERNAL, 0, "the server's answer is larger than %llu bytes", ANSWER_BYTES_MAX);
  }
  transfer->stopped = !good;
  return good ? size : CURL_WRITEFUNC_ERROR;
}

static int on_progress(void *context, curl_off_t to_come, curl_off_t received, curl_off_t to_go, curl_off_t sent)
{
  (void)to_come, (void)to_go;
  struct transfer *transfer = context;
  if (received + sent != transfer->moved) {
    transfer->moved = received + sent;
    transfer->moved_at = mono_now();
  }
  return 0;
}

struct client *client_create(const char *server, struct error *error)
{
  struct client *client = xcalloc(1, sizeof *client);
  client->curl = curl_easy_init();
  client->multi = curl_multi_init();
  ASSERT(client->curl && client->multi);
  client->server = xstrdup(server);
  if (!server_understand(client, server, error)) {
    client_destroy(client);
    return 0;
  }
  CURL *curl = client->curl;
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* a proxy from the environment has no business between us and assayd */
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS_MAX);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "assay/" ASSAY_VERSION);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->trouble);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  return client;
}

void client_destroy(struct client *client)
{
  if (!client)
    return;
  curl_easy_cleanup(client->curl);
  curl_multi_cleanup(client->multi);
  json_decref(client->problem);
  free(client->server);
  free(client->base);
  free(client->token);
  free(client);
}

void client_set_ca_file(struct client *client, const char *path)
{
  curl_easy_setopt(client->curl, CURLOPT_CAINFO, path);
}

void client_set_token(struct client *client, const char *token)
{
  free(client->token);
  client->token = xstrdup(token);
}

const char *client_server(const struct client *client)
{
  return client->server;
}

bool client_has_connected(const struct client *client)
{
  return client->has_connected;
}

const json_t *client_problem(const struct client *client)
{
  return client->problem;
}

/* Runs the transfer to its end. CURLE_ABORTED_BY_CALLBACK: `interrupts` became readable. */
static CURLcode transfer_run(const struct transfer *transfer, int interrupts)
{
  const struct client *client = transfer->client;
  CURLcode result = CURLE_OK;
  int running = 1;
  while (curl_multi_perform(client->multi, &running) == CURLM_OK && running) {
    struct curl_waitfd interrupt = {.fd = interrupts, .events = CURL_WAIT_POLLIN};
    curl_multi_poll(client->multi, &interrupt, interrupts >= 0, transfer->silence_ms_max ? LOOK_MS : POLL_MS_MAX, 0);
    if (interrupt.revents)
      return CURLE_ABORTED_BY_CALLBACK;
    if (transfer->silence_ms_max && mono_now().us >= mono_add_ms(transfer->moved_at, transfer->silence_ms_max).us)
      return CURLE_OPERATION_TIMEDOUT;
  }
  int left;
  const CURLMsg *message = curl_multi_info_read(client->multi, &left);
  if (message && message->msg == CURLMSG_DONE)
    result = message->data.result;
  return running ? CURLE_FAILED_INIT : result;
}

static bool explain(struct client *client, CURLcode result, struct error *error)
{
  const char *trouble = client->trouble[0] ? client->trouble : curl_easy_strerror(result);
  switch (result) {
  case CURLE_ABORTED_BY_CALLBACK:
    return error_set(error, ERROR_UNAVAILABLE, EINTR, "interrupted");
  case CURLE_COULDNT_CONNECT:
  case CURLE_COULDNT_RESOLVE_HOST:
    return error_set(error, ERROR_UNAVAILABLE, ECONNREFUSED,
                     "no server at %s: %s; start assayd, or name another one with --server", client->server, trouble);
  case CURLE_OPERATION_TIMEDOUT:
    return error_set(error, ERROR_UNAVAILABLE, client->has_connected ? ETIMEDOUT : ECONNREFUSED,
                     "no answer from %s: %s", client->server, trouble);
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_PARTIAL_FILE:
    return error_set(error, ERROR_UNAVAILABLE, ECONNRESET, "lost the connection to %s: %s", client->server, trouble);
  default:
    return error_set(error, ERROR_UNAVAILABLE, 0, "cannot speak with %s: %s", client->server, trouble);
  }
}

static struct curl_slist *header_add(struct curl_slist *list, const char *name, const char *value)
{
  CLEANUP_FREE char *line = xasprintf("%s: %s", name, value);
  struct curl_slist *longer = curl_slist_append(list, line);
  ASSERT(longer);
  return longer;
}

static size_t send_more(char *data, size_t one, size_t count, void *file)
{
  return fread(data, one, count, file);
}

/* It is sent in chunks, and as slowly as the server likes: that is no stall. */
static void upload_set(CURL *curl, FILE *file)
{
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, send_more);
  curl_easy_setopt(curl, CURLOPT_READDATA, file);
  curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)KIB(256));
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
}

/* A server has stalled where no byte moves for so long: curl's own measure, a speed, would take a stream's heartbeats for none.
 * An upload may take as long as the server likes. */
static void request_set(struct transfer *transfer, const struct client_request *request, const char *url,
                        const char *content, struct curl_slist *headers)
{
  CURL *curl = transfer->client->curl;
  transfer->silence_ms_max = request->upload ? 0 : 1000 * (uint64_t)(STALL_SECONDS_MAX + request->wait_seconds);
  transfer->moved_at = mono_now();
  curl_easy_setopt(curl, CURLOPT_URL, url);
  if (request->upload) {
    upload_set(curl, request->upload);
  } else if (strcmp(request->method, "POST") == 0) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(content));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, content);
  } else {
    ASSERT(strcmp(request->method, "GET") == 0);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
  transfer->client->trouble[0] = 0;
}

/* Carries out the request; true once there is an answer, whatever its status. */
static bool transfer_carry_out(struct transfer *transfer, const struct client_request *request, long *ret_status,
                               struct error *error)
{
  struct client *client = transfer->client;
  CLEANUP_FREE char *url = xasprintf("%s%s", client->base, request->path);
  CLEANUP_FREE char *content = request->body ? json_dumps(request->body, JSON_COMPACT) : xstrdup("");
  ASSERT(content);
  /* An empty value takes a header away: waiting for "100 Continue" would only cost time. */
  struct curl_slist *headers = header_add(0, "Expect", "");
  headers = header_add(headers, "Content-Type",
                       request->upload ? "application/jsonl"
                       : request->body ? "application/json"
                                       : "");
  if (request->upload)
    headers = header_add(headers, "Transfer-Encoding", "chunked");
  if (client->token) {
    CLEANUP_FREE char *value = xasprintf("Bearer %s", client->token);
    headers = header_add(headers, "Authorization", value);
  }
  if (request->idempotency_key)
    headers = header_add(headers, "Idempotency-Key", request->idempotency_key);
  if (request->content_type)
    headers = header_add(headers, "Accept", request->content_type);
  if (request->last_event_id && *request->last_event_id)
    headers = header_add(headers, "Last-Event-ID", request->last_event_id);
  request_set(transfer, request, url, content, headers);

  curl_multi_add_handle(client->multi, client->curl);
  CURLcode result = transfer_run(transfer, request->interrupts);
  long status = 0;
  double connected = 0;
  curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(client->curl, CURLINFO_PRETRANSFER_TIME, &connected);
  client->has_connected |= connected > 0;
  curl_multi_remove_handle(client->multi, client->curl);
  curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
  curl_slist_free_all(headers);

  if (transfer->stopped)
    return false;
  if (result != CURLE_OK)
    return explain(client, result, error);
  *ret_status = status;
  return true;
}

/* An answer that is not 2xx as an error; the problem document, if it is one, is kept for its details. */
static bool answer_refuse(struct transfer *transfer, long status, struct error *error)
{
  struct client *client = transfer->client;
  client->problem = json_loadb(transfer->body.data ? transfer->body.data : "", transfer->body.size, 0, 0);
  const char *title = json_string_value(json_object_get(client->problem, "title"));
  const char *detail = json_string_value(json_object_get(client->problem, "detail"));
  if (detail || title)
    return error_set(error, ERROR_UNAVAILABLE, 0, "%s (HTTP %ld)", detail ? detail : title, status);
  return error_set(error, ERROR_UNAVAILABLE, 0, "%s answered HTTP %ld without an explanation; is it assayd?",
                   client->server, status);
}

static bool request_carry_out(struct transfer *transfer, const struct client_request *request, struct error *error)
{
  json_decref(transfer->client->problem);
  transfer->client->problem = 0;
  transfer->error = error;
  long status = 0;
  if (!transfer_carry_out(transfer, request, &status, error))
    return false;
  if (status / 100 != 2)
    return answer_refuse(transfer, status, error);
  const char *type = 0;
  curl_easy_getinfo(transfer->client->curl, CURLINFO_CONTENT_TYPE, &type);
  if (!request->content_type || (type && strncmp(type, request->content_type, strlen(request->content_type)) == 0))
    return true;
  return error_set(error, ERROR_UNAVAILABLE, 0, "the answer of %s is not %s; is it assayd?", transfer->client->server,
                   request->content_type);
}

static bool answer_decode(const struct transfer *transfer, json_t **ret, struct error *error)
{
  json_error_t why = {.text = "it is another value"};
  /* A program may write NUL characters; unlike in a submission they are nothing odd here. */
  json_t *answer =
    json_loadb(transfer->body.data ? transfer->body.data : "", transfer->body.size, JSON_ALLOW_NUL, &why);
  if (json_is_object(answer)) {
    *ret = answer;
    return true;
  }
  json_decref(answer);
  return error_set(error, ERROR_UNAVAILABLE, 0, "the answer of %s is not a JSON object: %s", transfer->client->server,
                   why.text);
}

bool client_call(struct client *client, const struct client_request *request, json_t **ret, struct error *error)
{
  struct transfer transfer = {.client = client};
  bool good = request_carry_out(&transfer, request, error);
  good = good && answer_decode(&transfer, ret, error);
  buffer_release(&transfer.body);
  return good;
}

bool client_fetch(struct client *client, const struct client_request *request, client_sink *sink, void *context,
                  struct error *error)
{
  struct transfer transfer = {.client = client, .sink = sink, .sink_context = context};
  bool good = request_carry_out(&transfer, request, error);
  buffer_release(&transfer.body);
  return good;
}

char *url_encode(const char *text)
{
  char *encoded = curl_easy_escape(NULL, text, 0);
  ASSERT(encoded);
  char *copy = xstrdup(encoded);
  curl_free(encoded);
  return copy;
}
