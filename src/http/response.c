#include "http/response.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* RFC 9110, section 15, and the others that this server or its handlers use. */
static const struct {
  int status;
  const char *reason;
} reasons[] = {
  {200, "OK"},
  {201, "Created"},
  {202, "Accepted"},
  {204, "No Content"},
  {206, "Partial Content"},
  {303, "See Other"},
  {304, "Not Modified"},
  {307, "Temporary Redirect"},
  {308, "Permanent Redirect"},
  {400, "Bad Request"},
  {401, "Unauthorized"},
  {403, "Forbidden"},
  {404, "Not Found"},
  {405, "Method Not Allowed"},
  {406, "Not Acceptable"},
  {408, "Request Timeout"},
  {409, "Conflict"},
  {410, "Gone"},
  {412, "Precondition Failed"},
  {413, "Content Too Large"},
  {415, "Unsupported Media Type"},
  {416, "Range Not Satisfiable"},
  {417, "Expectation Failed"},
  {422, "Unprocessable Content"},
  {429, "Too Many Requests"},
  {431, "Request Header Fields Too Large"},
  {500, "Internal Server Error"},
  {501, "Not Implemented"},
  {503, "Service Unavailable"},
  {505, "HTTP Version Not Supported"},
  {507, "Insufficient Storage"},
};

const char *response_reason(int status)
{
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].status == status)
      return reasons[i].reason;
  return "";
}

/* What every answer says unless the handler says it otherwise: nothing served here is a page, or may be kept. */
static const struct http_header_field defaults[] = {
  {"X-Content-Type-Options", "nosniff"},
  {"Cache-Control", "no-store"},
  {"Content-Security-Policy", "default-src 'none'"},
};

/* A control character in a value could end the field and start another one: response splitting. */
static void put_field(struct buffer *head, const char *name, const char *value)
{
  buffer_puts(head, name);
  buffer_puts(head, ": ");
  for (; *value; value++) {
    bool is_control = (unsigned char)*value < ' ' || *value == 0x7f;
    buffer_append(head, is_control ? " " : value, 1);
  }
  buffer_puts(head, "\r\n");
}

static bool has_field(const struct http_header_field *fields, const char *name)
{
  for (; fields && fields->name; fields++)
    if (strcasecmp(fields->name, name) == 0)
      return true;
  return false;
}

void response_put_head(struct buffer *head, const struct http_response *response, const struct response_frame *frame)
{
  ASSERT(response->status >= 200 && response->status <= 599);
  buffer_reserve(head, 512);
  buffer_printf(head, "HTTP/1.1 %d %s\r\n", response->status, response_reason(response->status));
  put_field(head, "Date", frame->date);
  put_field(head, "Connection", frame->keep_alive ? "keep-alive" : "close");
  if (frame->kind == FRAME_CHUNKED)
    put_field(head, "Transfer-Encoding", "chunked");
  /* RFC 9110, section 8.6: never with 204; a 304 would have to tell the length of what it does not send. */
  if (frame->kind == FRAME_OF_LENGTH && response->status != 204 && response->status != 304)
    buffer_printf(head, "Content-Length: %llu\r\n", (unsigned long long)frame->content_length);
  if (response->content_type)
    put_field(head, "Content-Type", response->content_type);
  for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
    if (!has_field(response->fields, defaults[i].name))
      put_field(head, defaults[i].name, defaults[i].value);
  for (const struct http_header_field *field = response->fields; field && field->name; field++)
    put_field(head, field->name, field->value);
  buffer_puts(head, "\r\n");
}

/* Problem documents. */

/* How many bytes a UTF-8 character has that begins like this, or 0 if none does. */
static size_t utf8_length_by_lead(unsigned char lead)
{
  if (lead < 0x80)
    return 1;
  if (lead >= 0xc2 && lead <= 0xdf)
    return 2;
  if (lead >= 0xe0 && lead <= 0xef)
    return 3;
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* How many bytes the UTF-8 character at `text` has, or 0 if there is none (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *text)
{
  unsigned char lead = text[0];
  size_t length = utf8_length_by_lead(lead);
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xc0) != 0x80)
      return 0;
  bool is_overlong = (lead == 0xe0 && text[1] < 0xa0) || (lead == 0xf0 && text[1] < 0x90);
  bool is_surrogate = lead == 0xed && text[1] > 0x9f;
  bool is_beyond = lead == 0xf4 && text[1] > 0x8f;
  return is_overlong || is_surrogate || is_beyond ? 0 : length;
}

static void put_json_string(struct buffer *json, const char *text)
{
  buffer_puts(json, "\"");
  for (const unsigned char *c = (const unsigned char *)text; *c;) {
    size_t length = utf8_length(c);
    if (length == 0)
      buffer_puts(json, "\\ufffd");
    else if (*c < ' ' || *c == 0x7f)
      buffer_printf(json, "\\u%04x", *c);
    else if (*c == '"' || *c == '\\')
      buffer_printf(json, "\\%c", *c);
    else
      buffer_append(json, c, length);
    c += length ? length : 1;
  }
  buffer_puts(json, "\"");
}

void response_put_problem(struct buffer *body, int status, const char *title, const char *detail)
{
  buffer_puts(body, "{\"type\":\"about:blank\",\"title\":");
  put_json_string(body, title);
  buffer_printf(body, ",\"status\":%d,\"detail\":", status);
  put_json_string(body, detail);
  buffer_puts(body, "}\n");
}

/* strftime(3) would use the locale's names of days. */
void response_format_date(int64_t unix_seconds, char text[static DATE_SIZE])
{
  static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t seconds = (time_t)unix_seconds;
  struct tm utc;
  gmtime_r(&seconds, &utc);
  snprintf(text, DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[utc.tm_wday], (unsigned)utc.tm_mday % 100,
           months[utc.tm_mon], (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)utc.tm_hour % 100,
           (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100);
}
