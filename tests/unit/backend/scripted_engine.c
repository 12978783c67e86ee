#include "scripted_engine.h"

#include "backend/directory.h"
#include "base/buffer.h"
#include "base/fd.h"
#include "loop/watch.h"
#include "wire/container.h"
#include "wire/control.h"
#include "wire/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WORDS(X)                                                                                                       \
  X(version)                                                                                                           \
  X(info)                                                                                                              \
  X(create)                                                                                                            \
  X(start)                                                                                                             \
  X(inspect) X(list) X(remove) X(kill) X(unpause) X(image) X(images) X(pull) X(events) X(archive) X(volume) X(other)
enum word {
#define X(word) WORD_##word,
  WORDS(X)
#undef X
    WORD_COUNT
};

struct spoilt {
  enum engine_fault fault;
  int status;
  unsigned times;
};

struct container {
  char name[128];
  json_t *labels;
  char attempt_path[512]; /* of the mounted directory; "" */
  char volume_path[400];  /* "" */
  enum container_stage stage;
  int exit_code;
  struct scripted_engine *engine;
  struct watch *listener; /* of a keeper that lives in this process */
  pid_t child;            /* of one that does not */
  unsigned starts;
  char word[16];
  struct container *next;
};

struct peer {
  uv_pipe_t pipe; /* first: libuv's handle is our memory */
  struct scripted_engine *engine;
  struct buffer in;
  enum word word; /* of the request that is not answered, or is answered without an end */
  bool open;
  struct peer *next;
};

struct scripted_engine {
  uv_loop_t *loop;
  uv_pipe_t *listener;
  char socket_path[108], volumes_path[128];
  struct peer *peers;
  struct container *containers;
  struct spoilt spoilt[WORD_COUNT];
  unsigned calls[WORD_COUNT];
  char api[16], api_min[16], instance[64];
  bool image_is_there;
  const char *pull_text;
  bool pulls_hang;
};

static enum word find_word(const char *text)
{
  static const char *const words[] = {
#define X(word) #word,
    WORDS(X)
#undef X
  };
  for (int i = 0; i < WORD_COUNT; i++)
    if (!strcmp(words[i], text))
      return (enum word)i;
  fail_msg("no word: %s", text);
  return WORD_other;
}

/* The keeper. */

static void put_file(const struct container *container, const char *file, const void *data, size_t size, int flags)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s.tmp", container->attempt_path, file);
  CLEANUP_FREE char *final = xasprintf("%s/%s", container->attempt_path, file);
  CLEANUP_FD int fd = open(flags & O_EXCL ? final : path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
  if (fd < 0 || !fd_write_all(fd, data, size) || (!(flags & O_EXCL) && rename(path, final) < 0))
    fail_msg("the keeper cannot write %s: %s", final, strerror(errno));
}

static bool file_exists(const struct container *container, const char *file)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", container->attempt_path, file);
  return access(path, F_OK) == 0;
}

static void exit_container(struct container *container, int exit_code)
{
  watch_destroy(container->listener);
  container->listener = 0;
  container->stage = STAGE_EXITED;
  container->exit_code = exit_code;
}

static void start_program(struct container *container)
{
  struct start_marker marker = {.at = wall_now(), .init_pid = 2};
  CLEANUP_FD int boot = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  char id[64];
  ssize_t length = read(boot, id, sizeof id);
  marker.boot_id_hash = length > 0 ? digest_bytes(id, (size_t)length) : 0;
  CLEANUP_BUFFER struct buffer text = {0};
  start_marker_encode(&marker, &text);
  put_file(container, "start", text.data, text.size, O_EXCL);
  put_file(container, "stdout", "out\n", 4, 0);
  container->starts++;
}

static void end_program(struct container *container, enum kill_reason reason)
{
  struct record record = {.step = STEP_RUN, .kind = EXIT_CODE, .killed = reason, .started_at = wall_now()};
  if (reason != KILLED_NONE)
    record.kind = EXIT_SIGNAL, record.signal = SIGKILL;
  record.ended_at = record.started_at;
  for (int i = 0; i < STREAM_COUNT; i++)
    record.stream[i].digest = digest_bytes("", 0);
  record.stream[STREAM_STDOUT] = (struct stream_record){.bytes = 4, .digest = digest_bytes("out\n", 4)};
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(&record, &text);
  put_file(container, "exit", text.data, text.size, 0);
  exit_container(container, 0);
}

/* One that is paused takes nothing, and has it all to do when it goes on. */
static void on_control(void *context)
{
  struct container *container = context;
  if (container->stage == STAGE_PAUSED)
    return;
  CLEANUP_FD int fd = accept4(watch_fd(container->listener), 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
  struct control_message message;
  int passed;
  if (fd < 0 || control_receive(fd, &message, &passed) != 1)
    return;
  fd_close(passed);
  if (message.type == CONTROL_KILL && file_exists(container, "start"))
    end_program(container, (enum kill_reason)message.value);
}

static int listen_there(const struct container *container)
{
  CLEANUP_FD int directory = open(container->attempt_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" ATTEMPT_CONTROL, directory);
  (void)unlinkat(directory, ATTEMPT_CONTROL, 0);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 64) < 0)
    fail_msg("the keeper cannot listen: %s", strerror(errno));
  return fd;
}

static void run_deaf(struct container *container)
{
  int ready[2];
  assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
  container->child = fork();
  assert_true(container->child >= 0);
  if (!container->child) {
    (void)listen_there(container);
    (void)!write(ready[1], "r", 1);
    for (;;)
      pause();
  }
  char byte;
  assert_int_equal(read(ready[0], &byte, 1), 1);
  fd_close(ready[0]);
  fd_close(ready[1]);
  start_program(container);
}

static void kill_container(struct container *container)
{
  if (container->child > 0) {
    kill(container->child, SIGKILL);
    waitpid(container->child, 0, 0);
    container->child = 0;
  }
  exit_container(container, 137);
}

/* What a program was told, or "fail" where there is no plan. */
static void read_word(struct container *container)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", container->attempt_path, ATTEMPT_PLAN);
  CLEANUP_BLOB struct blob *bytes = file_read(AT_FDCWD, path, 1 << 20, 0);
  CLEANUP_PLAN struct plan plan = {0};
  bool read = bytes && plan_decode(bytes->data, bytes->size, &plan, 0);
  snprintf(container->word, sizeof container->word, "%s", read ? plan.command[2] : "fail");
}

static void run_keeper(struct container *container)
{
  container->stage = STAGE_RUNNING;
  read_word(container);
  const char *word = container->word;
  if (!strcmp(word, "vanish") || file_exists(container, "start")) {
    exit_container(container, 125);
  } else if (!strcmp(word, "fail")) {
    put_file(container, ATTEMPT_FAILURE, "no plan for today", 17, 0);
    exit_container(container, 125);
  } else if (!strcmp(word, "deaf")) {
    run_deaf(container);
  } else {
    container->listener = watch_create(container->engine->loop, listen_there(container), on_control, container);
    if (!strcmp(word, "wait"))
      return;
    start_program(container);
    if (!strcmp(word, "end"))
      end_program(container, KILLED_NONE);
    else if (!strcmp(word, "die"))
      exit_container(container, 137);
  }
}

/* A child that was killed by its pid, which nobody has told the engine of. */
static void notice_dead_child(struct container *container)
{
  if (container->child > 0 && waitpid(container->child, 0, WNOHANG) == container->child) {
    container->child = 0;
    exit_container(container, 137);
  }
}

/* Containers. */

static struct container *find(const struct scripted_engine *engine, const char *name)
{
  for (struct container *container = engine->containers; container; container = container->next)
    if (!strcmp(container->name, name)) {
      notice_dead_child(container);
      return container;
    }
  return 0;
}

static struct container *add(struct scripted_engine *engine, const char *name)
{
  struct container *container = xcalloc(1, sizeof *container);
  snprintf(container->name, sizeof container->name, "%s", name);
  container->engine = engine;
  container->next = engine->containers;
  engine->containers = container;
  return container;
}

static void drop(struct scripted_engine *engine, struct container *container)
{
  kill_container(container);
  for (struct container **at = &engine->containers; *at; at = &(*at)->next)
    if (*at == container) {
      *at = container->next;
      break;
    }
  json_decref(container->labels);
  free(container);
}

static const char *stage_word(enum container_stage stage)
{
  static const char *const words[] = {"created", "running", "paused", "exited"};
  return words[stage];
}

/* Answers. */

struct sending {
  uv_write_t write; /* first */
  char *bytes;
};

static void on_sent(uv_write_t *write, int status)
{
  (void)status;
  struct sending *sending = (struct sending *)write;
  free(sending->bytes);
  free(sending);
}

static void send_bytes(struct peer *peer, const void *bytes, size_t size)
{
  struct sending *sending = xcalloc(1, sizeof *sending);
  sending->bytes = xmalloc(size + 1);
  memcpy(sending->bytes, bytes, size);
  uv_buf_t buffer = uv_buf_init(sending->bytes, (unsigned)size);
  uv_write(&sending->write, (uv_stream_t *)&peer->pipe, &buffer, 1, on_sent);
}

static void on_peer_closed(uv_handle_t *handle)
{
  struct peer *peer = (struct peer *)handle;
  buffer_release(&peer->in);
  free(peer);
}

static void hang_up(struct peer *peer)
{
  if (!peer->open)
    return;
  peer->open = false;
  for (struct peer **at = &peer->engine->peers; *at; at = &(*at)->next)
    if (*at == peer) {
      *at = peer->next;
      break;
    }
  uv_close((uv_handle_t *)peer, on_peer_closed);
}

static void answer(struct peer *peer, int status, const char *body)
{
  CLEANUP_BUFFER struct buffer text = {0};
  buffer_printf(&text, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
                status == 204 || status == 304 ? 0 : strlen(body), body);
  send_bytes(peer, text.data, text.size);
}

static void answer_json(struct peer *peer, int status, json_t *json)
{
  char *text = json_dumps(json, JSON_COMPACT);
  answer(peer, status, text);
  free(text);
  json_decref(json);
}

static void answer_error(struct peer *peer, int status, const char *message)
{
  answer_json(peer, status, json_pack("{s:s}", "message", message));
}

static void begin_stream(struct peer *peer)
{
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  send_bytes(peer, head, sizeof head - 1);
}

static void send_chunk(struct peer *peer, const char *bytes, size_t size)
{
  CLEANUP_BUFFER struct buffer chunk = {0};
  buffer_printf(&chunk, "%zx\r\n", size);
  buffer_append(&chunk, bytes, size);
  buffer_puts(&chunk, "\r\n");
  send_bytes(peer, chunk.data, chunk.size);
}

/* The calls. */

static void do_mount(struct container *container, const char *source, const char *target)
{
  if (!strcmp(target, CONTAINER_ATTEMPT_PATH))
    snprintf(container->attempt_path, sizeof container->attempt_path, "%s", source);
  if (strcmp(target, "/assay") != 0)
    return;
  snprintf(container->volume_path, sizeof container->volume_path, "%s/%s", container->engine->volumes_path, source);
  snprintf(container->attempt_path, sizeof container->attempt_path, "%s/attempt", container->volume_path);
  mkdir(container->engine->volumes_path, 0700);
  mkdir(container->volume_path, 0700);
}

static void do_create(struct peer *peer, const char *name, const char *body)
{
  struct scripted_engine *engine = peer->engine;
  if (!engine->image_is_there) {
    answer_error(peer, 404, "No such image: local/python:3.11");
    return;
  }
  if (find(engine, name)) {
    answer_error(peer, 409, "Conflict. The container name is already in use");
    return;
  }
  json_t *json = json_loads(body, 0, 0);
  assert_non_null(json);
  struct container *container = add(engine, name);
  container->labels = json_incref(json_object_get(json, "Labels"));
  const char *instance = json_string_value(json_object_get(container->labels, "assay.instance"));
  snprintf(engine->instance, sizeof engine->instance, "%s", instance ? instance : "");
  size_t index;
  json_t *mount;
  json_array_foreach (json_object_get(json_object_get(json, "HostConfig"), "Mounts"), index, mount) {
    do_mount(container, json_string_value(json_object_get(mount, "Source")),
             json_string_value(json_object_get(mount, "Target")));
  }
  json_decref(json);
  answer_json(peer, 201, json_pack("{s:s, s:[]}", "Id", "0123456789abcdef", "Warnings"));
}

static void do_start(struct peer *peer, struct container *container)
{
  bool fresh = container->stage == STAGE_CREATED || container->stage == STAGE_EXITED;
  if (fresh)
    run_keeper(container);
  answer(peer, fresh ? 204 : 304, "");
}

static json_t *describe(const struct container *container)
{
  bool volume = container->volume_path[0];
  return json_pack("{s:s, s:{s:s, s:b, s:b, s:i, s:s}, s:{s:O}, s:[{s:s, s:s}]}", "Name", container->name, "State",
                   "Status", stage_word(container->stage), "Paused", container->stage == STAGE_PAUSED, "OOMKilled", 0,
                   "ExitCode", container->exit_code, "Error", "", "Config", "Labels",
                   container->labels ? container->labels : json_null(), "Mounts", "Type", volume ? "volume" : "bind",
                   "Destination", volume ? "/assay" : CONTAINER_ATTEMPT_PATH);
}

static void do_list(struct peer *peer)
{
  json_t *list = json_array();
  for (struct container *container = peer->engine->containers; container; container = container->next) {
    CLEANUP_FREE char *name = xasprintf("/%s", container->name);
    json_array_append_new(list,
                          json_pack("{s:[s], s:s, s:O, s:i}", "Names", name, "State", stage_word(container->stage),
                                    "Labels", container->labels ? container->labels : json_null(), "Created", 1));
  }
  answer_json(peer, 200, list);
}

static void do_remove(struct peer *peer, struct container *container, bool force)
{
  bool runs = container->stage == STAGE_RUNNING || container->stage == STAGE_PAUSED;
  if (runs && !force) {
    answer_error(peer, 409, "You cannot remove a running container. Stop the container before attempting removal");
    return;
  }
  drop(peer->engine, container);
  answer(peer, 204, "");
}

static void do_kill(struct peer *peer, struct container *container)
{
  if (container->stage != STAGE_RUNNING && container->stage != STAGE_PAUSED) {
    answer_error(peer, 409, "Container is not running");
    return;
  }
  kill_container(container);
  answer(peer, 204, "");
}

/* The keeper in this process hears of a signal from here. */
static void do_signal(struct peer *peer, struct container *container, int signal)
{
  if (container->stage == STAGE_RUNNING && container->listener && file_exists(container, "start"))
    end_program(container, signal == CONTAINER_SIGNAL_CANCEL ? KILLED_CANCELLED : KILLED_DEADLINE);
  answer(peer, 204, "");
}

/* tar(1) speaks for the engine, so that ours is not its own witness. */
static int run_tar(const char *const *arguments)
{
  pid_t child = fork();
  assert_true(child >= 0);
  if (!child) {
    execvp("tar", (char *const *)arguments);
    _exit(127);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void do_put_archive(struct peer *peer, const struct container *container, const struct blob *body)
{
  CLEANUP_FREE char *path = xasprintf("%s.tar", container->volume_path);
  CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && fd_write_all(fd, body->data, body->size));
  assert_int_equal(run_tar((const char *const[]){"tar", "-C", container->volume_path, "-xf", path, 0}), 0);
  unlink(path);
  answer(peer, 200, "");
}

/* What lies at /assay/attempt, or one file of it. */
static void do_get_archive(struct peer *peer, const struct container *container, const char *query)
{
  const char *file = strstr(query, "start") ? "attempt/start" : "attempt";
  CLEANUP_FREE char *wanted = xasprintf("%s/%s", container->volume_path, file);
  CLEANUP_FREE char *path = xasprintf("%s.tar", container->volume_path);
  if (access(wanted, F_OK) < 0) {
    answer_error(peer, 404, "Could not find the file in container");
    return;
  }
  assert_int_equal(run_tar((const char *const[]){"tar", "-C", container->volume_path, "--warning=no-file-ignored",
                                                 "--exclude=control", "-cf", path, file, 0}),
                   0);
  struct error error;
  CLEANUP_BLOB struct blob *bytes = file_read(AT_FDCWD, path, 1 << 24, &error);
  assert_non_null(bytes);
  unlink(path);
  CLEANUP_BUFFER struct buffer text = {0};
  buffer_printf(&text, "HTTP/1.1 200 X\r\nContent-Type: application/x-tar\r\nContent-Length: %zu\r\n\r\n", bytes->size);
  buffer_append(&text, bytes->data, bytes->size);
  send_bytes(peer, text.data, text.size);
}

static void remove_volume(const char *path)
{
  char *slash = strrchr(path, '/');
  CLEANUP_FREE char *parent = xstrndup(path, (size_t)(slash - path));
  CLEANUP_FD int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0)
    directory_remove(fd, slash + 1, DIRECTORY_OF_FILES);
}

static bool volume_in_use(const struct scripted_engine *engine, const char *path)
{
  for (const struct container *container = engine->containers; container; container = container->next)
    if (!strcmp(container->volume_path, path))
      return true;
  return false;
}

static void do_volume(struct peer *peer, const char *name, bool removal)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", peer->engine->volumes_path, name);
  if (access(path, F_OK) < 0) {
    answer_error(peer, 404, "no such volume");
  } else if (!removal) {
    answer_json(peer, 200, json_pack("{s:s}", "Name", name));
  } else if (volume_in_use(peer->engine, path)) {
    answer_error(peer, 409, "volume is in use");
  } else {
    remove_volume(path);
    answer(peer, 204, "");
  }
}

static void do_pull(struct peer *peer)
{
  struct scripted_engine *engine = peer->engine;
  begin_stream(peer);
  if (engine->pulls_hang) {
    static const char progress[] = "{\"status\":\"Downloading\",\"id\":\"aa\",\"progressDetail\":{\"current\":1000000,"
                                   "\"total\":4000000}}\r\n";
    send_chunk(peer, progress, sizeof progress - 1);
    return;
  }
  send_chunk(peer, engine->pull_text, strlen(engine->pull_text));
  engine->image_is_there = !strstr(engine->pull_text, "error");
  send_bytes(peer, "0\r\n\r\n", 5);
  peer->word = WORD_other;
}

struct request {
  enum word word;
  char name[128]; /* of a container or volume */
  bool put, removal, force;
  int signal;
  const char *query;
  const struct blob *body;
};

static void act(struct peer *peer, const struct request *request)
{
  struct scripted_engine *engine = peer->engine;
  struct container *container = find(engine, request->name);
  bool needs_container = request->word == WORD_start || request->word == WORD_inspect || request->word == WORD_kill ||
                         request->word == WORD_unpause || request->word == WORD_remove || request->word == WORD_archive;
  if (needs_container && !container) {
    answer_error(peer, 404, "No such container");
    return;
  }
  switch (request->word) {
  case WORD_version:
    answer_json(
      peer, 200,
      json_pack("{s:s, s:s, s:s}", "Version", "20.10.24", "ApiVersion", engine->api, "MinAPIVersion", engine->api_min));
    break;
  case WORD_info:
    answer(peer, 200,
           "{\"OSType\":\"linux\",\"Driver\":\"overlay2\",\"CgroupVersion\":\"2\",\"MemoryLimit\":true,"
           "\"SwapLimit\":true,\"PidsLimit\":true,\"CpuCfsQuota\":true,\"NCPU\":2,\"MemTotal\":8000000000,"
           "\"SecurityOptions\":[\"name=seccomp,profile=default\"]}");
    break;
  case WORD_create:
    do_create(peer, request->name, (const char *)request->body->data);
    break;
  case WORD_start:
    do_start(peer, container);
    break;
  case WORD_inspect:
    answer_json(peer, 200, describe(container));
    break;
  case WORD_list:
    do_list(peer);
    break;
  case WORD_remove:
    do_remove(peer, container, request->force);
    break;
  case WORD_kill:
    if (request->signal == SIGKILL)
      do_kill(peer, container);
    else
      do_signal(peer, container, request->signal);
    break;
  case WORD_archive:
    if (request->put)
      do_put_archive(peer, container, request->body);
    else
      do_get_archive(peer, container, request->query);
    break;
  case WORD_volume:
    do_volume(peer, request->name, request->removal);
    break;
  case WORD_images:
    answer(peer, 200, engine->image_is_there ? "[{\"Id\":\"sha256:0123\"}]" : "[]");
    break;
  case WORD_unpause:
    if (container->stage == STAGE_PAUSED)
      container->stage = STAGE_RUNNING;
    answer(peer, 204, "");
    break;
  case WORD_image:
    if (engine->image_is_there)
      answer(peer, 200, "{\"Config\":{\"Volumes\":{\"/data\":{}}}}");
    else
      answer_error(peer, 404, "No such image: local/python:3.11");
    break;
  case WORD_pull:
    do_pull(peer);
    break;
  case WORD_events:
    begin_stream(peer);
    break;
  default:
    fail_msg("a call that nobody knows");
  }
}

/* A peer of its own, connected to nobody, takes the answer that is to be lost. */
static void act_unheard(struct peer *peer, const struct request *request)
{
  struct peer *nobody = xcalloc(1, sizeof *nobody);
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
  nobody->engine = peer->engine;
  nobody->open = true;
  nobody->next = peer->engine->peers;
  peer->engine->peers = nobody;
  uv_pipe_init(peer->engine->loop, &nobody->pipe, 0);
  uv_pipe_open(&nobody->pipe, pair[0]);
  act(nobody, request);
  hang_up(nobody);
  fd_close(pair[1]);
}

static void spoil(struct peer *peer, const struct request *request, const struct spoilt *spoilt)
{
  static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"Id\"";
  switch (spoilt->fault) {
  case FAULT_STATUS:
    answer_error(peer, spoilt->status, "spoilt");
    break;
  case FAULT_LOST:
    act_unheard(peer, request);
    hang_up(peer);
    break;
  case FAULT_CUT:
    act_unheard(peer, request);
    send_bytes(peer, cut, sizeof cut - 1);
    hang_up(peer);
    break;
  case FAULT_HANG:
    break;
  case FAULT_GARBAGE:
    act_unheard(peer, request);
    answer(peer, 200, "{\"Id\": \x01 garbage");
    break;
  case FAULT_NONSENSE:
    act_unheard(peer, request);
    answer(peer, 200, "{\"State\":[17],\"Config\":{\"Labels\":7},\"Names\":{\"x\":[]}}");
    break;
  case FAULT_PRETEND:
    answer(peer, 204, "");
    break;
  }
}

/* "/v1.41/containers/NAME/start" and the like. */
static void understand(const char *method, char *target, struct request *request)
{
  char *query = strchr(target, '?');
  if (query)
    *query++ = 0;
  request->query = query;
  request->put = !strcmp(method, "PUT");
  request->removal = !strcmp(method, "DELETE");
  request->force = query && strstr(query, "force=1");
  request->signal = query && !strncmp(query, "signal=", 7) ? (int)strtol(query + 7, 0, 10) : 0;
  request->word = WORD_other;
  char *path = !strncmp(target, "/v1.", 4) ? strchr(target + 1, '/') : target;
  assert_non_null(path);
  if (!strcmp(path, "/version")) {
    request->word = WORD_version;
  } else if (!strcmp(path, "/info")) {
    request->word = WORD_info;
  } else if (!strcmp(path, "/events")) {
    request->word = WORD_events;
  } else if (!strcmp(path, "/containers/json")) {
    request->word = WORD_list;
  } else if (!strcmp(path, "/images/json")) {
    request->word = WORD_images;
  } else if (!strncmp(path, "/volumes/", 9)) {
    request->word = WORD_volume;
    snprintf(request->name, sizeof request->name, "%s", path + 9);
  } else if (!strcmp(path, "/images/create")) {
    request->word = WORD_pull;
  } else if (!strncmp(path, "/images/", 8)) {
    request->word = WORD_image;
  } else if (!strcmp(path, "/containers/create")) {
    request->word = WORD_create;
    assert_non_null(query);
    snprintf(request->name, sizeof request->name, "%s", strstr(query, "name=") + 5);
  } else if (!strncmp(path, "/containers/", 12)) {
    char *rest = strchr(path + 12, '/');
    if (rest)
      *rest++ = 0;
    snprintf(request->name, sizeof request->name, "%s", path + 12);
    request->word = !strcmp(method, "DELETE") ? WORD_remove
                    : !rest                   ? WORD_other
                    : !strcmp(rest, "json")   ? WORD_inspect
                                              : find_word(rest);
  }
}

static void handle(struct peer *peer, const char *method, char *target, const struct blob *body)
{
  struct scripted_engine *engine = peer->engine;
  struct request request = {.body = body};
  understand(method, target, &request);
  engine->calls[request.word]++;
  peer->word = request.word;
  struct spoilt *spoilt = &engine->spoilt[request.word];
  if (spoilt->times) {
    spoilt->times--;
    spoil(peer, &request, spoilt);
  } else {
    act(peer, &request);
  }
}

/* Whole requests only, one after another. */
static void read_requests(struct peer *peer)
{
  while (peer->open && peer->in.size) {
    char *end = strstr(peer->in.data, "\r\n\r\n");
    if (!end)
      return;
    const char *length = strcasestr(peer->in.data, "content-length:");
    size_t head = (size_t)(end - peer->in.data) + 4;
    size_t body_size = length && length < end ? strtoul(length + 15, 0, 10) : 0;
    if (peer->in.size < head + body_size)
      return;
    CLEANUP_FREE char *text = xstrndup(peer->in.data, head);
    CLEANUP_BLOB struct blob *body = blob_create(peer->in.data + head, body_size);
    buffer_consume(&peer->in, head + body_size);
    char *rest = text, *method = strsep(&rest, " "), *target = strsep(&rest, " ");
    handle(peer, method, target, body);
  }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
  (void)handle;
  *ret = uv_buf_init(xmalloc(suggested), (unsigned)suggested);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *bytes)
{
  struct peer *peer = (struct peer *)stream;
  if (length > 0)
    buffer_append(&peer->in, bytes->base, (size_t)length);
  free(bytes->base);
  if (length < 0)
    hang_up(peer);
  else
    read_requests(peer);
}

static void on_connection(uv_stream_t *listener, int status)
{
  struct scripted_engine *engine = listener->data;
  assert_int_equal(status, 0);
  struct peer *peer = xcalloc(1, sizeof *peer);
  peer->engine = engine;
  peer->open = true;
  peer->word = WORD_other;
  peer->next = engine->peers;
  engine->peers = peer;
  uv_pipe_init(engine->loop, &peer->pipe, 0);
  assert_int_equal(uv_accept(listener, (uv_stream_t *)&peer->pipe), 0);
  uv_read_start((uv_stream_t *)&peer->pipe, on_alloc, on_read);
}

/* Itself. */

static void on_listener_closed(uv_handle_t *handle)
{
  free(handle);
}

void scripted_engine_come(struct scripted_engine *engine)
{
  (void)unlink(engine->socket_path);
  engine->listener = xcalloc(1, sizeof *engine->listener);
  uv_pipe_init(engine->loop, engine->listener, 0);
  engine->listener->data = engine;
  assert_int_equal(uv_pipe_bind(engine->listener, engine->socket_path), 0);
  assert_int_equal(uv_listen((uv_stream_t *)engine->listener, 128, on_connection), 0);
}

void scripted_engine_leave(struct scripted_engine *engine)
{
  while (engine->peers)
    hang_up(engine->peers);
  if (engine->listener)
    uv_close((uv_handle_t *)engine->listener, on_listener_closed);
  engine->listener = 0;
}

struct scripted_engine *scripted_engine_create(uv_loop_t *loop, const char *socket_path)
{
  struct scripted_engine *engine = xcalloc(1, sizeof *engine);
  engine->loop = loop;
  engine->image_is_there = true;
  engine->pull_text = "{\"status\":\"Status: Downloaded newer image\"}\r\n";
  snprintf(engine->socket_path, sizeof engine->socket_path, "%s", socket_path);
  snprintf(engine->volumes_path, sizeof engine->volumes_path, "%s.volumes", socket_path);
  scripted_engine_set_version(engine, "1.41", "1.12");
  scripted_engine_come(engine);
  return engine;
}

void scripted_engine_destroy(struct scripted_engine *engine)
{
  scripted_engine_leave(engine);
  while (engine->containers)
    drop(engine, engine->containers);
  remove_volume(engine->volumes_path);
  free(engine);
}

void scripted_engine_spoil(struct scripted_engine *engine, const char *word, enum engine_fault fault, int status,
                           unsigned times)
{
  engine->spoilt[find_word(word)] = (struct spoilt){fault, status, times};
}

unsigned scripted_engine_calls(const struct scripted_engine *engine, const char *word)
{
  return engine->calls[find_word(word)];
}

void scripted_engine_set_version(struct scripted_engine *engine, const char *api, const char *api_min)
{
  snprintf(engine->api, sizeof engine->api, "%s", api);
  snprintf(engine->api_min, sizeof engine->api_min, "%s", api_min);
}

void scripted_engine_drop_image(struct scripted_engine *engine)
{
  engine->image_is_there = false;
}

void scripted_engine_script_pull(struct scripted_engine *engine, const char *text)
{
  engine->pulls_hang = !text;
  engine->pull_text = text;
}

static unsigned count_peers(const struct scripted_engine *engine, enum word word)
{
  unsigned count = 0;
  for (const struct peer *peer = engine->peers; peer; peer = peer->next)
    count += peer->word == word;
  return count;
}

unsigned scripted_engine_pulls(const struct scripted_engine *engine)
{
  return count_peers(engine, WORD_pull);
}

void scripted_engine_finish_pulls(struct scripted_engine *engine)
{
  engine->image_is_there = true;
  for (struct peer *peer = engine->peers; peer; peer = peer->next)
    if (peer->word == WORD_pull) {
      send_bytes(peer, "0\r\n\r\n", 5);
      peer->word = WORD_other;
    }
}

bool scripted_container_exists(const struct scripted_engine *engine, struct name name)
{
  return find(engine, name.text) != 0;
}

static struct container *get(const struct scripted_engine *engine, struct name name)
{
  struct container *container = find(engine, name.text);
  if (!container)
    fail_msg("no container %s", name.text);
  return container;
}

enum container_stage scripted_container_stage(const struct scripted_engine *engine, struct name name)
{
  return get(engine, name)->stage;
}

void scripted_container_set_stage(struct scripted_engine *engine, struct name name, enum container_stage stage,
                                  int exit_code)
{
  struct container *container = get(engine, name);
  container->stage = stage;
  container->exit_code = exit_code;
}

void scripted_container_add(struct scripted_engine *engine, const char *name, const char *instance)
{
  struct container *container = add(engine, name);
  char id[ID_SIZE], number[16];
  unsigned attempt;
  if (!instance || !name_parse(name, id, &attempt))
    return;
  snprintf(number, sizeof number, "%u", attempt);
  container->labels =
    json_pack("{s:s, s:s, s:s}", "assay.instance", instance, "assay.evaluation", id, "assay.attempt", number);
}

void scripted_container_drop(struct scripted_engine *engine, struct name name)
{
  drop(engine, get(engine, name));
}

bool scripted_volume_exists(const struct scripted_engine *engine, struct name name)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", engine->volumes_path, name.text);
  return access(path, F_OK) == 0;
}

const char *scripted_engine_instance(const struct scripted_engine *engine)
{
  return engine->instance;
}

void scripted_keeper_go(struct scripted_engine *engine, struct name name)
{
  start_program(get(engine, name));
}

unsigned scripted_keeper_starts(const struct scripted_engine *engine, struct name name)
{
  return get(engine, name)->starts;
}

unsigned scripted_engine_listeners(const struct scripted_engine *engine)
{
  return count_peers(engine, WORD_events);
}

void scripted_engine_send_bytes(struct scripted_engine *engine, const char *bytes, size_t size)
{
  for (struct peer *peer = engine->peers; peer; peer = peer->next)
    if (peer->word == WORD_events)
      send_chunk(peer, bytes, size);
}

void scripted_engine_send_event(struct scripted_engine *engine, const char *action, struct name name)
{
  CLEANUP_BUFFER struct buffer line = {0};
  buffer_printf(
    &line,
    "{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"00\",\"Attributes\":{\"name\":\"%s\","
    "\"assay.instance\":\"%s\"}},\"scope\":\"local\",\"time\":1700000000,\"timeNano\":1700000000000000001}\n",
    action, name.text, engine->instance);
  scripted_engine_send_bytes(engine, line.data, line.size);
}

void scripted_engine_break_events(struct scripted_engine *engine)
{
  for (struct peer *peer = engine->peers, *next; peer; peer = next) {
    next = peer->next;
    if (peer->word == WORD_events)
      hang_up(peer);
  }
}
