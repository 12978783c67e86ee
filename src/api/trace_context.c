#include "api/trace_context.h"

#include <stdlib.h>
#include <string.h>

/* VERSION-TRACE_ID-PARENT_ID-FLAGS, in hexadecimal digits, small ones only. */
enum { VERSION_AT = 0, TRACE_ID_AT = 3, PARENT_ID_AT = 36, FLAGS_AT = 53, END_AT = 55 };
static_assert(+TRACEPARENT_SIZE == END_AT + 1, "the text and its NUL");

static const struct {
  unsigned at, length;
  bool is_id;
} parts[] = {{VERSION_AT, 2, false}, {TRACE_ID_AT, 32, true}, {PARENT_ID_AT, 16, true}, {FLAGS_AT, 2, false}};

static bool parts_are_valid(const char *text)
{
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const char *part = text + parts[i].at;
    if (strspn(part, "0123456789abcdef") < parts[i].length)
      return false;
    if (parts[i].is_id && strspn(part, "0") >= parts[i].length)
      return false;
    if (i && part[-1] != '-')
      return false;
  }
  return true;
}

bool traceparent_read(const char *text, char ret[static TRACEPARENT_SIZE])
{
  size_t length = strlen(text);
  bool is_ours = !strncmp(text, "00", 2);
  if (length < END_AT || !parts_are_valid(text) || !strncmp(text, "ff", 2))
    return false;
  if (text[END_AT] && (is_ours || text[END_AT] != '-'))
    return false;
  memcpy(ret, text, END_AT);
  ret[END_AT] = 0;
  memcpy(ret, "00", 2);
  /* Of the flags, sampled and random (level 2); those that are not defined are sent as zero. */
  unsigned flags = (unsigned)strtoul(ret + FLAGS_AT, NULL, 16) & 3;
  ret[FLAGS_AT] = '0';
  ret[FLAGS_AT + 1] = (char)('0' + flags);
  return true;
}

/* Both levels of the standard: a key of level 1 is one of level 2. */
static bool key_is_valid(const char *key, size_t length)
{
  static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  static const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@";
  return length >= 1 && length <= 256 && memchr(first, key[0], sizeof first - 1) && strspn(key, others) >= length;
}

static bool value_is_valid(const char *value, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (value[i] < ' ' || value[i] > '~' || value[i] == '=')
      return false;
  return length >= 1 && length <= 256;
}

static bool member_is_valid(const char *member, size_t length)
{
  const char *equals = memchr(member, '=', length);
  if (!equals)
    return false;
  size_t key_length = (size_t)(equals - member);
  return key_is_valid(member, key_length) && value_is_valid(equals + 1, length - key_length - 1);
}

bool tracestate_read(const char *text, struct buffer *ret, unsigned *count)
{
  for (const char *at = text; *at; at += *at == ',') {
    at += strspn(at, " \t");
    size_t length = strcspn(at, ","), whole = length;
    while (length && (at[length - 1] == ' ' || at[length - 1] == '\t'))
      length--;
    if (length && (!member_is_valid(at, length) || ++*count > TRACESTATE_MEMBERS_MAX))
      return false;
    if (length && ret->size + !!ret->size + length <= TRACESTATE_BYTES_MAX)
      buffer_printf(ret, "%s%.*s", ret->size ? "," : "", (int)length, at);
    at += whole;
  }
  return true;
}

struct trace {
  char parent[TRACEPARENT_SIZE];
  unsigned parents; /* how many fields there are: more than one mean nothing */
  bool parent_is_valid;
  struct buffer state;
  unsigned state_members;
  bool state_is_invalid;
};

static void take_parent(void *context, const char *value)
{
  struct trace *trace = context;
  trace->parents++;
  trace->parent_is_valid = traceparent_read(value, trace->parent);
}

/* Several fields are one list (RFC 9110, section 5.3). */
static void take_state(void *context, const char *value)
{
  struct trace *trace = context;
  trace->state_is_invalid |= !tracestate_read(value, &trace->state, &trace->state_members);
}

static void replace(char **text, const char *value)
{
  free(*text);
  *text = xstrdup(value);
}

void trace_take(const struct http_request *request, struct evaluation *evaluation)
{
  struct trace trace = {0};
  http_header_each(request, "traceparent", take_parent, &trace);
  bool has_parent = trace.parents == 1 && trace.parent_is_valid;
  if (has_parent)
    http_header_each(request, "tracestate", take_state, &trace);
  bool has_state = trace.state.size && !trace.state_is_invalid;
  replace(&evaluation->traceparent, has_parent ? trace.parent : NULL);
  replace(&evaluation->tracestate, has_state ? trace.state.data : NULL);
  buffer_release(&trace.state);
}
