#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* https://www.iana.org/assignments/iana-ipv4-special-registry: what is not globally reachable, and what is no host's. */
static const struct {
  uint32_t prefix;
  unsigned bits;
} not_public_4[] = {
  {0x00000000, 8},  /* this network */
  {0x0a000000, 8},  /* private */
  {0x64400000, 10}, /* behind a carrier's translation */
  {0x7f000000, 8},  /* loopback */
  {0xa9fe0000, 16}, /* link-local; clouds tell their instances secrets there */
  {0xac100000, 12}, /* private */
  {0xc0000000, 24}, /* protocol assignments */
  {0xc0000200, 24}, /* documentation */
  {0xc0586300, 24}, /* 6to4 relays */
  {0xc0a80000, 16}, /* private */
  {0xc6120000, 15}, /* benchmarks */
  {0xc6336400, 24}, /* documentation */
  {0xcb007100, 24}, /* documentation */
  {0xe0000000, 3},  /* multicast, reserved, broadcast */
};

static bool is_public_4(uint32_t address)
{
  for (size_t i = 0; i < sizeof not_public_4 / sizeof *not_public_4; i++)
    if ((address ^ not_public_4[i].prefix) >> (32 - not_public_4[i].bits) == 0)
      return false;
  return true;
}

/* https://www.iana.org/assignments/iana-ipv6-special-registry: within 2000::/3, all that is global unicast so far. */
static const struct {
  unsigned char prefix[6];
  unsigned bits;
} not_public_6[] = {
  {{0x20, 0x01, 0x00, 0x00}, 23}, /* protocol assignments, Teredo among them */
  {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
  {{0x3f, 0xff, 0x00}, 20},       /* documentation */
};

static bool has_prefix(const unsigned char *address, const unsigned char *prefix, unsigned bits)
{
  unsigned bytes = bits / 8, rest = bits % 8;
  if (memcmp(address, prefix, bytes) != 0)
    return false;
  return !rest || (address[bytes] ^ prefix[bytes]) >> (8 - rest) == 0;
}

static uint32_t embedded_4(const unsigned char *at)
{
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Some addresses of IPv6 lead to one of IPv4, which is then judged: mapped ones, NAT64 (RFC 6052), 6to4 (RFC 3056). */
static bool is_public_6(const struct in6_addr *address)
{
  static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}, nat64[12] = {0x00, 0x64, 0xff, 0x9b};
  const unsigned char *bytes = address->s6_addr;
  if (!memcmp(bytes, mapped, sizeof mapped) || !memcmp(bytes, nat64, sizeof nat64))
    return is_public_4(embedded_4(bytes + 12));
  if (bytes[0] == 0x20 && bytes[1] == 0x02)
    return is_public_4(embedded_4(bytes + 2));
  for (size_t i = 0; i < sizeof not_public_6 / sizeof *not_public_6; i++)
    if (has_prefix(bytes, not_public_6[i].prefix, not_public_6[i].bits))
      return false;
  return bytes[0] >> 5 == 1;
}

bool address_is_public(const struct sockaddr *address)
{
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
  switch (address->sa_family) {
  case AF_INET:
    memcpy(&in, address, sizeof in);
    return is_public_4(ntohl(in.sin_addr.s_addr));
  case AF_INET6:
    memcpy(&in6, address, sizeof in6);
    return is_public_6(&in6.sin6_addr);
  default:
    return false;
  }
}

/* "localhost" and all below it, with or without the root's dot (RFC 6761, section 6.3). */
static bool is_localhost(const char *host)
{
  static const char name[] = "localhost";
  size_t length = strlen(host), size = sizeof name - 1;
  if (length && host[length - 1] == '.')
    length--;
  return length >= size && !strncasecmp(host + length - size, name, size) &&
         (length == size || host[length - size - 1] == '.');
}

bool host_may_be_public(const char *host)
{
  struct in_addr in;
  struct in6_addr in6;
  char text[INET6_ADDRSTRLEN];
  if (*host == '[') { /* with a zone it is of one link */
    size_t length = strcspn(host + 1, "]%");
    snprintf(text, sizeof text, "%.*s", (int)length, host + 1);
    return host[length + 1] == ']' && inet_pton(AF_INET6, text, &in6) == 1 && is_public_6(&in6);
  }
  if (inet_aton(host, &in))
    return is_public_4(ntohl(in.s_addr));
  return !is_localhost(host);
}
