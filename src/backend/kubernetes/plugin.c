#include "backend/kubernetes/plugin.h"

#include "backend/lines.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/printable.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  LINE_BYTES_MAX = 4096, /* of standard error: a longer one is not kept */
  SAID_SIZE = 160
};

/*
 * Four handles: the process, the two pipes that it writes to, and the time limit. When the process has ended and both pipes are
 * at their end, or DRAIN_MS_MAX later, they are all closed, and then it is done.
 */
struct plugin_run {
  uv_loop_t *loop;
  const struct kubeconfig *config;
  plugin_done *done; /* NULL: abandoned */
  void *context;
  unsigned handles; /* not closed yet */
  uv_process_t process;
  uv_pipe_t output, errors;
  uv_timer_t limit;
  bool spawned, ended;
  int64_t status;
  int signal;
  struct error error; /* why it was given up; "" */
  struct lines lines;
  char said[SAID_SIZE]; /* the last line of its standard error */
  char room[1024];      /* for one read of that */
  size_t size;
  char text[PLUGIN_ANSWER_BYTES_MAX + 1];
};

/* The end. */

static void keep_line(void *context, const char *line, size_t size)
{
  struct plugin_run *run = context;
  if (!line)
    return;
  CLEANUP_FREE char *text = xstrndup(line, size);
  printable_copy(run->said, sizeof run->said, text);
}

/* With its last words, complete or not. */
static bool blame(struct plugin_run *run, const char *what)
{
  lines_end(&run->lines, keep_line, run);
  return error_set(&run->error, ERROR_UNAVAILABLE, 0, "%s%s%s", what, *run->said ? ": " : "", run->said);
}

static bool judge(struct plugin_run *run, struct exec_credential *ret)
{
  char what[32];
  if (*run->error.message)
    return false;
  if (!run->signal && !run->status)
    return exec_credential_decode(run->text, run->size, run->config->plugin->api_version, ret, &run->error);
  if (run->signal)
    snprintf(what, sizeof what, "killed by signal %d", run->signal);
  else
    snprintf(what, sizeof what, "exit code %d", (int)run->status);
  return blame(run, what);
}

static void tell(struct plugin_run *run)
{
  struct exec_credential answer = {0};
  if (!judge(run, &answer))
    error_wrap(&run->error, "the plugin %.60s", run->config->plugin->name);
  printable(run->error.message);
  run->done(run->context, &answer, run->error.message);
  exec_credential_release(&answer);
}

static void closed(uv_handle_t *handle)
{
  struct plugin_run *run = handle->data;
  if (--run->handles)
    return;
  if (run->done)
    tell(run);
  lines_release(&run->lines);
  explicit_bzero(run, sizeof *run);
  free(run);
}

static void close_handle(uv_handle_t *handle)
{
  if (!uv_is_closing(handle))
    uv_close(handle, closed);
}

/* Nothing more is read; and if it has not ended, it and what it started are killed. */
static void stop(struct plugin_run *run)
{
  if (uv_is_active((uv_handle_t *)&run->process))
    uv_kill(-run->process.pid, SIGKILL);
  close_handle((uv_handle_t *)&run->output);
  close_handle((uv_handle_t *)&run->errors);
  close_handle((uv_handle_t *)&run->limit);
}

/* Who reaps it afterwards is our init. */
static void abandon(struct plugin_run *run)
{
  stop(run);
  if (run->spawned)
    close_handle((uv_handle_t *)&run->process);
}

static void give_up(struct plugin_run *run, const char *why)
{
  blame(run, why);
  stop(run);
}

/* While it runs. */

static void limit_reached(uv_timer_t *timer)
{
  struct plugin_run *run = timer->data;
  if (run->ended)
    stop(run); /* a process of its own has kept a pipe open */
  else
    give_up(run, "it has not ended in time");
}

static bool streams_ended(const struct plugin_run *run)
{
  return uv_is_closing((const uv_handle_t *)&run->output) && uv_is_closing((const uv_handle_t *)&run->errors);
}

static void exited(uv_process_t *process, int64_t status, int signal)
{
  struct plugin_run *run = process->data;
  run->ended = true;
  run->status = status;
  run->signal = signal;
  close_handle((uv_handle_t *)process);
  if (streams_ended(run))
    stop(run);
  else if (!uv_is_closing((uv_handle_t *)&run->limit))
    uv_timer_start(&run->limit, limit_reached, DRAIN_MS_MAX, 0);
}

static void end_stream(struct plugin_run *run, uv_stream_t *stream)
{
  close_handle((uv_handle_t *)stream);
  if (run->ended && streams_ended(run))
    stop(run);
}

static void output_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
  (void)suggested;
  struct plugin_run *run = handle->data;
  *ret = uv_buf_init(run->text + run->size, (unsigned)(sizeof run->text - run->size));
}

static void output_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
  (void)buffer;
  struct plugin_run *run = stream->data;
  if (size < 0) {
    end_stream(run, stream);
    return;
  }
  run->size += (size_t)size;
  if (run->size > PLUGIN_ANSWER_BYTES_MAX)
    give_up(run, "it prints too much");
}

static void errors_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
  (void)suggested;
  struct plugin_run *run = handle->data;
  *ret = uv_buf_init(run->room, sizeof run->room);
}

static void errors_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
  struct plugin_run *run = stream->data;
  if (size < 0)
    end_stream(run, stream);
  else
    lines_feed(&run->lines, buffer->base, (size_t)size, LINE_BYTES_MAX, keep_line, run);
}

/* What it finds in its environment. */

/* Puts it in the place of the one with the same name. `count`: those that are there. */
static size_t put_variable(char **variables, size_t count, char *variable)
{
  size_t name_size = strcspn(variable, "=") + 1, at = 0;
  while (at < count && strncmp(variables[at], variable, name_size) != 0)
    at++;
  variables[at] = variable;
  return at == count ? count + 1 : count;
}

/* For the caller to free; NULL with an error. */
static char *make_exec_info(const struct kubeconfig *config, struct error *error)
{
  CLEANUP_FREE char *text = exec_credential_ask(config, error);
  return text ? xasprintf("KUBERNETES_EXEC_INFO=%s", text) : 0;
}

static size_t count_texts(char *const *texts)
{
  size_t count = 0;
  while (texts[count])
    count++;
  return count;
}

/* Ours, its own, and what it is told, each before the others of its name. The texts are borrowed. */
static char **make_environment(const struct kubeconfig_plugin *plugin, char *exec_info)
{
  char **variables = xcalloc(count_texts(environ) + count_texts(plugin->variables) + 2, sizeof *variables);
  size_t count = 0;
  for (char **next = environ; *next; next++)
    count = put_variable(variables, count, *next);
  for (char **next = plugin->variables; *next; next++)
    count = put_variable(variables, count, *next);
  put_variable(variables, count, exec_info);
  return variables;
}

/* Starting it. */

static int spawn(struct plugin_run *run, char *exec_info, int output, int errors)
{
  const struct kubeconfig_plugin *plugin = run->config->plugin;
  CLEANUP_FREE char **environment = make_environment(plugin, exec_info);
  uv_stdio_container_t stdio[] = {
    {.flags = UV_IGNORE},
    {.flags = UV_INHERIT_FD, .data.fd = output},
    {.flags = UV_INHERIT_FD, .data.fd = errors},
  };
  uv_process_options_t options = {
    .file = plugin->command[0],
    .args = plugin->command,
    .env = environment,
    .flags = UV_PROCESS_DETACHED,
    .stdio = stdio,
    .stdio_count = 3,
    .exit_cb = exited,
  };
  run->spawned = true;
  run->handles++;
  return uv_spawn(run->loop, &run->process, &options);
}

static void explain_spawn(struct plugin_run *run, int result)
{
  const char *hint = run->config->plugin->hint;
  if (result == UV_ENOENT)
    error_set(&run->error, ERROR_UNAVAILABLE, 0, "it is not there%s%.300s", hint ? ": " : "", hint ? hint : "");
  else
    error_set(&run->error, ERROR_UNAVAILABLE, 0, "it cannot be started: %s", uv_strerror(result));
}

/* The reading end is the loop's from then on. */
static int make_pipe(uv_pipe_t *pipe, int *ret_write_end)
{
  uv_file ends[2];
  int result = uv_pipe(ends, UV_NONBLOCK_PIPE, 0);
  if (result)
    return result;
  uv_pipe_open(pipe, ends[0]);
  *ret_write_end = ends[1];
  return 0;
}

static bool launch(struct plugin_run *run, unsigned ms_max)
{
  CLEANUP_FD int output = -1;
  CLEANUP_FD int errors = -1;
  CLEANUP_FREE char *exec_info = make_exec_info(run->config, &run->error);
  if (!exec_info)
    return false;
  int result = make_pipe(&run->output, &output);
  result = result ? result : make_pipe(&run->errors, &errors);
  result = result ? result : spawn(run, exec_info, output, errors);
  if (result) {
    explain_spawn(run, result);
    return false;
  }
  uv_read_start((uv_stream_t *)&run->output, output_room, output_read);
  uv_read_start((uv_stream_t *)&run->errors, errors_room, errors_read);
  uv_timer_start(&run->limit, limit_reached, ms_max, 0);
  return true;
}

struct plugin_run *plugin_start(uv_loop_t *loop, const struct kubeconfig *config, unsigned ms_max, plugin_done *done,
                                void *context)
{
  struct plugin_run *run = xcalloc(1, sizeof *run);
  run->loop = loop;
  run->config = config;
  run->done = done;
  run->context = context;
  run->process.data = run->output.data = run->errors.data = run->limit.data = run;
  uv_timer_init(loop, &run->limit);
  uv_pipe_init(loop, &run->output, 0);
  uv_pipe_init(loop, &run->errors, 0);
  run->handles = 3;
  if (!launch(run, ms_max))
    abandon(run);
  return run;
}

void plugin_abandon(struct plugin_run *run)
{
  if (!run)
    return;
  run->done = 0;
  abandon(run);
}
