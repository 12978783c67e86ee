#pragma once

/*
 * Sends messages to their receivers: a client each, with a bounded number of connections, kept while anything is under
 * way or was a moment ago. Nothing is known of the store here.
 */

#include "core/delivery.h"
#include "core/evaluation.h"
#include "http/client.h"
#include "webhook/secrets.h"

struct sender;
struct sending;

struct sender_config {
  uv_loop_t *loop;
  const struct secrets *secrets; /* NULL: nothing is signed */
  bool allow_private;
  unsigned timeout_ms;
};

struct sender *sender_create(const struct sender_config *config);
void sender_destroy(struct sender *sender); /* forgets what is under way; accepts NULL */

/* Whether one more for the receiver of this URL may be under way. */
bool sender_has_room(const struct sender *sender, const char *url);
/* Sends the evaluation's verdict to its callback_url. `done` is called once, and where the receiver makes no sense
 * from in here; unless the sender is destroyed before. */
typedef void sender_done(void *context, const struct delivery_answer *answer);
void sender_send(struct sender *sender, const struct evaluation *evaluation, sender_done *done, void *context);
/* Closes the connections of those to whom nothing is under way. Not from inside `done`. */
void sender_rest(struct sender *sender);
