#include "api/runtime_probe.h"

#include "api/runtime.h"
#include "base/fd.h"
#include "base/memory.h"

#include <signal.h>
#include <stdlib.h>

/*
 * Three handles for one program: the process, the pipe that it writes to, and the time limit. The next program is run
 * when all three are closed, so that the handles can be used again.
 */
struct probe {
  uv_loop_t *loop;
  struct probe_events events;
  struct probe **self; /* the owner's pointer to it; NULL: abandoned */
  size_t index;
  unsigned handles; /* not closed yet */
  uv_process_t process;
  uv_pipe_t output;
  uv_timer_t limit;
  char line[PROBE_LINE_SIZE];
  size_t line_size;
  bool line_complete;
  char room[1024]; /* for one read */
};

static void run_next(struct probe *probe);

static void closed(uv_handle_t *handle)
{
  struct probe *probe = handle->data;
  if (--probe->handles)
    return;
  probe->line[probe->line_size] = 0;
  if (probe->self && probe->line_size)
    probe->events.line(probe->events.context, probe->index, probe->line);
  probe->index++;
  run_next(probe);
}

static void close_handle(uv_handle_t *handle)
{
  if (!uv_is_closing(handle))
    uv_close(handle, closed);
}

/* Without its reader and its parent's attention a program can do nothing more to us; it is killed to be sure. */
static void stop_program(struct probe *probe)
{
  if (uv_is_active((uv_handle_t *)&probe->process))
    uv_process_kill(&probe->process, SIGKILL);
  close_handle((uv_handle_t *)&probe->output);
  close_handle((uv_handle_t *)&probe->limit);
}

static void limit_reached(uv_timer_t *timer)
{
  stop_program(timer->data);
}

static void exited(uv_process_t *process, int64_t status, int signal)
{
  (void)status;
  (void)signal;
  struct probe *probe = process->data;
  close_handle((uv_handle_t *)process);
  if (uv_is_closing((uv_handle_t *)&probe->output))
    close_handle((uv_handle_t *)&probe->limit);
}

static void take_output(struct probe *probe, const char *text, size_t size)
{
  for (size_t i = 0; i < size && !probe->line_complete; i++) {
    if (text[i] == '\n')
      probe->line_complete = probe->line_size > 0; /* perl begins with an empty line */
    else if (probe->line_size < sizeof probe->line - 1)
      probe->line[probe->line_size++] = text[i];
  }
}

static void make_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
  (void)suggested;
  struct probe *probe = handle->data;
  *ret = uv_buf_init(probe->room, sizeof probe->room);
}

static void output_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
  struct probe *probe = stream->data;
  if (size > 0)
    take_output(probe, buffer->base, (size_t)size);
  if (size >= 0)
    return;
  close_handle((uv_handle_t *)stream);
  if (uv_is_closing((uv_handle_t *)&probe->process))
    close_handle((uv_handle_t *)&probe->limit);
}

static int spawn(struct probe *probe, const char *const *command, int output)
{
  uv_stdio_container_t stdio[] = {
    {.flags = UV_IGNORE},
    {.flags = UV_INHERIT_FD, .data.fd = output},
    {.flags = UV_INHERIT_FD, .data.fd = output},
  };
  static const char *const environment[] = {"PATH=" SANDBOX_PATH, "HOME=/", "LC_ALL=C", NULL};
  uv_process_options_t options = {
    .file = command[0],
    .args = (char **)command,
    .env = (char **)environment,
    .cwd = "/",
    .stdio = stdio,
    .stdio_count = 3,
    .exit_cb = exited,
  };
  return uv_spawn(probe->loop, &probe->process, &options);
}

/* False where not even a pipe can be had: this one then has no line. */
static bool run(struct probe *probe, const char *const *command)
{
  uv_file ends[2];
  if (uv_pipe(ends, UV_NONBLOCK_PIPE, 0))
    return false;
  probe->line_size = 0;
  probe->line_complete = false;
  probe->handles = 3;
  probe->process.data = probe->output.data = probe->limit.data = probe;
  uv_timer_init(probe->loop, &probe->limit);
  uv_pipe_init(probe->loop, &probe->output, 0);
  uv_pipe_open(&probe->output, ends[0]);
  if (spawn(probe, command, ends[1])) {
    close_handle((uv_handle_t *)&probe->process);
    stop_program(probe);
  } else {
    uv_read_start((uv_stream_t *)&probe->output, make_room, output_read);
    uv_timer_start(&probe->limit, limit_reached, PROBE_MS_MAX, 0);
  }
  fd_close(ends[1]);
  return true;
}

static void run_next(struct probe *probe)
{
  const char *const *command;
  for (; probe->self && probe->events.next(probe->events.context, probe->index, &command); probe->index++)
    if (command && run(probe, command))
      return;
  if (probe->self)
    *probe->self = NULL;
  free(probe);
}

void probe_start(struct probe **self, uv_loop_t *loop, const struct probe_events *events)
{
  struct probe *probe = xcalloc(1, sizeof *probe);
  probe->loop = loop;
  probe->events = *events;
  probe->self = self;
  *self = probe;
  run_next(probe);
}

void probe_abandon(struct probe **self)
{
  struct probe *probe = *self;
  if (!probe)
    return;
  *self = NULL;
  probe->self = NULL;
  stop_program(probe);
  close_handle((uv_handle_t *)&probe->process); /* it is killed; who reaps it when we are gone is init */
}
