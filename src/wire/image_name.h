#pragma once

/*
 * Names of container images: [HOST[:PORT]/]PATH[:TAG][@DIGEST], the grammar of the distribution project's "reference"
 * package. What names an image by its id ("sha256:…", 64 hexadecimal digits) is refused: patterns could not tell what it is.
 */

#include "base/error.h"
#include "base/limits.h"

enum { IMAGE_TAG_BYTES_MAX = 128, IMAGE_DIGEST_BYTES_MAX = 255 };
enum { IMAGE_NAME_SIZE = IMAGE_BYTES_MAX + sizeof ":latest" };

struct image_name {
  char repository[IMAGE_BYTES_MAX + 1];    /* "python", "localhost:5000/team/python" */
  char tag[IMAGE_TAG_BYTES_MAX + 1];       /* "" where none was given */
  char digest[IMAGE_DIGEST_BYTES_MAX + 1]; /* "sha256:…", or "" */
};

/* `ret` is untouched on failure; it may be NULL. */
bool image_name_parse(const char *text, struct image_name *ret, struct error *error);

/* What says exactly which image is meant, for create and inspect: "repository@digest", or else "repository:tag", with the tag
 * "latest" where none was given. */
void image_name_canonical(const struct image_name *name, char text[static IMAGE_NAME_SIZE]);
/* For POST /images/create?fromImage=REPOSITORY&tag=…: the digest, or the tag, or "latest". */
const char *image_name_pull_tag(const struct image_name *name);

/*
 * Whether an operator's pattern allows it. '*' stands for any characters but '/', "**" for any, '?' for one that is not '/'.
 * Compared with the canonical name, and, where neither tag nor digest was given, with the name as it is. So "python:*" and
 * "python" allow python, and "python:3*" does not; a tag beside a digest decides nothing and is not compared.
 */
bool image_name_matches(const struct image_name *name, const char *pattern);
bool image_name_allowed(const struct image_name *name, const char *const *patterns); /* NULL-terminated; any */
