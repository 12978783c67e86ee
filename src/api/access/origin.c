#include "api/access/origin.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_BYTES_MAX = 63 };

/* "127.0.0.1:7117", "[::1]:7117" or "localhost:7117", with or without the port. */
static bool is_number_or_localhost(const char *authority)
{
  char host[HOST_BYTES_MAX + 1];
  bool is_bracketed = *authority == '[';
  const char *begin = authority + is_bracketed;
  size_t length = strcspn(begin, is_bracketed ? "]" : ":");
  if (length > HOST_BYTES_MAX)
    return false;
  memcpy(host, begin, length);
  host[length] = 0;
  unsigned char address[sizeof(struct in6_addr)];
  if (is_bracketed)
    return inet_pton(AF_INET6, host, address) == 1;
  return inet_pton(AF_INET, host, address) == 1 || !strcasecmp(host, "localhost");
}

bool origin_is_own(const char *origin, const char *host, const char *const *allowed)
{
  for (; allowed && *allowed; allowed++)
    if (!strcasecmp(*allowed, origin))
      return true;
  const char *authority = strstr(origin, "://");
  return authority && host && !strcasecmp(authority + 3, host) && is_number_or_localhost(host);
}
