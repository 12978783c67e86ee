#include "cli/submission.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "base/fd.h"
#include "base/limits.h"
#include "cli/language.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 16 };

/* A file as it is on this side. */
struct content {
  struct buffer bytes;
  bool executable;
};

static void content_release(struct content *content)
{
  buffer_release(&content->bytes);
}
#define CLEANUP_CONTENT __attribute__((cleanup(content_release)))

/* Someone may be typing it: then an interrupt, where those are taken already, must be heard. */
static bool wait_readable(const struct session *session, int fd, struct error *error)
{
  struct pollfd wait[] = {{.fd = fd, .events = POLLIN}, {.fd = session->interrupts, .events = POLLIN}};
  poll(wait, 2, -1);
  return !wait[1].revents || error_set(error, ERROR_UNAVAILABLE, EINTR, "interrupted");
}

/* Pipes and terminals too, so the size is known at the end only. `path` "-" is standard input. */
static bool content_read(const struct session *session, const char *path, struct content *content, struct error *error)
{
  bool is_input = strcmp(path, "-") == 0;
  CLEANUP_FD int fd = is_input ? fcntl(0, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0)
    return error_errno(error, "cannot open %s", path);
  content->executable = S_ISREG(status.st_mode) && status.st_mode & S_IXUSR;
  while (wait_readable(session, fd, error)) {
    buffer_reserve(&content->bytes, READ_BYTES);
    ssize_t got = read(fd, content->bytes.data + content->bytes.size, READ_BYTES);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return error_errno(error, "cannot read %s", path);
    if (got == 0)
      return true;
    content->bytes.size += (size_t)got;
    if (content->bytes.size > BODY_BYTES_MAX)
      return error_set(error, ERROR_TOO_LARGE, EFBIG, "%s holds more than %llu bytes, the most that a server takes",
                       path, BODY_BYTES_MAX);
  }
  return false;
}

static json_t *in_base64(const void *data, size_t size)
{
  CLEANUP_BUFFER struct buffer text = {0};
  base64_encode(data, size, &text);
  return json_stringn(text.data, text.size);
}

/* As text where it is text (jansson refuses what is not UTF-8), so that a person can read the submission; else base64.
 */
static void content_put(json_t *object, const char *key, const char *encoding_key, const struct content *content)
{
  const char *bytes = content->bytes.data ? content->bytes.data : "";
  size_t size = content->bytes.size;
  json_t *text = memchr(bytes, 0, size) ? 0 : json_stringn(bytes, size);
  if (!text) {
    text = in_base64(bytes, size);
    json_object_set_new(object, encoding_key, json_string("base64"));
  }
  json_object_set_new(object, key, text);
}

static void file_put(json_t *files, const char *path, const struct content *content)
{
  json_t *file = json_object();
  json_object_set_new(file, "path", json_string(path));
  content_put(file, "content", "encoding", content);
  if (content->executable)
    json_object_set_new(file, "executable", json_true());
  json_array_append_new(files, file);
}

/* --file PATH[=LOCAL] */
static bool files_put(const struct session *session, json_t *submission, struct error *error)
{
  const struct texts *named = &session->options->files;
  json_t *files = json_object_get(submission, "files");
  if (!files)
    json_object_set_new(submission, "files", files = json_array());
  for (size_t i = 0; i < named->count; i++) {
    CLEANUP_FREE char *path = xstrdup(named->items[i]);
    char *equals = strchr(path, '=');
    if (equals)
      *equals = 0;
    CLEANUP_CONTENT struct content content = {0};
    if (!content_read(session, equals ? equals + 1 : path, &content, error))
      return false;
    file_put(files, path, &content);
  }
  return true;
}

static bool has_name(const json_t *runtime, const char *name)
{
  if (strcmp(json_text_at(runtime, "name"), name) == 0)
    return true;
  const json_t *aliases = json_at(runtime, "aliases");
  for (size_t i = 0; i < json_array_size(aliases); i++)
    if (strcmp(json_text_at(json_array_get(aliases, i), ""), name) == 0)
      return true;
  return false;
}

/* How the runtime calls its main file ("main.py"): only the server knows. The caller frees. */
static char *main_file_name(struct session *session, const char *runtime, struct error *error)
{
  CLEANUP_JSON json_t *answer = 0;
  if (!session_call(session, &(struct client_request){"GET", "/v1/runtimes", .interrupts = -1}, &answer, error))
    return 0;
  const json_t *offered = json_at(answer, "runtimes");
  for (size_t i = 0; i < json_array_size(offered); i++) {
    const char *file = json_text_at(json_array_get(offered, i), "file");
    if (*file && has_name(json_array_get(offered, i), runtime))
      return xstrdup(file);
  }
  error_set(error, ERROR_INVALID, 0, "the server knows no runtime %s", runtime);
  return 0;
}

/* FILE [ARGUMENT…]: the code alone, or, as a server takes only one of the two, as one file among those of --file. */
static bool program_put(struct session *session, json_t *submission, struct error *error)
{
  const struct options *options = session->options;
  const char *path = options->operands.items[0];
  CLEANUP_CONTENT struct content code = {0};
  if (!content_read(session, path, &code, error))
    return false;
  CLEANUP_FREE char *runtime =
    options->runtime ? xstrdup(options->runtime) : language_guess(path, code.bytes.data, code.bytes.size);
  if (!runtime)
    return error_set(error, ERROR_INVALID, 0, "cannot tell the language of %s: name it with --runtime", path);
  json_object_set_new(submission, "runtime", json_string(runtime));
  if (!options->files.count) {
    content_put(submission, "code", "code_encoding", &code);
    return true;
  }
  CLEANUP_FREE char *name = main_file_name(session, runtime, error);
  if (!name)
    return false;
  json_t *files = json_array();
  json_object_set_new(submission, "files", files);
  file_put(files, name, &code);
  return true;
}

static bool texts_put(json_t *submission, const char *key, const struct texts *texts, size_t first, struct error *error)
{
  if (texts->count <= first)
    return true;
  json_t *array = json_array();
  json_object_set_new(submission, key, array);
  for (size_t i = first; i < texts->count; i++)
    if (json_array_append_new(array, json_string(texts->items[i])) < 0)
      return error_set(error, ERROR_INVALID, EILSEQ, "argument %zu is not UTF-8, and cannot be sent", i + 1);
  return true;
}

/* NAME=VALUE pairs as an object; the options' table has made sure of the '='. */
static bool pairs_put(json_t *submission, const char *key, const struct texts *pairs, struct error *error)
{
  if (!pairs->count)
    return true;
  json_t *object = json_object();
  json_object_set_new(submission, key, object);
  for (size_t i = 0; i < pairs->count; i++) {
    const char *equals = strchr(pairs->items[i], '=');
    if (json_object_setn_new(object, pairs->items[i], (size_t)(equals - pairs->items[i]), json_string(equals + 1)) < 0)
      return error_set(error, ERROR_INVALID, EILSEQ, "a pair of \"%s\" is not UTF-8, and cannot be sent", key);
  }
  return true;
}

json_t *limits_make(const struct options *options)
{
  const struct {
    const char *name;
    const struct quantity *quantity;
  } limits[] = {
    {"wall_time_ms", &options->wall_time}, {"cpu_time_ms", &options->cpu_time},      {"memory_bytes", &options->memory},
    {"processes", &options->processes},    {"output_bytes", &options->output_limit}, {"disk_bytes", &options->disk},
  };
  json_t *object = json_object();
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
    if (limits[i].quantity->given)
      json_object_set_new(object, limits[i].name, json_integer((json_int_t)limits[i].quantity->value));
  return object;
}

static void limits_put(json_t *submission, const struct options *options)
{
  json_t *object = limits_make(options);
  if (json_object_size(object))
    json_object_set(submission, "limits", object);
  json_decref(object);
}

/* Options that are fields. */
static bool words_put(json_t *submission, const struct options *options, struct error *error)
{
  const struct {
    const char *field, *option, *value;
  } words[] = {
    {"backend", "backend", options->backend},
    {"image", "image", options->image},
    {"callback_url", "callback-url", options->callback_url},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (words[i].value && json_object_set_new(submission, words[i].field, json_string(words[i].value)) < 0)
      return error_set(error, ERROR_INVALID, EILSEQ, "--%s is not UTF-8, and cannot be sent", words[i].option);
  return true;
}

static bool input_put(const struct session *session, json_t *submission, const char *path, struct error *error)
{
  CLEANUP_CONTENT struct content input = {0};
  if (!content_read(session, path, &input, error))
    return false;
  content_put(submission, "stdin", "stdin_encoding", &input);
  return true;
}

bool submission_make(struct session *session, json_t **ret, struct error *error)
{
  const struct options *options = session->options;
  CLEANUP_JSON json_t *submission = json_object();
  const struct texts *operands = &options->operands;
  bool good = options->command
                ? texts_put(submission, "command", operands, 0, error)
                : program_put(session, submission, error) && texts_put(submission, "args", operands, 1, error);
  good = good && (!options->files.count || files_put(session, submission, error)) &&
         (!options->input || input_put(session, submission, options->input, error)) &&
         pairs_put(submission, "env", &options->environment, error) &&
         pairs_put(submission, "labels", &options->labels, error);
  if (!good)
    return false;
  limits_put(submission, options);
  if (!words_put(submission, options, error))
    return false;
  if (options->kill_on_output)
    json_object_set_new(submission, "on_output_limit", json_string("kill"));
  *ret = TAKE_PTR(submission);
  return true;
}
