#pragma once

/*
 * Inside the decoding of a submission (submission.h): a draft collects what the fields say, each by a function of its
 * own, and is made into a plan when no fault was found.
 *
 *   submission.c     the order of things: parse, fields, rules between fields, plan
 *   draft.c          checks that many fields share
 *   draft_program.c  what is to run: runtime, command, code, input, environment
 *   draft_files.c    the files, and what is wrong with their paths
 *   draft_place.c    where it runs: backend and image
 *   draft_terms.c    on what terms: limits, priority, labels, …
 */

#include "api/submission.h"

#include <jansson.h>

enum value_kind { VALUE_STRING, VALUE_INTEGER, VALUE_BOOLEAN, VALUE_ARRAY, VALUE_OBJECT };

/* Name, kind, what it is for. Decoded in this order, by draft_<name>(). */
#define SUBMISSION_FIELDS(X)                                                                                           \
  X(backend, STRING, "where it runs")                                                                                  \
  X(runtime, STRING, "the language of the program, by a name of GET /v1/runtimes")                                     \
  X(command, ARRAY, "instead of a runtime: the program and its arguments")                                             \
  X(args, ARRAY, "arguments after those of the runtime or command")                                                    \
  X(code_encoding, STRING, "utf8 (default) or base64")                                                                 \
  X(code, STRING, "the program's text, for a runtime")                                                                 \
  X(files, ARRAY, "files in the work directory: path, content, encoding, executable")                                  \
  X(stdin_encoding, STRING, "utf8 (default) or base64")                                                                \
  X(stdin, STRING, "standard input")                                                                                   \
  X(env, OBJECT, "environment variables")                                                                              \
  X(limits, OBJECT, "limits; those left out have the operator's defaults")                                             \
  X(on_output_limit, STRING, "truncate (default): keep head and tail; kill: end the program")                          \
  X(network, STRING, "none")                                                                                           \
  X(image, STRING, "the container image to run it in, for a backend that takes images")                                \
  X(priority, INTEGER, "-100 to 100; higher first")                                                                    \
  X(max_attempts, INTEGER, "how often it may be tried where the platform loses it")                                    \
  X(labels, OBJECT, "names and texts to find it by")                                                                   \
  X(callback_url, STRING, "http or https: is sent the verdict (docs/webhooks.md)")

enum submission_field {
#define X(field, kind, text) FIELD_##field,
  SUBMISSION_FIELDS(X)
#undef X
    FIELD_COUNT
};

/* Texts that belong to a draft; NULL-terminated once anything is in it. */
struct text_list {
  char **items;
  size_t count;
  size_t bytes; /* of all texts, each with its NUL */
};
void text_list_take(struct text_list *list, char *text); /* takes ownership */
void text_list_add(struct text_list *list, const char *text);
void text_list_release(struct text_list *list);

struct draft {
  const struct submission_rules *rules;
  struct faults *faults;
  const json_t *given[FIELD_COUNT]; /* of the right kind, or NULL */
  struct evaluation *evaluation;
  const struct backend_offer *offer; /* NULL: an unknown one */
  const struct runtime *runtime;     /* NULL: none, or an unknown one */
  const char *image;                 /* NULL: none */
  struct text_list command, args, environment;
  struct text_list decoded; /* contents that came as base64 */
  struct plan_file *files;
  size_t file_count;
  const void *input;
  size_t input_size;
  unsigned flags;
};

#define X(field, kind, text) void draft_##field(struct draft *draft, const json_t *value, const struct json_path *path);
SUBMISSION_FIELDS(X)
#undef X

/* Checks that many fields share. Each adds a fault where it says false (or NULL). */

struct member {
  const char *name;
  enum value_kind kind;
};
/* Sorts an object's members into `ret_given` by the table; unknown ones and those of another kind are faults. */
void draft_members(struct draft *draft, const json_t *object, const struct json_path *path,
                   const struct member *members, size_t count, const json_t **ret_given);
bool draft_kind(struct draft *draft, const json_t *value, enum value_kind kind, const struct json_path *path);
/* A string that ends where C says that it ends. */
const char *draft_text(struct draft *draft, const json_t *value, const struct json_path *path);
bool draft_integer(struct draft *draft, const json_t *value, const struct json_path *path, int64_t least, int64_t most,
                   int64_t *ret);
/* One of `choices` (NULL-terminated); -1: none of them. */
int draft_choice(struct draft *draft, const json_t *value, const struct json_path *path, const char *const *choices);
/* The bytes of a content, decoded as `encoding` (may be NULL) says. They live as long as the draft and the JSON. */
bool draft_content(struct draft *draft, const json_t *content, const struct json_path *path, const json_t *encoding,
                   const void **ret_data, size_t *ret_size);

extern const char *const draft_encodings[]; /* "utf8", "base64", NULL */

/* The image for a request that names none: of the runtime, or the backend's. */
void draft_choose_image(struct draft *draft, bool has_command);

void draft_add_file(struct draft *draft, const struct plan_file *file);
/* Adds each of `texts` to `ret`, with ", " in between, for messages; what does not fit is left out. */
void draft_join(const char *const *texts, size_t size, char *ret);
