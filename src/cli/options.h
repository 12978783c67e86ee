#pragma once

/*
 * The options of all commands, as one table: the struct that holds them, the parser and the help come from it. A
 * command names the groups that it takes.
 */

#include "base/error.h"
#include "cli/quantity.h"

#include <stdio.h>

enum option_group {
  GROUP_COMMON = 1,     /* every command */
  GROUP_SUBMISSION = 2, /* run, submit */
  GROUP_LOGS = 4,
  GROUP_LIST = 8,
  GROUP_TOKEN = 16,
  GROUP_LIMITED = GROUP_SUBMISSION | GROUP_TOKEN, /* a token's are the most that may be asked for with it */
  GROUP_BATCH = 32,
};

/* field, name, letter, kind, groups, argument in the help, help */
#define OPTIONS(X)                                                                                                     \
  X(runtime, "runtime", 0, TEXT, GROUP_SUBMISSION, "NAME", "the language; else told by the file's ending or #! line")  \
  X(backend, "backend", 0, TEXT, GROUP_SUBMISSION, "NAME", "where it runs, such as native or docker")                  \
  X(image, "image", 0, TEXT, GROUP_SUBMISSION, "IMAGE", "the container image to run it in; for docker")                \
  X(command, "command", 0, FLAG, GROUP_SUBMISSION, 0, "the operands are a command and its arguments, not a file")      \
  X(files, "file", 0, TEXTS, GROUP_SUBMISSION, "PATH[=LOCAL]", "put a local file beside the program, as PATH")         \
  X(input, "stdin", 0, TEXT, GROUP_SUBMISSION, "FILE|-", "the program's standard input; empty without")                \
  X(environment, "env", 0, PAIRS, GROUP_SUBMISSION, "NAME=VALUE", "a variable of the program's environment")           \
  X(labels, "label", 0, PAIRS, GROUP_SUBMISSION | GROUP_LIST, "KEY=VALUE",                                             \
    "a label; with list: only those that have it")                                                                     \
  X(callback_url, "callback-url", 0, TEXT, GROUP_SUBMISSION, "URL",                                                    \
    "who is sent the verdict; needs a server that stays")                                                              \
  X(wall_time, "wall-time", 0, DURATION, GROUP_LIMITED, "TIME", "limit of elapsed time, such as 10s or 1500ms")        \
  X(cpu_time, "cpu-time", 0, DURATION, GROUP_LIMITED, "TIME", "limit of CPU time")                                     \
  X(memory, "memory", 0, SIZE, GROUP_LIMITED, "SIZE", "limit of memory, such as 256M")                                 \
  X(processes, "processes", 0, COUNT, GROUP_LIMITED, "N", "limit of processes and threads at a time")                  \
  X(output_limit, "output-limit", 0, SIZE, GROUP_LIMITED, "SIZE", "limit of each output stream that is kept")          \
  X(disk, "disk", 0, SIZE, GROUP_LIMITED, "SIZE", "limit of what the program may store in files")                      \
  X(kill_on_output, "kill-on-output", 0, FLAG, GROUP_SUBMISSION, 0,                                                    \
    "over the output limit: kill, and do not keep less")                                                               \
  X(stream, "stream", 0, CHOICE, GROUP_LOGS, "output|stdout|stderr|compile", "which one; output is both, in order")    \
  X(follow, "follow", 'f', FLAG, GROUP_LOGS, 0, "print what comes, until it is finished")                              \
  X(status, "status", 0, TEXT, GROUP_LIST, "STATUS", "only those of this status, such as queued or failed")            \
  X(limit, "limit", 0, COUNT, GROUP_LIST, "N", "at most so many, newest first")                                        \
  X(all, "all", 0, FLAG, GROUP_LIST, 0, "all there are, page after page")                                              \
  X(scopes, "scope", 0, TEXTS, GROUP_TOKEN, "submit|read|admin", "with create; repeatable; else submit and read")      \
  X(rate, "rate", 0, COUNT, GROUP_TOKEN, "N", "with create: at most so many submissions a minute")                     \
  X(open, "open", 0, COUNT, GROUP_TOKEN, "N", "with create: at most so many open evaluations")                         \
  X(ca_file, "ca-file", 0, TEXT, GROUP_COMMON, "FILE", "whom to trust with https:// (PEM); else ASSAY_CA_FILE")        \
  X(token_file, "token-file", 0, TEXT, GROUP_COMMON, "FILE", "with the access token; else ASSAY_TOKEN_FILE")           \
  X(results, "results", 'o', TEXT, GROUP_BATCH, "FILE", "where the results go, a line each; with FILE.batch to go on") \
  X(report, "report", 0, TEXT, GROUP_BATCH, "FILE.html", "and a page about them, once all have ended")                 \
  X(server, "server", 0, TEXT, GROUP_COMMON, "URL", "http://HOST:PORT, https://… or unix:PATH; else ASSAY_SERVER")     \
  X(json, "json", 0, FLAG, GROUP_COMMON, 0, "print the server's JSON")                                                 \
  X(help, "help", 'h', FLAG, GROUP_COMMON, 0, "print this help")

/* What an option of each kind is stored as. */
struct texts {
  const char **items;
  size_t count;
};
#define OPTION_TYPE_FLAG bool
#define OPTION_TYPE_TEXT const char *
#define OPTION_TYPE_CHOICE const char * /* one of the words of the argument in the help */
#define OPTION_TYPE_TEXTS struct texts  /* repeated */
#define OPTION_TYPE_PAIRS struct texts  /* repeated, each with a '=' behind a name */
#define OPTION_TYPE_DURATION struct quantity
#define OPTION_TYPE_SIZE struct quantity
#define OPTION_TYPE_COUNT struct quantity

/* All text points into argv. */
struct options {
#define X(field, name, letter, kind, groups, argument, help) OPTION_TYPE_##kind field;
  OPTIONS(X)
#undef X
  struct texts operands; /* what is not an option */
};

/*
 * Reads `arguments` (NULL-terminated). With `program_follows`, everything from the first operand on is an operand, so
 * that a program's own options need no "--" before them. `ret` must be zero; release it in any case.
 */
bool options_parse(const char *const *arguments, unsigned groups, bool program_follows, struct options *ret,
                   struct error *error);
void options_release(struct options *options);
#define CLEANUP_OPTIONS __attribute__((cleanup(options_release)))

void options_print_help(unsigned groups, FILE *stream);
