#include "webhook/sender.h"

#include "base/memory.h"
#include "webhook/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { HEADERS_MAX = 5 };

/* A host, by scheme and port. */
struct receiver {
  LIST_ENTRY(receiver) link;
  struct http_client *client;
  unsigned under_way;
  size_t host_length;
  char host[];
};

LIST_HEAD(receiver_list, receiver);
LIST_HEAD(sending_list, sending);

struct sender {
  struct sender_config config;
  struct receiver_list receivers;
  struct sending_list sendings;
};

struct sending {
  LIST_ENTRY(sending) link;
  struct receiver *receiver;
  sender_done *done;
  void *context;
};

struct sender *sender_create(const struct sender_config *config)
{
  struct sender *sender = xcalloc(1, sizeof *sender);
  sender->config = *config;
  LIST_INIT(&sender->receivers);
  LIST_INIT(&sender->sendings);
  return sender;
}

static void forget_receiver(struct receiver *receiver)
{
  LIST_REMOVE(receiver, link);
  http_client_destroy(receiver->client);
  free(receiver);
}

static void forget_sending(struct sending *sending)
{
  sending->receiver->under_way--;
  LIST_REMOVE(sending, link);
  free(sending);
}

void sender_destroy(struct sender *sender)
{
  if (!sender)
    return;
  struct sending *next;
  for (struct sending *sending = LIST_FIRST(&sender->sendings); sending; sending = next) {
    next = LIST_NEXT(sending, link);
    forget_sending(sending);
  }
  sender_rest(sender);
  free(sender);
}

static struct receiver *find_receiver(const struct sender *sender, const char *url)
{
  size_t length = delivery_host_length(url);
  for (struct receiver *receiver = LIST_FIRST(&sender->receivers); receiver; receiver = LIST_NEXT(receiver, link))
    if (receiver->host_length == length && !memcmp(receiver->host, url, length))
      return receiver;
  return NULL;
}

/* NULL with an error where libcurl cannot make anything of it: another version of it may have taken it. */
static struct receiver *add_receiver(struct sender *sender, const char *url, struct error *error)
{
  size_t length = delivery_host_length(url);
  struct receiver *receiver = xcalloc(1, sizeof *receiver + length + 1);
  memcpy(receiver->host, url, length);
  receiver->host_length = length;
  receiver->client = http_client_create(sender->config.loop,
                                        &(struct http_endpoint){
                                          .url = receiver->host,
                                          .public_only = !sender->config.allow_private,
                                          .connections_max = DELIVERIES_PER_RECEIVER_MAX,
                                        },
                                        error);
  if (!receiver->client) {
    free(receiver);
    return NULL;
  }
  LIST_INSERT_HEAD(&sender->receivers, receiver, link);
  return receiver;
}

bool sender_has_room(const struct sender *sender, const char *url)
{
  const struct receiver *receiver = find_receiver(sender, url);
  return !receiver || receiver->under_way < DELIVERIES_PER_RECEIVER_MAX;
}

/* What a receiver has to say beside its status is nobody's business, and may be of any length. */
static bool drop_body(void *context, const void *bytes, size_t size)
{
  (void)context, (void)bytes, (void)size;
  return true;
}

static void answered(void *context, const struct http_answer *http)
{
  struct sending *sending = context;
  struct delivery_answer answer = {.message = http->message};
  if (http->outcome == HTTP_ANSWERED)
    answer = (struct delivery_answer){.status = http->status, .retry_after_s = http->retry_after_s};
  sender_done *done = sending->done;
  void *of_done = sending->context;
  forget_sending(sending);
  done(of_done, &answer);
}

/* Of a message: who it is, who sent it, and the trace that it belongs to. */
struct headers {
  struct buffer lines[HEADERS_MAX];
  const char *texts[HEADERS_MAX + 1];
  unsigned count;
};

static void cleanup_headers(struct headers *headers)
{
  for (unsigned i = 0; i < headers->count; i++)
    buffer_release(&headers->lines[i]);
}

/* NULL: there is none. */
static void add_header(struct headers *headers, const char *name, const char *value)
{
  if (!value)
    return;
  ASSERT(headers->count < HEADERS_MAX);
  struct buffer *line = &headers->lines[headers->count];
  buffer_printf(line, "%s: %s", name, value);
  headers->texts[headers->count++] = line->data;
}

static void make_headers(const struct sender *sender, const struct evaluation *evaluation, const struct buffer *body,
                         struct headers *ret)
{
  char id[DELIVERY_ID_SIZE], timestamp[24];
  CLEANUP_BUFFER struct buffer signature = {0};
  int64_t now_s = wall_now().ms / 1000;
  delivery_id(evaluation->id, id);
  snprintf(timestamp, sizeof timestamp, "%" PRId64, now_s);
  if (sender->config.secrets)
    secrets_sign(sender->config.secrets, id, now_s, body->data, body->size, &signature);
  add_header(ret, "webhook-id", id);
  add_header(ret, "webhook-timestamp", timestamp);
  add_header(ret, "webhook-signature", signature.data);
  add_header(ret, "traceparent", evaluation->traceparent);
  add_header(ret, "tracestate", evaluation->tracestate);
}

static void post(struct sender *sender, struct sending *sending, const struct evaluation *evaluation)
{
  CLEANUP_BUFFER struct buffer body = {0}, path = {0};
  __attribute__((cleanup(cleanup_headers))) struct headers headers = {0};
  const char *rest = evaluation->callback_url + sending->receiver->host_length;
  buffer_printf(&path, "%s%s", *rest == '/' ? "" : "/", rest);
  message_encode(evaluation, &body);
  make_headers(sender, evaluation, &body, &headers);
  CLEANUP_BLOB struct blob *blob = blob_create(body.data, body.size);
  http_client_send(sending->receiver->client, &(struct http_call){
                                                .method = "POST",
                                                .path = path.data,
                                                .body = blob,
                                                .body_type = MESSAGE_TYPE,
                                                .headers = headers.texts,
                                                .connect_ms = sender->config.timeout_ms,
                                                .total_ms = sender->config.timeout_ms,
                                                .data = drop_body,
                                                .done = answered,
                                                .context = sending,
                                              });
}

void sender_send(struct sender *sender, const struct evaluation *evaluation, sender_done *done, void *context)
{
  struct error error;
  struct receiver *receiver = find_receiver(sender, evaluation->callback_url);
  if (!receiver && !(receiver = add_receiver(sender, evaluation->callback_url, &error))) {
    done(context, &(struct delivery_answer){.message = error.message});
    return;
  }
  struct sending *sending = xcalloc(1, sizeof *sending);
  *sending = (struct sending){.receiver = receiver, .done = done, .context = context};
  receiver->under_way++;
  LIST_INSERT_HEAD(&sender->sendings, sending, link);
  post(sender, sending, evaluation);
}

void sender_rest(struct sender *sender)
{
  struct receiver *next;
  for (struct receiver *receiver = LIST_FIRST(&sender->receivers); receiver; receiver = next) {
    next = LIST_NEXT(receiver, link);
    if (!receiver->under_way)
      forget_receiver(receiver);
  }
}
