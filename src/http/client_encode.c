#include "http/client.h"

#include <string.h>

void http_encode_part(struct buffer *out, const char *text)
{
  static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  for (; *text; text++)
    if (strchr(unreserved, *text))
      buffer_append(out, text, 1);
    else
      buffer_printf(out, "%%%02X", (unsigned char)*text);
}
