#include "api/access/audit.h"

#include "base/log.h"

static const struct {
  const char *name, *text;
} events[] = {
#define X(event, text) [AUDIT_##event] = {#event, text},
  AUDIT_EVENTS(X)
#undef X
};

static const char by_socket[] = "unix socket";

void audit_write(const struct access *access, const struct http_request *request, const struct audit *audit)
{
  const struct token *token = access_token_of(access, request);
  const char *by = token ? token->name : http_is_from_unix(request) ? by_socket : "anybody";
  char peer[HTTP_PEER_SIZE];
  http_peer(request, peer);
  const struct log_field fields[] = {
    {"event", events[audit->event].name}, {"by", by}, {"peer", peer}, {"token", audit->token}, {"why", audit->why}, {0},
  };
  log_fields(audit->event == AUDIT_refused ? LOG_WARNING : LOG_INFO, audit->id, fields, "%s",
             events[audit->event].text);
}

void audit_refused(struct access *access, const struct http_request *request, const struct error *error)
{
  unsigned left_out;
  if (!access_logs_refusal(access, mono_now(), &left_out))
    return;
  if (left_out)
    log_warning(0, "%u more requests were refused, and are not logged each", left_out);
  audit_write(access, request, &(struct audit){.event = AUDIT_refused, .why = error_title(error->kind)});
}

/* Who submitted it may have left by now. */
void audit_submitted(const struct access *access, const struct evaluation *evaluation)
{
  if (!evaluation->token && !access_is_required(access))
    return;
  const struct log_field fields[] = {
    {"event", events[AUDIT_submitted].name},
    {"by", evaluation->token ? evaluation->token : by_socket},
    {"traceparent", evaluation->traceparent},
    {0},
  };
  log_fields(LOG_INFO, evaluation->id, fields, "%s", events[AUDIT_submitted].text);
}

void audit_cancelled(const struct access *access, const struct http_request *request, const char *id)
{
  if (access_is_required(access) || access_token_of(access, request))
    audit_write(access, request, &(struct audit){.event = AUDIT_cancelled, .id = id});
}
