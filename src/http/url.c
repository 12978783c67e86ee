#include "http/url.h"

#include "base/memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_visible(const char *text)
{
  while (*text > ' ' && *text < 0x7f)
    text++;
  return !*text;
}

static bool has_part(CURLU *parts, CURLUPart which)
{
  char *part = NULL;
  bool there = curl_url_get(parts, which, &part, 0) == CURLUE_OK;
  curl_free(part);
  return there;
}

/* A copy of our own; the caller frees. */
static char *part_of(CURLU *parts, CURLUPart which)
{
  char *part = NULL, *copy = NULL;
  if (curl_url_get(parts, which, &part, 0) == CURLUE_OK)
    copy = xstrdup(part);
  curl_free(part);
  return copy;
}

static const char *what_is_wrong(CURLU *parts, const char *url)
{
  if (!is_visible(url))
    return "must be percent-encoded: visible ASCII only";
  if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK)
    return "is not an absolute URL of http or https";
  CLEANUP_FREE char *scheme = part_of(parts, CURLUPART_SCHEME);
  if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
    return "is not an absolute URL of http or https";
  if (has_part(parts, CURLUPART_USER) || has_part(parts, CURLUPART_PASSWORD))
    return "must not hold credentials";
  if (has_part(parts, CURLUPART_FRAGMENT))
    return "must not have a fragment";
  return NULL;
}

char *http_url_normal(const char *url, char **ret_host, struct error *error)
{
  CURLU *parts = curl_url();
  ASSERT(parts);
  const char *wrong = what_is_wrong(parts, url);
  char *host = wrong ? NULL : part_of(parts, CURLUPART_HOST);
  char *normal = wrong ? NULL : part_of(parts, CURLUPART_URL);
  curl_url_cleanup(parts);
  if (host && normal) {
    *ret_host = host;
    return normal;
  }
  free(host);
  free(normal);
  error_set(error, ERROR_INVALID, EINVAL, "%s", wrong ? wrong : "has no host");
  return NULL;
}
