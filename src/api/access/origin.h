#pragma once

/*
 * Requests that a page makes in somebody's browser (Origin, RFC 6454). Pages of other sites can reach what their visitor
 * can reach, such as a daemon on his loopback address, so only pages of our own are served; nothing is ever said that
 * would let a page of another site read an answer (CORS).
 */

#include <stdbool.h>

/*
 * Whether the page is from here: `origin` is the host and port that the request names as ours, and the host is a number
 * or "localhost". A name could be anybody's, who lets it point here (DNS rebinding), so names are taken only where they are
 * in `allowed` (NULL-terminated; or NULL): "https://assay.example.org".
 */
bool origin_is_own(const char *origin, const char *host, const char *const *allowed);
