/* Which addresses and URLs of others we would call. */

#include "http/address.h"

#include "base/memory.h"
#include "http/url.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static bool is_public(const char *text)
{
  struct sockaddr_in in = {.sin_family = AF_INET};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
  if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
    return address_is_public((struct sockaddr *)&in);
  assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
  return address_is_public((struct sockaddr *)&in6);
}

static void what_only_neighbours_reach_is_not_public(void **state)
{
  (void)state;
  /* clang-format off */
  static const char *const addresses[] = {
    "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
    "127.255.255.255", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
    "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:192.168.1.1",
    "64:ff9b::10.0.0.1", "fe80::1", "febf::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001::1", "2001:1ff::1",
    "2001:db8::1", "2002:0a00:0001::1", "2002:7f00:0001::", "3fff:0fff::1", "1000::1", "4000::1",
  };
  /* clang-format on */
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
    if (is_public(addresses[i]))
      fail_msg("%s", addresses[i]);
  assert_false(address_is_public((struct sockaddr *)&(struct sockaddr_un){.sun_family = AF_UNIX}));
}

static void the_addresses_beside_these_are_public(void **state)
{
  (void)state;
  /* clang-format off */
  static const char *const addresses[] = {
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "203.0.114.0", "223.255.255.255",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2000::1", "2001:200::1", "2001:db9::1", "2002:0808:0808::1",
    "2a00:1450:4001::1", "3fff:1000::1",
  };
  /* clang-format on */
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
    if (!is_public(addresses[i]))
      fail_msg("%s", addresses[i]);
}

static void a_host_says_that_it_is_not_public_in_many_ways(void **state)
{
  (void)state;
  static const char *const hosts[] = {
    "127.0.0.1",   "127.1", "0x7f000001",       "2130706433", "0177.0.0.1",        "0",
    "10.0.0.1",    "[::1]", "[fe80::1%25eth0]", "[fe80::1]",  "[::ffff:10.0.0.1]", "[",
    "[]",          "[::1",  "localhost",        "LocalHost",  "localhost.",        "a.localhost",
    "a.localhost."};
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
    if (host_may_be_public(hosts[i]))
      fail_msg("%s", hosts[i]);
  static const char *const others[] = {"8.8.8.8",      "[2a00:1450:4001::1]", "example.org",
                                       "notlocalhost", "localhost.org",       "a"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!host_may_be_public(others[i]))
      fail_msg("%s", others[i]);
}

static void a_url_is_made_normal(void **state)
{
  (void)state;
  static const struct {
    const char *url, *normal, *host;
  } cases[] = {
    {"http://example.org", "http://example.org/", "example.org"},
    {"HTTPS://example.org:8443/a?b=c%20d", "https://example.org:8443/a?b=c%20d", "example.org"},
    {"http://[2a00::1]:80/x", "http://[2a00::1]:80/x", "[2a00::1]"},
    {"http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CLEANUP_FREE char *host = NULL;
    CLEANUP_FREE char *normal = http_url_normal(cases[i].url, &host, NULL);
    assert_non_null(normal);
    assert_string_equal(normal, cases[i].normal);
    assert_string_equal(host, cases[i].host);
  }
}

static void a_url_that_we_do_not_call_is_refused_with_the_reason(void **state)
{
  (void)state;
  static const struct {
    const char *url, *why;
  } cases[] = {
    {"", "absolute"},
    {"/a", "absolute"},
    {"example.org", "absolute"},
    {"ftp://a/", "absolute"},
    {"file:///etc/passwd", "absolute"},
    {"gopher://a/", "absolute"},
    {"http://u@a/", "credentials"},
    {"http://u:p@a/", "credentials"},
    {"http://a/#b", "fragment"},
    {"http://a/ b", "visible"},
    {"http://a/\n", "visible"},
    {"http://\xc3\xa4/", "visible"},
    {"http://a:99999/", "absolute"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *host = NULL;
    struct error error = {0};
    char *normal = http_url_normal(cases[i].url, &host, &error);
    if (normal || !strstr(error.message, cases[i].why))
      fail_msg("%s: %s %s", cases[i].url, normal ? normal : "", error.message);
    assert_null(host);
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_only_neighbours_reach_is_not_public),
    cmocka_unit_test(the_addresses_beside_these_are_public),
    cmocka_unit_test(a_host_says_that_it_is_not_public_in_many_ways),
    cmocka_unit_test(a_url_is_made_normal),
    cmocka_unit_test(a_url_that_we_do_not_call_is_refused_with_the_reason),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
