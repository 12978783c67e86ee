#include "api/parameters.h"

#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The value of the preference "wait" among others: "respond-async, wait=10". */
static bool prefer_wait(const char *field, uint64_t *ret)
{
  static const char name[] = "wait=";
  for (const char *at = field; *at;) {
    at += strspn(at, " \t,;");
    size_t length = strcspn(at, ",;");
    while (length && (at[length - 1] == ' ' || at[length - 1] == '\t'))
      length--;
    if (length > sizeof name - 1 && !strncasecmp(at, name, sizeof name - 1))
      return parse_u64(at + sizeof name - 1, length - (sizeof name - 1), UINT64_MAX, ret);
    at += strcspn(at, ",;");
  }
  return false;
}

bool parameter_wait(const struct http_request *request, unsigned *ret_seconds, struct error *error)
{
  const char *text = http_query(request, "wait"), *prefer = http_header(request, "Prefer");
  uint64_t seconds = 0;
  if (text && !parse_u64_text(text, WAIT_SECONDS_MAX, &seconds))
    return error_set(error, ERROR_INVALID, 0, "wait must be a number of seconds from 0 to %d", WAIT_SECONDS_MAX);
  if (!text && prefer && prefer_wait(prefer, &seconds) && seconds > WAIT_SECONDS_MAX)
    seconds = WAIT_SECONDS_MAX;
  *ret_seconds = (unsigned)seconds;
  return true;
}

bool parameter_encoding(const struct http_request *request, bool *ret_base64, struct error *error)
{
  const char *text = http_query(request, "encoding");
  bool base64 = text && !strcmp(text, "base64");
  if (text && !base64 && strcmp(text, "utf8") != 0)
    return error_set(error, ERROR_INVALID, 0, "encoding must be utf8 or base64");
  *ret_base64 = base64;
  return true;
}

static bool is_visible(const char *text)
{
  while (*text > ' ' && *text < 0x7f)
    text++;
  return !*text;
}

bool parameter_idempotency_key(const struct http_request *request, const char **ret_key, struct error *error)
{
  const char *key = http_header(request, "Idempotency-Key");
  if (key && (!*key || strlen(key) > IDEMPOTENCY_KEY_BYTES_MAX || !is_visible(key)))
    return error_set(error, ERROR_INVALID, 0, "Idempotency-Key must be 1 to %d visible ASCII characters",
                     IDEMPOTENCY_KEY_BYTES_MAX);
  *ret_key = key;
  return true;
}

void cursor_format(uint64_t before_sequence, char text[static CURSOR_SIZE])
{
  snprintf(text, CURSOR_SIZE, "a%" PRIx64, before_sequence);
}

bool cursor_parse(const char *text, uint64_t *ret_before_sequence)
{
  uint64_t sequence = 0;
  size_t length = strlen(text);
  if (text[0] != 'a' || length < 2 || length > 17)
    return false;
  for (const char *c = text + 1; *c; c++) {
    const char *digit = strchr("0123456789abcdef", *c);
    if (!digit)
      return false;
    sequence = sequence << 4 | (uint64_t)(digit - "0123456789abcdef");
  }
  *ret_before_sequence = sequence;
  return sequence > 0;
}

static bool take_status(const char *text, struct list_parameters *ret, struct error *error)
{
  ret->status = text;
  for (enum state state = STATE_QUEUED; text && state < STATE_FINISHED; state++)
    ret->status_is_open |= !strcmp(text, state_name(state));
  if (!text || ret->status_is_open || verdict_from_name(text) != VERDICT_NONE)
    return true;
  return error_set(error, ERROR_INVALID, 0,
                   "status must be queued, preparing, starting, running, sealing, or a verdict");
}

static bool take_label(const char *text, struct list_parameters *ret, struct error *error)
{
  if (!text)
    return true;
  size_t key_length = strcspn(text, ":=");
  if (!text[key_length] || !key_length)
    return error_set(error, ERROR_INVALID, 0, "label must be KEY:VALUE or KEY=VALUE");
  const char *value = text + key_length + 1;
  if (key_length > LABEL_KEY_BYTES_MAX || strlen(value) > LABEL_VALUE_BYTES_MAX)
    return error_set(error, ERROR_INVALID, 0, "label is longer than any label can be");
  snprintf(ret->label_key, sizeof ret->label_key, "%.*s", (int)key_length, text);
  snprintf(ret->label_value, sizeof ret->label_value, "%s", value);
  return true;
}

static bool take_limit(const char *text, struct list_parameters *ret, struct error *error)
{
  uint64_t limit = LIST_LIMIT_DEFAULT;
  if (text && (!parse_u64_text(text, LIST_LIMIT_MAX, &limit) || !limit))
    return error_set(error, ERROR_INVALID, 0, "limit must be a number from 1 to %d", LIST_LIMIT_MAX);
  ret->limit = (unsigned)limit;
  return true;
}

static bool take_cursor(const char *text, struct list_parameters *ret, struct error *error)
{
  if (text && !cursor_parse(text, &ret->before_sequence))
    return error_set(error, ERROR_INVALID, 0, "cursor is not one that a list gave as next_cursor");
  return true;
}

/* A filter that is not there would silently filter nothing: whatever is misspelt or given twice is an error. */
struct parameter_check {
  unsigned seen;
  bool bad;
};

static void check_parameter(void *context, const char *name, const char *value)
{
  static const char *const known[] = {"status", "label", "limit", "cursor"};
  enum { KNOWN = sizeof known / sizeof *known };
  struct parameter_check *check = context;
  (void)value;
  for (unsigned i = 0; i < KNOWN; i++) {
    if (strcmp(known[i], name) != 0)
      continue;
    check->bad |= check->seen >> i & 1;
    check->seen |= 1u << i;
    return;
  }
  check->bad = true;
}

bool parameters_list(const struct http_request *request, struct list_parameters *ret, struct error *error)
{
  struct parameter_check check = {0};
  http_query_each(request, check_parameter, &check);
  if (check.bad)
    return error_set(error, ERROR_INVALID, 0, "a list takes status, label, limit and cursor, each once");
  struct list_parameters parameters = {0};
  if (!take_status(http_query(request, "status"), &parameters, error) ||
      !take_label(http_query(request, "label"), &parameters, error) ||
      !take_limit(http_query(request, "limit"), &parameters, error) ||
      !take_cursor(http_query(request, "cursor"), &parameters, error))
    return false;
  *ret = parameters;
  return true;
}
