/* assay: the command line of Assay. It speaks HTTP to assayd; see docs/cli.md. */

#include "base/memory.h"
#include "cli/command.h"
#include "cli/inert.h"
#include "cli/remote.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { STATUS_TROUBLE = 1, ANY = -1 };

/* name, operands in the help, fewest and most of them, groups of options, whether what follows the first operand is a
 * program's, status when it could not do its work, what it does */
#define COMMANDS(X)                                                                                                    \
  X(run, "FILE [ARGUMENT…] | --command -- COMMAND…", 1, ANY, GROUP_SUBMISSION, true, STATUS_NO_VERDICT,                \
    "run a program to its end, as if it ran here")                                                                     \
  X(submit, "FILE [ARGUMENT…] | --command -- COMMAND…", 1, ANY, GROUP_SUBMISSION, true, STATUS_TROUBLE,                \
    "hand a program in, and print the evaluation's id")                                                                \
  X(get, "ID", 1, 1, 0, false, STATUS_TROUBLE, "show an evaluation")                                                   \
  X(wait, "ID", 1, 1, 0, false, STATUS_NO_VERDICT, "wait for the verdict, and exit as the program did")                \
  X(logs, "ID", 1, 1, GROUP_LOGS, false, STATUS_TROUBLE, "print what the program wrote")                               \
  X(cancel, "ID", 1, 1, 0, false, STATUS_TROUBLE, "end an evaluation")                                                 \
  X(list, "", 0, 0, GROUP_LIST, false, STATUS_TROUBLE, "list evaluations, newest first")                               \
  X(batch, "FILE.jsonl", 1, 1, GROUP_BATCH, false, STATUS_TROUBLE,                                                     \
    "run many programs, a submission a line, and gather their results")                                                \
  X(doctor, "", 0, 0, 0, false, STATUS_TROUBLE, "tell what this host can enforce, and what is missing")                \
  X(admin, "backup", 1, 1, 0, false, STATUS_TROUBLE, "backup: copy all evaluations, while the server runs")            \
  X(token, "create NAME | list | revoke NAME", 1, 2, GROUP_TOKEN, false, STATUS_TROUBLE,                               \
    "make, list and revoke access tokens")                                                                             \
  X(version, "", 0, 0, 0, false, STATUS_TROUBLE, "print the versions of assay and of the server")

static const struct command {
  const char *name, *operands, *summary;
  int operands_min, operands_max;
  unsigned groups;
  bool program_follows;
  int status_trouble;
  command_function *function;
} commands[] = {
#define X(name, operands, least, most, groups, program, trouble, summary)                                              \
  {#name, operands, summary, least, most, (groups) | GROUP_COMMON, program, trouble, command_##name},
  COMMANDS(X)
#undef X
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_help(FILE *stream)
{
  fputs("usage: assay COMMAND [OPTION…] [OPERAND…]\n\n"
        "Runs programs that nobody trusts, and says truthfully how they ended.\n\n",
        stream);
  for (const struct command *command = commands; command < commands + COMMAND_COUNT; command++)
    fprintf(stream, "  %-8s  %s\n", command->name, command->summary);
  fputs("\nThe options of a command: assay COMMAND --help\n"
        "The server: --server URL, else ASSAY_SERVER, else " SERVER_DEFAULT "\n",
        stream);
}

static void print_command_help(const struct command *command)
{
  printf("usage: assay %s [OPTION…] %s\n\n%s\n\n", command->name, command->operands, command->summary);
  options_print_help(command->groups, stdout);
}

static const struct command *command_find(const char *name)
{
  if (strcmp(name, "--version") == 0)
    name = "version";
  for (const struct command *command = commands; command < commands + COMMAND_COUNT; command++)
    if (strcmp(command->name, name) == 0)
      return command;
  return 0;
}

static bool operands_check(const struct command *command, const struct options *options, struct error *error)
{
  int count = (int)options->operands.count;
  if (count < command->operands_min)
    return error_set(error, ERROR_INVALID, EINVAL, "an operand is missing: %s", command->operands);
  if (command->operands_max != ANY && count > command->operands_max)
    return error_set(error, ERROR_INVALID, EINVAL, "too many operands: %s",
                     options->operands.items[command->operands_max]);
  return true;
}

/* What a server says is not trusted on a terminal either. */
static void error_print(const struct session *session, const struct error *error)
{
  CLEANUP_FREE char *message = inert_line(error->message);
  fprintf(stderr, "assay: %s\n", message);
  const json_t *problem = session->client ? client_problem(session->client) : 0;
  const json_t *faults = json_at(problem, "errors");
  for (size_t i = 0; i < json_array_size(faults); i++) {
    const json_t *fault = json_array_get(faults, i);
    CLEANUP_FREE char *path = inert_line(json_text_at(fault, "path"));
    CLEANUP_FREE char *text = inert_line(json_text_at(fault, "message"));
    /* A server with a single fault may have said it all in its detail. */
    if (!strstr(message, path) || !strstr(message, text))
      fprintf(stderr, "  %s: %s\n", path, text);
  }
  bool server_failed = error->code == ECONNREFUSED || error->code == ECONNRESET || error->code == ETIMEDOUT;
  if (session->daemon && server_failed)
    private_daemon_print_log(session->daemon);
}

static int command_carry_out(const struct command *command, const struct options *options)
{
  struct session session = {.options = options, .interrupts = -1};
  struct error error = {0};
  int status = 0;
  bool good = command->function(&session, &status, &error);
  if (good && fflush(stdout) != 0)
    good = error_errno(&error, "cannot write to standard output");
  if (!good) {
    status = error.code == EINTR ? STATUS_SIGNALLED + SIGINT : command->status_trouble;
    error_print(&session, &error);
  }
  session_close(&session);
  return status;
}

static int usage_refuse(const struct command *command, const struct error *error)
{
  fprintf(stderr, "assay %s: %s; see assay %s --help\n", command->name, error->message, command->name);
  return STATUS_USAGE;
}

int main(int argc, char **argv)
{
  setlocale(LC_CTYPE, "");  /* how wide characters are, for tables */
  signal(SIGPIPE, SIG_IGN); /* a reader that leaves is an error to be cleaned up after */
  if (argc < 2) {
    print_help(stderr);
    return STATUS_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    print_help(stdout);
    return 0;
  }
  const struct command *command = command_find(argv[1]);
  if (!command) {
    fprintf(stderr, "assay: unknown command %s; see assay --help\n", argv[1]);
    return STATUS_USAGE;
  }
  CLEANUP_OPTIONS struct options options = {0};
  struct error error = {0};
  if (!options_parse((const char *const *)argv + 2, command->groups, command->program_follows, &options, &error))
    return usage_refuse(command, &error);
  if (options.help) {
    print_command_help(command);
    return 0;
  }
  if (!operands_check(command, &options, &error))
    return usage_refuse(command, &error);
  return command_carry_out(command, &options);
}
