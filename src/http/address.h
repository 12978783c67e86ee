#pragma once

/*
 * Whether an address is one of the public internet, or of a network that only we and our neighbours can reach: of this
 * host, of a private network, of a link, or of no network at all. Whoever may name an address that we connect to could
 * otherwise reach what is behind our firewall (server-side request forgery).
 */

#include <stdbool.h>
#include <sys/socket.h>

/* An address that is neither IPv4 nor IPv6 is not public. */
bool address_is_public(const struct sockaddr *address);

/* False where the text already says that it is not: an address that is not public, in any notation that
 * inet_aton(3) takes, or a name of this host. What another name leads to is only known when it is resolved. */
bool host_may_be_public(const char *host);
