#include "wire/plan.h"

#include "wire/image_name.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static const char magic[] = {'a', 's', 's', 'a', 'y', 'p', '1', '\n'};

/* How the bytes of a field are to be read. */
enum type {
  TYPE_NONE,    /* no such key */
  TYPE_STRING,  /* with its NUL, which is counted in the length, and with no other */
  TYPE_BYTES,   /* anything */
  TYPE_INTEGER, /* u64 */
};

/* name, key in the encoding, type, least and most occurrences, most bytes (without the NUL of a string) */
#define FIELDS(X)                                                                                                      \
  X(COMPILE, 1, "compile", STRING, 0, ARGUMENTS_MAX, ARGUMENT_BYTES_MAX)                                               \
  X(COMMAND, 2, "command", STRING, 1, ARGUMENTS_MAX, ARGUMENT_BYTES_MAX)                                               \
  X(ENVIRONMENT, 3, "environment", STRING, 0, ARGUMENTS_MAX, ARGUMENT_BYTES_MAX)                                       \
  X(FILE_PATH, 4, "file path", STRING, 0, FILES_MAX, PATH_BYTES_MAX)                                                   \
  X(FILE_MODE, 5, "file mode", INTEGER, 0, FILES_MAX, 8)                                                               \
  X(FILE_CONTENT, 6, "file content", BYTES, 0, FILES_MAX, PLAN_BYTES_MAX)                                              \
  X(INPUT, 7, "input", BYTES, 1, 1, PLAN_BYTES_MAX)                                                                    \
  X(FLAGS, 8, "flags", INTEGER, 1, 1, 8)                                                                               \
  X(ROOT, 9, "root", STRING, 0, 1, PATH_BYTES_MAX)                                                                     \
  X(IMAGE, 10, "image", STRING, 0, 1, IMAGE_BYTES_MAX)

/* The key of a limit is KEY_LIMITS plus its enum limit_kind. */
enum key {
#define X(name, key, text, type, least, most, bytes_max) KEY_##name = key,
  FIELDS(X)
#undef X
    KEY_LIMITS = 16,
  KEY_COUNT = KEY_LIMITS + LIMIT_COUNT,
};

static const struct field_rule {
  const char *name;
  enum type type;
  size_t least, most, bytes_max;
} rules[KEY_COUNT] = {
#define X(name, key, text, type, least, most, bytes_max) [key] = {text, TYPE_##type, least, most, bytes_max},
  FIELDS(X)
#undef X
#define X(field, name, standard, least, most) [KEY_LIMITS + LIMIT_##name] = {#field, TYPE_INTEGER, 1, 1, 8},
    LIMITS(X)
#undef X
};

enum { PLAN_FLAGS = PLAN_KILL_ON_OUTPUT };

uint64_t disk_inodes(uint64_t disk_bytes)
{
  enum { INODES_MIN = 1024, BYTES_PER_INODE = 4096 };
  const uint64_t inodes = disk_bytes / BYTES_PER_INODE;
  return inodes < INODES_MIN ? INODES_MIN : inodes;
}

bool plan_path_valid(const char *path)
{
  if (strlen(path) > PATH_BYTES_MAX)
    return false;
  for (unsigned depth = 1; depth <= PATH_DEPTH_MAX; depth++) {
    size_t length = strcspn(path, "/");
    if (length == 0 || length > PATH_NAME_BYTES_MAX || (length == 1 && path[0] == '.') ||
        (length == 2 && path[0] == '.' && path[1] == '.'))
      return false;
    if (!path[length])
      return true;
    path += length + 1;
  }
  return false;
}

/* ---- encoding: the same walk twice, first to count the bytes, then to write them ---- */

struct writer {
  unsigned char *next; /* NULL: only count */
  size_t size;
};

static void put(struct writer *writer, const void *data, size_t size)
{
  writer->size += size;
  if (!writer->next || !size)
    return;
  memcpy(writer->next, data, size);
  writer->next += size;
}

static void put_field(struct writer *writer, unsigned key, const void *data, size_t size)
{
  ASSERT(size <= PLAN_BYTES_MAX);
  uint16_t key_bytes = htole16((uint16_t)key);
  uint32_t size_bytes = htole32((uint32_t)size);
  put(writer, &key_bytes, sizeof key_bytes);
  put(writer, &size_bytes, sizeof size_bytes);
  put(writer, data, size);
}

static void put_string(struct writer *writer, enum key key, const char *text)
{
  put_field(writer, key, text, strlen(text) + 1);
}

static void put_strings(struct writer *writer, enum key key, char *const *list)
{
  for (; list && *list; list++)
    put_string(writer, key, *list);
}

static void put_integer(struct writer *writer, unsigned key, uint64_t value)
{
  uint64_t bytes = htole64(value);
  put_field(writer, key, &bytes, sizeof bytes);
}

static void put_file(struct writer *writer, const struct plan_file *file)
{
  put_string(writer, KEY_FILE_PATH, file->path);
  put_integer(writer, KEY_FILE_MODE, file->executable);
  put_field(writer, KEY_FILE_CONTENT, file->data, file->size);
}

static void put_limits(struct writer *writer, const struct limits *limits)
{
  for (unsigned kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++)
    put_integer(writer, KEY_LIMITS + kind, limit_value(limits, kind));
}

static void put_plan(struct writer *writer, const struct plan *plan)
{
  put(writer, magic, sizeof magic);
  put_limits(writer, &plan->limits);
  put_integer(writer, KEY_FLAGS, plan->flags);
  if (plan->root)
    put_string(writer, KEY_ROOT, plan->root);
  if (plan->image)
    put_string(writer, KEY_IMAGE, plan->image);
  put_strings(writer, KEY_COMPILE, plan->compile);
  put_strings(writer, KEY_COMMAND, plan->command);
  put_strings(writer, KEY_ENVIRONMENT, plan->environment);
  for (size_t i = 0; i < plan->file_count; i++)
    put_file(writer, &plan->files[i]);
  put_field(writer, KEY_INPUT, plan->input, plan->input_size);
}

struct blob *plan_encode(const struct plan *plan)
{
  struct writer count = {0};
  put_plan(&count, plan);
  ASSERT(count.size <= PLAN_BYTES_MAX);
  struct blob *blob = blob_create(0, count.size);
  struct writer fill = {.next = blob->data};
  put_plan(&fill, plan);
  ASSERT(fill.size == count.size);
  return blob;
}

/* ---- decoding: one walk that checks and counts, so that the next one can store without a doubt ---- */

struct reader {
  const unsigned char *next, *end;
};

struct field {
  unsigned key;
  const unsigned char *data;
  size_t size;
};

struct tally {
  size_t count[KEY_COUNT];
  size_t argument_bytes[KEY_ENVIRONMENT + 1]; /* of compile, command, environment, by key */
};

static bool next_field(struct reader *reader, struct field *ret, struct error *error)
{
  uint16_t key;
  uint32_t size;
  size_t left = (size_t)(reader->end - reader->next);
  if (left < sizeof key + sizeof size)
    return error_set(error, ERROR_INVALID, 0, "the plan ends inside the head of a field");
  memcpy(&key, reader->next, sizeof key);
  memcpy(&size, reader->next + sizeof key, sizeof size);
  key = le16toh(key);
  size = le32toh(size);
  left -= sizeof key + sizeof size;
  if (key >= KEY_COUNT || rules[key].type == TYPE_NONE)
    return error_set(error, ERROR_INVALID, 0, "unknown field %u", (unsigned)key);
  if (size > left)
    return error_set(error, ERROR_INVALID, 0, "%s is cut off: %zu of %zu bytes", rules[key].name, left, (size_t)size);
  *ret = (struct field){key, reader->next + sizeof key + sizeof size, size};
  reader->next = ret->data + size;
  return true;
}

static uint64_t field_integer(const struct field *field)
{
  uint64_t value = 0;
  memcpy(&value, field->data, sizeof value);
  return le64toh(value);
}

static bool check_string(const struct field *field, struct error *error)
{
  const struct field_rule *rule = &rules[field->key];
  if (field->size == 0 || field->data[field->size - 1])
    return error_set(error, ERROR_INVALID, 0, "%s does not end with a NUL", rule->name);
  if (memchr(field->data, 0, field->size - 1))
    return error_set(error, ERROR_INVALID, 0, "%s holds a NUL", rule->name);
  if (field->size - 1 > rule->bytes_max)
    return error_set(error, ERROR_INVALID, 0, "%s has %zu bytes, at most %zu are allowed", rule->name, field->size - 1,
                     rule->bytes_max);
  return true;
}

static bool check_type(const struct field *field, struct error *error)
{
  switch (rules[field->key].type) {
  case TYPE_STRING:
    return check_string(field, error);
  case TYPE_INTEGER:
    return field->size == sizeof(uint64_t) ||
           error_set(error, ERROR_INVALID, 0, "%s has %zu bytes instead of 8", rules[field->key].name, field->size);
  default:
    return true; /* bytes are bounded by the plan's own size */
  }
}

static bool check_variable(const char *text, struct error *error)
{
  const char *equals = strchr(text, '=');
  return (equals && equals != text) || error_set(error, ERROR_INVALID, 0, "environment is not of the form NAME=value");
}

static bool check_limit(const struct field *field, struct error *error)
{
  enum limit_kind kind = field->key - KEY_LIMITS;
  uint64_t value = field_integer(field);
  const struct limit_rule *rule = limit_rule(kind);
  return (value >= rule->least && value <= rule->most) ||
         error_set(error, ERROR_INVALID, 0, "%s is out of range", rule->name);
}

static bool check_value(const struct field *field, struct error *error)
{
  const char *text = (const char *)field->data;
  switch (field->key) {
  case KEY_COMPILE:
  case KEY_COMMAND:
  case KEY_FILE_CONTENT:
  case KEY_INPUT:
    return true;
  case KEY_ENVIRONMENT:
    return check_variable(text, error);
  case KEY_FILE_PATH:
    return plan_path_valid(text) || error_set(error, ERROR_INVALID, 0, "file path is not allowed");
  case KEY_FILE_MODE:
    return field_integer(field) <= 1 || error_set(error, ERROR_INVALID, 0, "file mode is neither 0 nor 1");
  case KEY_FLAGS:
    return (field_integer(field) & ~(uint64_t)PLAN_FLAGS) == 0 ||
           error_set(error, ERROR_INVALID, 0, "flags has an unknown flag");
  case KEY_ROOT:
    return text[0] == '/' || error_set(error, ERROR_INVALID, 0, "root is not absolute");
  case KEY_IMAGE:
    return image_name_parse(text, 0, error);
  default:
    return check_limit(field, error);
  }
}

/* A file is three fields in a row; nothing may stand between them, and none may stand alone. */
static bool check_order(unsigned previous, const struct field *field, struct error *error)
{
  bool in_file = previous == KEY_FILE_PATH || previous == KEY_FILE_MODE;
  bool continues = field->key == KEY_FILE_MODE || field->key == KEY_FILE_CONTENT;
  if (!in_file && !continues)
    return true;
  if (in_file && field->key == previous + 1)
    return true;
  return error_set(error, ERROR_INVALID, 0, "%s stands where it does not belong", rules[field->key].name);
}

static bool count_field(struct tally *tally, const struct field *field, struct error *error)
{
  const struct field_rule *rule = &rules[field->key];
  if (++tally->count[field->key] > rule->most)
    return error_set(error, ERROR_INVALID, 0, "%s occurs more than %zu times", rule->name, rule->most);
  if (field->key <= KEY_ENVIRONMENT)
    tally->argument_bytes[field->key] += field->size - 1;
  return true;
}

static bool check_tally(const struct tally *tally, struct error *error)
{
  for (unsigned key = 0; key < KEY_COUNT; key++)
    if (tally->count[key] < rules[key].least)
      return error_set(error, ERROR_INVALID, 0, "%s is missing", rules[key].name);
  if (tally->count[KEY_FILE_CONTENT] != tally->count[KEY_FILE_PATH])
    return error_set(error, ERROR_INVALID, 0, "file content is missing");
  /* Either command line shares the room of execve(2) with the environment. */
  size_t environment = tally->argument_bytes[KEY_ENVIRONMENT];
  for (unsigned key = KEY_COMPILE; key <= KEY_COMMAND; key++)
    if (tally->argument_bytes[key] + environment > ARGUMENTS_BYTES_MAX)
      return error_set(error, ERROR_INVALID, 0, "%s and environment have more than %llu bytes", rules[key].name,
                       ARGUMENTS_BYTES_MAX);
  return true;
}

static bool check_plan(struct reader reader, struct tally *tally, struct error *error)
{
  for (unsigned previous = 0; reader.next < reader.end;) {
    struct field field = {0};
    if (!next_field(&reader, &field, error) || !check_type(&field, error) || !count_field(tally, &field, error) ||
        !check_value(&field, error) || !check_order(previous, &field, error))
      return false;
    previous = field.key;
  }
  return check_tally(tally, error);
}

static char **make_list(size_t count)
{
  return xcalloc(count + 1, sizeof(char *));
}

/* Where the next entry of each list goes, while the second walk stores. */
struct cursor {
  char **compile, **command, **environment;
  struct plan_file *file;
};

static void store_field(struct plan *plan, struct cursor *cursor, const struct field *field)
{
  char *text = (char *)field->data;
  switch (field->key) {
  case KEY_COMPILE:
    *cursor->compile++ = text;
    break;
  case KEY_COMMAND:
    *cursor->command++ = text;
    break;
  case KEY_ENVIRONMENT:
    *cursor->environment++ = text;
    break;
  case KEY_FILE_PATH:
    cursor->file->path = text;
    break;
  case KEY_FILE_MODE:
    cursor->file->executable = field_integer(field);
    break;
  case KEY_FILE_CONTENT:
    cursor->file->data = field->data;
    cursor->file->size = field->size;
    cursor->file++;
    break;
  case KEY_INPUT:
    plan->input = field->data;
    plan->input_size = field->size;
    break;
  case KEY_FLAGS:
    plan->flags = (unsigned)field_integer(field);
    break;
  case KEY_ROOT:
    plan->root = text;
    break;
  case KEY_IMAGE:
    plan->image = text;
    break;
  default:
    limit_set(&plan->limits, field->key - KEY_LIMITS, field_integer(field));
  }
}

static struct plan store_plan(struct reader reader, const struct tally *tally)
{
  struct plan plan = {
    .compile = tally->count[KEY_COMPILE] ? make_list(tally->count[KEY_COMPILE]) : 0,
    .command = make_list(tally->count[KEY_COMMAND]),
    .environment = make_list(tally->count[KEY_ENVIRONMENT]),
    .files = xcalloc(tally->count[KEY_FILE_PATH], sizeof(struct plan_file)),
    .file_count = tally->count[KEY_FILE_PATH],
  };
  struct cursor cursor = {plan.compile, plan.command, plan.environment, plan.files};
  struct field field = {0};
  while (reader.next < reader.end && next_field(&reader, &field, 0))
    store_field(&plan, &cursor, &field);
  return plan;
}

bool plan_decode(const void *bytes, size_t size, struct plan *ret, struct error *error)
{
  if (size > PLAN_BYTES_MAX)
    return error_set(error, ERROR_INVALID, 0, "the plan has %zu bytes, at most %llu are allowed", size, PLAN_BYTES_MAX);
  if (size < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
    return error_set(error, ERROR_INVALID, 0, "not a plan of version 1");
  const unsigned char *start = bytes;
  struct reader reader = {start + sizeof magic, start + size};
  struct tally tally = {0};
  if (!check_plan(reader, &tally, error))
    return false;
  *ret = store_plan(reader, &tally);
  return true;
}

bool plan_decode_for_container(const void *bytes, size_t size, struct plan *ret, struct error *error)
{
  struct plan plan;
  if (!plan_decode(bytes, size, &plan, error))
    return error_wrap(error, "the plan makes no sense");
  if (!plan.image) {
    plan_release(&plan);
    return error_set(error, ERROR_INVALID, 0, "no container image is named");
  }
  *ret = plan;
  return true;
}

void plan_release(struct plan *plan)
{
  if (!plan)
    return;
  free(plan->compile);
  free(plan->command);
  free(plan->environment);
  free(plan->files);
  *plan = (struct plan){0};
}
