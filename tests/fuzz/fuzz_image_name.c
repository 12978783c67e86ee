/* A line with a name, and one with a pattern. A name that is taken has a canonical form that says the same and goes
 * safely into a URL's query and an error's text. */

#include "wire/image_name.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_characters(const char *text)
{
  for (; *text; text++)
    ASSERT(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@[]", *text));
}

static void check_name(const struct image_name *name, const char *pattern)
{
  char canonical[IMAGE_NAME_SIZE], again[IMAGE_NAME_SIZE];
  struct image_name parsed;
  image_name_canonical(name, canonical);
  check_characters(canonical);
  /* The longest names have no room for ":latest". */
  if (strlen(canonical) <= IMAGE_BYTES_MAX) {
    ASSERT(image_name_parse(canonical, &parsed, 0));
    image_name_canonical(&parsed, again);
    ASSERT(strcmp(canonical, again) == 0);
    ASSERT(strcmp(image_name_pull_tag(name), image_name_pull_tag(&parsed)) == 0);
  }
  ASSERT(!strchr(name->repository, '@') && name->repository[0] && name->repository[0] != '/');
  ASSERT(image_name_matches(name, canonical));
  ASSERT(image_name_matches(name, "**"));
  image_name_matches(name, pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char *text = malloc(size + 1);
  ASSERT(text);
  memcpy(text, data, size);
  text[size] = 0;
  char *end = strchr(text, '\n');
  const char *pattern = end ? end + 1 : "";
  if (end)
    *end = 0;
  struct image_name name;
  struct error error = {0};
  if (image_name_parse(text, &name, &error))
    check_name(&name, pattern);
  else
    ASSERT(error.message[0]);
  free(text);
  return 0;
}
