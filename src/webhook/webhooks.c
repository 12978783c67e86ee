/*
 * Theory of operation.
 *
 * A round asks the store for what is due, page by page, in the order of the receivers' names: from the receiver behind
 * the last one that was served to the end, and then from the first one to there. It ends early where no more may be
 * under way, and begins anew when one of these has ended. When it has seen all, a timer is set for the first that is
 * not due yet.
 *
 * An item is one delivery under way, from its page until what came of it is durable. A page may name it again
 * meanwhile, as the store does not know of it; then it is passed over.
 */

#include "webhook/webhooks.h"

#include "api/trace_context.h"
#include "base/memory.h"
#include "base/random.h"
#include "loop/timer.h"
#include "webhook/sender.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { WAKE_MS_MAX = 60 * 1000 }; /* the wall clock may be set, and then what is due is another */

struct item {
  LIST_ENTRY(item) link;
  struct webhooks *webhooks;
  struct evaluation *evaluation;
  struct delivery *delivery;
};

LIST_HEAD(item_list, item);

struct webhooks {
  struct webhooks_config config;
  struct secrets *secrets;
  struct sender *sender;
  struct timer *timer;
  struct item_list items;
  unsigned item_count;
  bool stopped;

  bool looking;         /* a page was asked for */
  bool look_again;      /* something was added since this round began */
  bool wrapped;         /* the round has come to the end, and goes on at the beginning */
  struct wall round_at; /* the time that is now for all of its pages, so that nothing becomes due behind its back */
  char *round_from;     /* the receiver behind which it began */
  char *place;          /* the receiver behind which its next page begins */

  uint64_t pending;
  uint64_t attempts_good, attempts_bad;
  uint64_t ended[DELIVERY_STATE_COUNT];
};

static void look(struct webhooks *webhooks);

static void set_text(char **text, const char *value)
{
  char *copy = xstrdup(value);
  free(*text);
  *text = copy;
}

/* One delivery. */

static void item_end(struct item *item)
{
  item->webhooks->item_count--;
  LIST_REMOVE(item, link);
  evaluation_destroy(item->evaluation);
  delivery_destroy(item->delivery);
  free(item);
}

static const struct item *find_item(const struct webhooks *webhooks, uint64_t sequence)
{
  for (const struct item *item = LIST_FIRST(&webhooks->items); item; item = LIST_NEXT(item, link))
    if (item->evaluation->sequence == sequence)
      return item;
  return NULL;
}

/* Where it could not be stored, the daemon is about to stop, and the next one sends it again. */
static void tried_stored(void *context, const char *id, unsigned attempt, enum store_result result)
{
  (void)id, (void)attempt;
  struct item *item = context;
  struct webhooks *webhooks = item->webhooks;
  enum delivery_state state = item->delivery->state;
  if (result == STORE_DONE && state != DELIVERY_PENDING) {
    webhooks->ended[state]++;
    webhooks->pending -= webhooks->pending > 0;
  }
  item_end(item);
  if (result == STORE_DONE)
    webhooks_look(webhooks);
}

static void tell(const struct item *item)
{
  const struct evaluation *evaluation = item->evaluation;
  unsigned attempts = item->delivery->attempts;
  const char *what = item->delivery->message;
  switch (item->delivery->state) {
  case DELIVERY_DELIVERED:
    log_fields(LOG_DEBUG, evaluation->id, TRACE_FIELDS(evaluation), "webhook: delivered in attempt %u", attempts);
    break;
  case DELIVERY_GIVEN_UP:
    log_fields(LOG_WARNING, evaluation->id, TRACE_FIELDS(evaluation), "webhook: given up after attempt %u: %s",
               attempts, what);
    break;
  default:
    log_fields(LOG_DEBUG, evaluation->id, TRACE_FIELDS(evaluation), "webhook: attempt %u failed: %s", attempts, what);
  }
}

static void sent(void *context, const struct delivery_answer *answer)
{
  struct item *item = context;
  struct webhooks *webhooks = item->webhooks;
  delivery_tried(item->delivery, answer, webhooks->config.first_pause_ms, wall_now(), (uint32_t)random_number());
  if (item->delivery->state == DELIVERY_DELIVERED)
    webhooks->attempts_good++;
  else
    webhooks->attempts_bad++;
  tell(item);
  store_delivery_tried(webhooks->config.store, item->evaluation->id, item->delivery, tried_stored, item);
}

static void start_item(struct webhooks *webhooks, const struct store_due *due)
{
  struct item *item = xcalloc(1, sizeof *item);
  *item = (struct item){.webhooks = webhooks, .evaluation = due->evaluation, .delivery = due->delivery};
  LIST_INSERT_HEAD(&webhooks->items, item, link);
  webhooks->item_count++;
  sender_send(webhooks->sender, item->evaluation, sent, item);
}

/* Rounds. */

static bool is_full(const struct webhooks *webhooks)
{
  return webhooks->item_count >= DELIVERIES_MAX;
}

/* Whether it was taken; else it is the caller's still. */
static bool take(struct webhooks *webhooks, const struct store_due *due)
{
  const char *url = due->evaluation->callback_url;
  if (webhooks->stopped || is_full(webhooks) || find_item(webhooks, due->evaluation->sequence) ||
      !sender_has_room(webhooks->sender, url))
    return false;
  CLEANUP_FREE char *host = xstrndup(url, delivery_host_length(url));
  set_text(&webhooks->place, host);
  start_item(webhooks, due);
  return true;
}

static void timer_fired(void *context)
{
  webhooks_look(context);
}

static void sleep_until(struct webhooks *webhooks, struct wall at)
{
  if (!at.ms)
    return;
  int64_t ms = at.ms - wall_now().ms;
  ms = ms < 0 ? 0 : ms > WAKE_MS_MAX ? WAKE_MS_MAX : ms;
  timer_set(webhooks->timer, (uint64_t)ms + 1);
}

static void begin_round(struct webhooks *webhooks)
{
  webhooks->look_again = webhooks->wrapped = false;
  webhooks->round_at = wall_now();
  set_text(&webhooks->round_from, webhooks->place);
  look(webhooks);
}

/* The round has seen all that is pending. Whoever is not served now has no connection worth keeping. */
static void end_round(struct webhooks *webhooks, struct wall next_at)
{
  set_text(&webhooks->place, webhooks->round_from);
  if (webhooks->look_again) {
    begin_round(webhooks);
    return;
  }
  sender_rest(webhooks->sender);
  sleep_until(webhooks, next_at);
}

static bool has_come_round(const struct webhooks *webhooks, const char *next_host)
{
  bool at_end = !*next_host;
  bool is_past = webhooks->wrapped && strcmp(next_host, webhooks->round_from) >= 0;
  return at_end ? webhooks->wrapped || !*webhooks->round_from : is_past;
}

static void paged(void *context, struct store_due *due, size_t count, const char *next_host, struct wall next_at,
                  const struct error *error)
{
  struct webhooks *webhooks = context;
  webhooks->looking = false;
  for (size_t i = 0; i < count; i++) {
    if (take(webhooks, &due[i]))
      continue;
    evaluation_destroy(due[i].evaluation);
    delivery_destroy(due[i].delivery);
  }
  if (error || webhooks->stopped || is_full(webhooks)) /* an end of those under way begins the next round */
    return;
  if (has_come_round(webhooks, next_host)) {
    end_round(webhooks, next_at);
    return;
  }
  if (!*next_host)
    webhooks->wrapped = true;
  set_text(&webhooks->place, next_host);
  look(webhooks);
}

static void look(struct webhooks *webhooks)
{
  webhooks->looking = true;
  store_due(webhooks->config.store,
            &(struct store_due_filter){.after_host = webhooks->place,
                                       .now = webhooks->round_at,
                                       .per_host = DELIVERIES_PER_RECEIVER_MAX,
                                       .limit = DELIVERIES_MAX},
            paged, webhooks);
}

void webhooks_look(struct webhooks *webhooks)
{
  if (webhooks->stopped || is_full(webhooks))
    return;
  if (webhooks->looking)
    webhooks->look_again = true;
  else
    begin_round(webhooks);
}

void webhooks_added(struct webhooks *webhooks)
{
  webhooks->pending++;
  webhooks_look(webhooks);
}

/* Beginning and end. */

struct webhooks *webhooks_create(const struct webhooks_config *config, struct error *error)
{
  struct secrets *secrets = config->secret_path ? secrets_load(config->secret_path, error) : NULL;
  if (config->secret_path && !secrets)
    return NULL;
  struct webhooks *webhooks = xcalloc(1, sizeof *webhooks);
  webhooks->config = *config;
  webhooks->secrets = secrets;
  webhooks->sender = sender_create(&(struct sender_config){.loop = config->loop,
                                                           .secrets = secrets,
                                                           .allow_private = config->allow_private,
                                                           .timeout_ms = config->timeout_ms});
  webhooks->round_from = xstrdup("");
  webhooks->place = xstrdup("");
  LIST_INIT(&webhooks->items);
  webhooks->timer = timer_make(config->loop, timer_fired, webhooks);
  return webhooks;
}

void webhooks_start(struct webhooks *webhooks, uint64_t pending)
{
  webhooks->pending = pending;
  if (pending)
    webhooks_look(webhooks);
}

void webhooks_stop(struct webhooks *webhooks)
{
  if (!webhooks || webhooks->stopped)
    return;
  webhooks->stopped = true;
  sender_destroy(TAKE_PTR(webhooks->sender));
  timer_destroy(webhooks->timer);
}

void webhooks_destroy(struct webhooks *webhooks)
{
  if (!webhooks)
    return;
  webhooks_stop(webhooks);
  struct item *next;
  for (struct item *item = LIST_FIRST(&webhooks->items); item; item = next) {
    next = LIST_NEXT(item, link);
    item_end(item);
  }
  secrets_destroy(webhooks->secrets);
  free(webhooks->round_from);
  free(webhooks->place);
  free(webhooks);
}

void webhooks_metrics(const struct webhooks *webhooks, struct buffer *ret)
{
  buffer_printf(ret,
                "# HELP assay_webhooks_pending Verdicts whose callback_url was not told yet.\n"
                "# TYPE assay_webhooks_pending gauge\nassay_webhooks_pending %" PRIu64 "\n"
                "# HELP assay_webhooks_under_way Webhooks that are being sent, or whose result is being stored.\n"
                "# TYPE assay_webhooks_under_way gauge\nassay_webhooks_under_way %u\n",
                webhooks->pending, webhooks->item_count);
  buffer_printf(ret,
                "# HELP assay_webhook_attempts_total Attempts at sending a webhook, by what came of them.\n"
                "# TYPE assay_webhook_attempts_total counter\n"
                "assay_webhook_attempts_total{result=\"delivered\"} %" PRIu64 "\n"
                "assay_webhook_attempts_total{result=\"failed\"} %" PRIu64 "\n",
                webhooks->attempts_good, webhooks->attempts_bad);
  buffer_printf(ret, "# HELP assay_webhooks_ended_total Webhooks that are pending no more, by how they ended.\n"
                     "# TYPE assay_webhooks_ended_total counter\n");
  for (enum delivery_state state = DELIVERY_PENDING + 1; state < DELIVERY_STATE_COUNT; state++)
    buffer_printf(ret, "assay_webhooks_ended_total{state=\"%s\"} %" PRIu64 "\n", delivery_state_name(state),
                  webhooks->ended[state]);
}
