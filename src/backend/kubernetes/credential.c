#include "backend/kubernetes/credential.h"

#include "backend/backoff.h"
#include "backend/kubernetes/plugin.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/printable.h"
#include "loop/timer.h"

#include <stdlib.h>
#include <string.h>

enum {
  FILE_MS = 60 * 1000, /* how often it is read */
  DELAY_MS_FIRST = 1000,
  DELAY_MS_MAX = 30 * 1000,
  MARGIN_MS_MAX = 60 * 1000,   /* before it expires, or a fifth of its life, whichever is less */
  REJECTION_MS_MIN = 10 * 1000 /* between two tokens that are replaced because the server does not take them */
};

struct credential {
  uv_loop_t *loop;
  const struct kubeconfig *config;
  void (*changed)(void *context);
  void *context;
  char *source; /* for a person: what is asked for tokens; NULL: nothing is, and it stays as it is */
  char *header; /* or NULL */
  unsigned number;
  struct mono expires; /* 0: never, as far as is known */
  bool rejected;       /* by the server, since it was had */
  struct mono next_rejection;
  bool failed; /* the last try to have another */
  char trouble[REASON_SIZE];
  unsigned delay_ms;      /* before the next try, where one fails */
  struct plugin_run *run; /* NULL: none is under way */
  struct timer *renewal, *news;
};

static bool is_usable(const struct credential *credential, struct mono now)
{
  return credential->header && !credential->rejected && (!credential->expires.us || now.us < credential->expires.us);
}

enum credential_state credential_state(const struct credential *credential)
{
  if (!credential->source || is_usable(credential, mono_now()))
    return CREDENTIAL_READY;
  return credential->failed ? CREDENTIAL_MISSING : CREDENTIAL_COMING;
}

const char *credential_trouble(const struct credential *credential)
{
  return credential->trouble;
}

const char *credential_header(const struct credential *credential)
{
  return credential->header;
}

unsigned credential_number(const struct credential *credential)
{
  return credential->number;
}

/* News. */

static void put_trouble(struct credential *credential, const char *what)
{
  CLEANUP_FREE char *text = xasprintf("%s %s", what, credential->source);
  printable_copy(credential->trouble, sizeof credential->trouble, text);
}

/* That it expires is news too. */
static void tell(void *context)
{
  struct credential *credential = context;
  struct mono now = mono_now();
  if (credential->expires.us && is_usable(credential, now))
    timer_set(credential->news, (credential->expires.us - now.us) / 1000 + 1);
  credential->changed(credential->context);
}

static void wipe(struct credential *credential)
{
  if (credential->header)
    explicit_bzero(credential->header, strlen(credential->header));
  free(TAKE_PTR(credential->header));
}

static void put_token(struct credential *credential, const char *token)
{
  wipe(credential);
  credential->header = xasprintf("Authorization: Bearer %s", token);
  credential->number++;
}

/* `life_ms` 0: it does not expire. */
static void take(struct credential *credential, const char *token, uint64_t life_ms, uint64_t renewal_ms)
{
  put_token(credential, token);
  credential->expires = life_ms ? mono_add_ms(mono_now(), life_ms) : (struct mono){0};
  credential->rejected = credential->failed = false;
  credential->delay_ms = DELAY_MS_FIRST;
  put_trouble(credential, "waiting for another token of");
  timer_set(credential->news, 0);
  if (renewal_ms)
    timer_set(credential->renewal, renewal_ms > DELAY_MS_FIRST ? renewal_ms : DELAY_MS_FIRST);
}

static void fail(struct credential *credential, const char *why)
{
  printable_copy(credential->trouble, sizeof credential->trouble, why);
  if (!credential->failed)
    log_warning(0, "kubernetes: there is no new token: %s", credential->trouble);
  credential->failed = true;
  timer_set(credential->news, 0);
  timer_set(credential->renewal, credential->delay_ms);
  credential->delay_ms = backoff_longer(credential->delay_ms, DELAY_MS_MAX);
}

/* Having another. */

static void take_answer(struct credential *credential, const struct exec_credential *answer)
{
  if (!answer->expires.ms) {
    take(credential, answer->token, 0, 0);
    return;
  }
  int64_t life_ms = answer->expires.ms - wall_now().ms;
  if (life_ms <= 0) {
    CLEANUP_FREE char *why = xasprintf("the token of %s has expired already", credential->source);
    fail(credential, why);
    return;
  }
  int64_t margin_ms = life_ms / 5 < MARGIN_MS_MAX ? life_ms / 5 : MARGIN_MS_MAX;
  take(credential, answer->token, (uint64_t)life_ms, (uint64_t)(life_ms - margin_ms));
}

static void on_plugin(void *context, struct exec_credential *answer, const char *why)
{
  struct credential *credential = context;
  credential->run = 0;
  if (answer->token)
    take_answer(credential, answer);
  else
    fail(credential, why);
}

static void read_file(struct credential *credential)
{
  struct error error;
  char *token = kubeconfig_read_token(credential->config, &error);
  if (!token) {
    fail(credential, error.message);
    return;
  }
  take(credential, token, 0, FILE_MS);
  explicit_bzero(token, strlen(token));
  free(token);
}

static void renew(void *context)
{
  struct credential *credential = context;
  if (credential->config->token_path)
    read_file(credential);
  else if (!credential->run)
    credential->run = plugin_start(credential->loop, credential->config, PLUGIN_MS_MAX, on_plugin, credential);
}

bool credential_reject(struct credential *credential, unsigned number)
{
  if (!credential->source)
    return false;
  if (number != credential->number || credential->rejected)
    return true;
  struct mono now = mono_now(), next = credential->next_rejection.us > now.us ? credential->next_rejection : now;
  credential->rejected = true;
  credential->next_rejection = mono_add_ms(next, REJECTION_MS_MIN);
  if (!credential->failed)
    put_trouble(credential, "the server does not take the token of");
  if (!credential->run)
    timer_set_within(credential->renewal, (next.us - now.us) / 1000);
  timer_set(credential->news, 0);
  return true;
}

/* Making and ending it. */

struct credential *credential_create(uv_loop_t *loop, const struct kubeconfig *config, void (*changed)(void *context),
                                     void *context)
{
  struct credential *credential = xcalloc(1, sizeof *credential);
  credential->loop = loop;
  credential->config = config;
  credential->changed = changed;
  credential->context = context;
  credential->delay_ms = DELAY_MS_FIRST;
  credential->renewal = timer_make(loop, renew, credential);
  credential->news = timer_make(loop, tell, credential);
  if (config->token)
    put_token(credential, config->token);
  if (config->token_path)
    credential->source = xstrdup(config->token_path);
  else if (config->plugin)
    credential->source = xasprintf("the plugin %.60s", config->plugin->name);
  if (credential->source) {
    put_trouble(credential, "waiting for a token of");
    renew(credential);
  }
  return credential;
}

void credential_destroy(struct credential *credential)
{
  if (!credential)
    return;
  plugin_abandon(credential->run);
  timer_destroy(credential->renewal);
  timer_destroy(credential->news);
  wipe(credential);
  free(credential->source);
  free(credential);
}
