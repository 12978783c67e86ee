#include "wire/image_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { REPOSITORY_BYTES_MAX = 255 };
#define DEFAULT_TAG "latest"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"

/* A run of bytes of the name. */
struct part {
  const char *text;
  size_t size;
};

static bool only(struct part part, const char *set)
{
  for (size_t i = 0; i < part.size; i++)
    if (!part.text[i] || !strchr(set, part.text[i]))
      return false;
  return true;
}

static bool holds(struct part part, char c)
{
  return memchr(part.text, c, part.size) != 0;
}

static bool equals(struct part part, const char *text)
{
  return part.size == strlen(text) && memcmp(part.text, text, part.size) == 0;
}

/* Cuts what precedes the first `separator` off the front; without one, that is all of it. */
static struct part cut(struct part *rest, char separator)
{
  const char *end = memchr(rest->text, separator, rest->size);
  struct part head = {rest->text, end ? (size_t)(end - rest->text) : rest->size};
  const size_t used = head.size + (end ? 1 : 0);
  *rest = (struct part){rest->text + used, rest->size - used};
  return head;
}

/* Words of small letters and digits, and between them one '.', one or two '_', or any number of '-'. */
static bool path_component_valid(struct part part)
{
  const char *at = part.text, *end = part.text + part.size;
  if (at == end || !only(part, LOWER DIGITS "._-") || !isalnum((unsigned char)end[-1]))
    return false;
  while (at < end) {
    const char *word = at;
    while (at < end && isalnum((unsigned char)*at))
      at++;
    const char *separator = at;
    while (at < end && *at == *separator && !isalnum((unsigned char)*at))
      at++;
    const size_t most = separator == end || *separator == '-' ? part.size : *separator == '_' ? 2 : 1;
    if (word == separator || (size_t)(at - separator) > most)
      return false;
  }
  return true;
}

static bool host_label_valid(struct part part)
{
  return part.size > 0 && only(part, LOWER UPPER DIGITS "-") && part.text[0] != '-' && part.text[part.size - 1] != '-';
}

static bool host_valid(struct part host)
{
  if (host.size > 2 && host.text[0] == '[' && host.text[host.size - 1] == ']')
    return only((struct part){host.text + 1, host.size - 2}, HEX "ABCDEF:");
  bool valid = host.size > 0 && host.text[host.size - 1] != '.';
  while (valid && host.size)
    valid = host_label_valid(cut(&host, '.'));
  return valid;
}

static bool registry_valid(struct part registry)
{
  const char *end = registry.text + registry.size, *port = end;
  while (port > registry.text && isdigit((unsigned char)port[-1]))
    port--;
  const bool with_port = port > registry.text && port < end && port[-1] == ':';
  return host_valid((struct part){registry.text, with_port ? (size_t)(port - registry.text) - 1 : registry.size});
}

/* Docker's rule for what the first of several components is. */
static bool is_registry(struct part component)
{
  return holds(component, '.') || holds(component, ':') || equals(component, "localhost");
}

static bool repository_valid(struct part repository)
{
  struct part rest = repository;
  if (repository.size == 0 || repository.text[repository.size - 1] == '/')
    return false;
  if (holds(repository, '/')) {
    struct part first = cut(&rest, '/');
    if (!(is_registry(first) ? registry_valid(first) : path_component_valid(first)))
      return false;
  }
  while (rest.size)
    if (!path_component_valid(cut(&rest, '/')))
      return false;
  return true;
}

static bool tag_valid(struct part tag)
{
  return tag.size > 0 && tag.size <= IMAGE_TAG_BYTES_MAX && only(tag, LOWER UPPER DIGITS "_.-") && tag.text[0] != '.' &&
         tag.text[0] != '-';
}

static bool digest_valid(struct part digest)
{
  static const struct {
    const char *algorithm;
    size_t digits;
  } known[] = {{"sha256", 64}, {"sha384", 96}, {"sha512", 128}};
  struct part hexadecimal = digest, algorithm = cut(&hexadecimal, ':');
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (equals(algorithm, known[i].algorithm))
      return hexadecimal.size == known[i].digits && only(hexadecimal, HEX);
  return false;
}

/* The engine would take these for an image's id. */
static bool is_id(struct part repository)
{
  return equals(repository, "sha256") || (repository.size == 64 && only(repository, HEX));
}

static void copy(char *to, struct part part)
{
  memcpy(to, part.text, part.size);
  to[part.size] = 0;
}

/* "repository:tag": the last colon, unless a '/' follows it, for then it stands before a port. */
static bool split_tag(struct part name, struct part *ret_repository, struct part *ret_tag)
{
  const char *colon = memrchr(name.text, ':', name.size);
  if (!colon || memchr(colon, '/', (size_t)(name.text + name.size - colon)))
    return *ret_repository = name, false;
  *ret_repository = (struct part){name.text, (size_t)(colon - name.text)};
  *ret_tag = (struct part){colon + 1, name.size - ret_repository->size - 1};
  return true;
}

bool image_name_parse(const char *text, struct image_name *ret, struct error *error)
{
  struct part digest = {text, strlen(text)}, repository, tag = {"", 0};
  if (digest.size > IMAGE_BYTES_MAX)
    return error_set(error, ERROR_INVALID, 0, "an image's name has at most %d bytes", IMAGE_BYTES_MAX);
  const bool has_digest = holds(digest, '@');
  const bool has_tag = split_tag(cut(&digest, '@'), &repository, &tag);
  if (!repository_valid(repository))
    return error_set(error, ERROR_INVALID, 0,
                     "not an image's name: [HOST[:PORT]/]PATH[:TAG][@DIGEST] is, with small letters, digits and "
                     "single '.', '_', '-', '/' between them in PATH");
  if (repository.size > REPOSITORY_BYTES_MAX)
    return error_set(error, ERROR_INVALID, 0, "an image's name before its tag has at most %d bytes",
                     REPOSITORY_BYTES_MAX);
  if (is_id(repository))
    return error_set(error, ERROR_INVALID, 0, "an image is chosen by its name here, not by its id");
  if (has_tag && !tag_valid(tag))
    return error_set(error, ERROR_INVALID, 0,
                     "not an image's tag: at most %d letters, digits, '_', '.' and '-' are, the first no '.' or '-'",
                     IMAGE_TAG_BYTES_MAX);
  if (has_digest && !digest_valid(digest))
    return error_set(error, ERROR_INVALID, 0, "not an image's digest: \"sha256:\" and 64 hexadecimal digits are");
  if (ret) {
    copy(ret->repository, repository);
    copy(ret->tag, tag);
    copy(ret->digest, digest);
  }
  return true;
}

const char *image_name_pull_tag(const struct image_name *name)
{
  return name->digest[0] ? name->digest : name->tag[0] ? name->tag : DEFAULT_TAG;
}

void image_name_canonical(const struct image_name *name, char text[static IMAGE_NAME_SIZE])
{
  snprintf(text, IMAGE_NAME_SIZE, "%s%c%s", name->repository, name->digest[0] ? '@' : ':', image_name_pull_tag(name));
}

/* reached[i]: the pattern so far matches the first i bytes. Each step is linear, whatever stars the pattern has. */
static bool matches(const char *text, const char *pattern)
{
  const size_t size = strlen(text);
  bool reached[IMAGE_NAME_SIZE + 1] = {true};
  ASSERT(size <= IMAGE_NAME_SIZE);
  for (; *pattern; pattern++) {
    if (*pattern == '*') {
      const bool any = pattern[1] == '*';
      for (size_t i = 1; i <= size; i++)
        reached[i] = reached[i] || (reached[i - 1] && (any || text[i - 1] != '/'));
      pattern += any;
      continue;
    }
    for (size_t i = size; i > 0; i--)
      reached[i] = reached[i - 1] && (*pattern == '?' ? text[i - 1] != '/' : text[i - 1] == *pattern);
    reached[0] = false;
  }
  return reached[size];
}

bool image_name_matches(const struct image_name *name, const char *pattern)
{
  char canonical[IMAGE_NAME_SIZE];
  image_name_canonical(name, canonical);
  const bool bare = !name->tag[0] && !name->digest[0];
  return matches(canonical, pattern) || (bare && matches(name->repository, pattern));
}

bool image_name_allowed(const struct image_name *name, const char *const *patterns)
{
  for (; *patterns; patterns++)
    if (image_name_matches(name, *patterns))
      return true;
  return false;
}
