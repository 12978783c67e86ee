/*
 * What a server answers, as the client of a Docker engine hears it: over a Unix socket, after which the server closes.
 *
 * - The owner is told exactly once, and that the request was sent, since it was;
 * - an answer has a status and a body within its bound; anything else has a reason in printable words.
 *
 * How the bytes are cut does matter to libcurl 7.88, where the head makes no sense: so it is not asked for that.
 */

#include "base/fd.h"
#include "http/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 2048, RETRY_MAX_S = 24 * 3600, TURNS_WITHOUT_ANSWER_MAX = 20000 };

static char directory[] = "/tmp/assay-fuzz-client-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listening = -1;
static uv_loop_t loop;
static struct http_client *client;

static void remove_socket(void)
{
  unlink(address.sun_path);
  rmdir(directory);
}

static void open_all(void)
{
  signal(SIGPIPE, SIG_IGN);
  ASSERT(mkdtemp(directory));
  snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
  atexit(remove_socket);
  listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ASSERT(bind(listening, (struct sockaddr *)&address, sizeof address) == 0 && listen(listening, 8) == 0);
  ASSERT(uv_loop_init(&loop) == 0);
  const struct http_endpoint endpoint = {.unix_path = address.sun_path, .url = "http://localhost"};
  client = http_client_create(&loop, &endpoint, 0);
  ASSERT(client);
}

struct told {
  unsigned times;
  enum http_outcome outcome;
  int status;
  unsigned retry_after_s;
  struct buffer kept, streamed;
};

static void told_release(struct told *told)
{
  buffer_release(&told->kept);
  buffer_release(&told->streamed);
}
#define TOLD __attribute__((cleanup(told_release))) struct told

static void check_words(const char *text)
{
  ASSERT(*text);
  for (; *text; text++)
    ASSERT((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void note_done(void *context, const struct http_answer *answer)
{
  struct told *told = context;
  told->times++;
  told->outcome = answer->outcome;
  ASSERT(answer->outcome != HTTP_NOT_SENT);
  if (answer->outcome == HTTP_UNKNOWN) {
    check_words(answer->message);
    return;
  }
  told->status = answer->status;
  told->retry_after_s = answer->retry_after_s;
  buffer_append(&told->kept, answer->body, answer->body_size);
  ASSERT(told->status >= 100 && told->status <= 999 && told->retry_after_s <= RETRY_MAX_S);
  ASSERT(answer->body_size <= BODY_MAX);
}

static bool note_data(void *context, const void *bytes, size_t size)
{
  struct told *told = context;
  ASSERT(!told->times);
  buffer_append(&told->streamed, bytes, size);
  return told->streamed.size <= BODY_MAX;
}

/* Writes what the socket takes of one piece; what nobody wants any more is taken too. */
static void write_piece(int fd, const uint8_t *data, size_t size, size_t *written, size_t piece)
{
  size_t left = size - *written;
  ssize_t sent = send(fd, data + *written, left < piece ? left : piece, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0)
    *written += (size_t)sent;
  else if (errno != EAGAIN)
    *written = size;
}

/* Accepts and waits for the request, so that it has been sent before it is answered. -1: not yet. */
static int accept_asked(int *pending)
{
  if (*pending < 0)
    *pending = accept4(listening, 0, 0, SOCK_CLOEXEC);
  struct pollfd readable = {*pending, POLLIN, 0};
  if (*pending < 0 || poll(&readable, 1, 0) <= 0)
    return -1;
  char request[4096];
  ASSERT(recv(*pending, request, sizeof request, MSG_DONTWAIT) > 0);
  return TAKE_FD(*pending);
}

static void exchange(const uint8_t *data, size_t size, size_t piece, bool is_stream, struct told *told)
{
  CLEANUP_FD int pending = -1, fd = -1;
  const struct http_call call = {.method = "GET",
                                 .path = "/",
                                 .answer_bytes_max = BODY_MAX,
                                 .data = is_stream ? note_data : 0,
                                 .done = note_done,
                                 .context = told};
  size_t written = 0;
  bool closed = false;
  http_client_send(client, &call);
  for (unsigned turns = 0; !told->times; turns++) {
    ASSERT(turns < TURNS_WITHOUT_ANSWER_MAX + size);
    uv_run(&loop, UV_RUN_NOWAIT);
    if (fd < 0 && !closed)
      fd = accept_asked(&pending);
    if (fd < 0)
      continue;
    write_piece(fd, data, size, &written, piece);
    if (written < size)
      continue;
    fd_close(TAKE_FD(fd));
    closed = true;
  }
  ASSERT(told->times == 1);
  for (int i = 0; i < 3; i++) /* nothing more is told, and the handles close */
    uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT(told->times == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (listening < 0)
    open_all();
  TOLD whole = {0}, pieces = {0}, streamed = {0};
  exchange(data, size, size ? size : 1, false, &whole);
  exchange(data, size, 1 + size / 3, false, &pieces);
  exchange(data, size, 1 + size / 2, true, &streamed);
  return 0;
}
