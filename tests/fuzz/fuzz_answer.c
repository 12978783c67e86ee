/*
 * What a server answers, as `assay` shows it at a terminal: whatever it is, and whatever a program wrote, what is printed
 * acts on no terminal; and an exit status is one. Here every descriptor is a terminal, and standard output is a file.
 */

#include "api/utf8.h"
#include "base/buffer.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/remote.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int isatty(int fd)
{
  (void)fd;
  return 1;
}

/* The server: it says the same whatever it is asked, but not for ever. */

enum { ANSWERS_MAX = 3 };
static const uint8_t *said;
static size_t said_size;
static unsigned answers_left;

bool session_open(struct session *session, struct error *error)
{
  (void)session, (void)error;
  return true;
}

bool session_open_or_start(struct session *session, struct error *error)
{
  return session_open(session, error);
}

bool session_call(struct session *session, const struct client_request *request, json_t **ret, struct error *error)
{
  (void)session, (void)request;
  json_t *answer = answers_left ? json_loadb((const char *)said, said_size, JSON_ALLOW_NUL, 0) : 0;
  answers_left -= answers_left > 0;
  if (json_is_object(answer)) {
    *ret = answer;
    return true;
  }
  json_decref(answer);
  return error_set(error, ERROR_UNAVAILABLE, 0, "no answer");
}

bool session_may_repeat(struct session *session, int interrupts, struct mono give_up, struct error *error)
{
  (void)session, (void)interrupts, (void)give_up, (void)error;
  return false;
}

struct mono session_patience(void)
{
  return (struct mono){0};
}

bool client_fetch(struct client *client, const struct client_request *request, client_sink *sink, void *context,
                  struct error *error)
{
  (void)client, (void)request;
  const size_t half = said_size / 2;
  return sink(context, said, half, error) && sink(context, said + half, said_size - half, error);
}

const char *client_server(const struct client *client)
{
  (void)client;
  return "unix:/nowhere";
}

char *url_encode(const char *text)
{
  (void)text;
  return xstrdup("encoded");
}

/* The terminal. */

static int terminal = -1;

static void open_terminal(void)
{
  setlocale(LC_ALL, "C.UTF-8");
  setenv("COLUMNS", "80", 1);
  terminal = memfd_create("terminal", MFD_CLOEXEC);
  ASSERT(terminal >= 0 && dup2(terminal, STDOUT_FILENO) == STDOUT_FILENO);
}

static void check_inert(const unsigned char *text, size_t size)
{
  size_t length;
  for (; size; text += length, size -= length) {
    ASSERT(utf8_next(text, size, &length));
    ASSERT(*text >= ' ' || *text == '\n' || *text == '\t');
    ASSERT(*text != 0x7f && !(*text == 0xc2 && text[1] < 0xa0));
    ASSERT(length != 3 || (memcmp(text, "\u202e", 3) != 0 && memcmp(text, "\u2066", 3) != 0));
  }
}

static void check_terminal(void)
{
  struct error error;
  fflush(stdout);
  CLEANUP_BLOB struct blob *shown = fd_read_file(terminal, SIZE_MAX / 4, &error);
  ASSERT(shown);
  check_inert(shown->data, shown->size);
  ASSERT(ftruncate(terminal, 0) == 0 && lseek(terminal, 0, SEEK_SET) == 0);
}

/* The commands. */

static void run(command_function *command, const struct options *options)
{
  struct session session = {.options = options, .interrupts = -1};
  struct error error = {0};
  int status = -1;
  answers_left = ANSWERS_MAX;
  if (command(&session, &status, &error))
    ASSERT(status >= 0 && status <= 255);
  else
    ASSERT(error.message[0]);
  check_terminal();
}

static void show_end(void)
{
  FILE *errors = stderr;
  CLEANUP_JSON json_t *evaluation = json_loadb((const char *)said, said_size, JSON_ALLOW_NUL, 0);
  if (!json_is_object(evaluation))
    return;
  stderr = stdout;
  output_explain(evaluation);
  outcome_explain(evaluation);
  stderr = errors;
  check_terminal();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static command_function *const commands[] = {command_get, command_list, command_doctor, command_logs, command_cancel};
  static const char *operand = "20261122_195800_0123abcd";
  if (terminal < 0)
    open_terminal();
  said = data;
  said_size = size;
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    struct options options = {.operands = {.items = &operand, .count = 1}};
    run(commands[i], &options);
    options.json = options.all = true;
    run(commands[i], &options);
  }
  struct options follow = {.operands = {.items = &operand, .count = 1}, .follow = true};
  run(command_logs, &follow);
  show_end();
  return 0;
}
