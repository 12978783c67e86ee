#pragma once

/* URLs that somebody else gave us, to be called by us. */

#include "base/error.h"

/*
 * The URL as libcurl would write it, and its host; the caller frees both. NULL with an error where it is not an
 * absolute URL of http or https, with a host, without credentials and without a fragment, in visible ASCII.
 */
char *http_url_normal(const char *url, char **ret_host, struct error *error);
