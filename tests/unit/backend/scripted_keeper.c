/*
 * A keeper that runs nothing and behaves as it is told, well or badly, so that the backend can be tested against both.
 * The word is the third argument of the plan's command; a file of that name in the slot's directory tells how to start:
 * "broken" (exit at once), "deaf" (hold the lock and never listen), "leaving" (exit when somebody connects, once), "partial" (greet with less than
 * full isolation).
 */

#include "base/fd.h"
#include "wire/control.h"
#include "wire/isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct keeper {
  int slot, evidence, listener, daemon;
  struct name name; /* of what runs; "" */
  char word[32];
};

static void say(struct keeper *keeper, enum control_type type, uint32_t code, const char *text)
{
  struct control_message message = control_make(type, type == CONTROL_IDLE ? 0 : keeper->name.text);
  message.code = code;
  if (type == CONTROL_HELLO)
    message.value =
      faccessat(keeper->slot, "partial", F_OK, 0) == 0 ? ISOLATION_NAMESPACES : (1u << ISOLATION_FEATURE_COUNT) - 1;
  snprintf(message.text, sizeof message.text, "%s", text);
  (void)control_send(keeper->daemon, &message, -1);
}

static void write_file(struct keeper *keeper, const char *file, const void *data, size_t size)
{
  char path[128];
  snprintf(path, sizeof path, "%s/%s", keeper->name.text, file);
  CLEANUP_FD int fd = openat(keeper->evidence, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 || !fd_write_all(fd, data, size))
    _exit(3);
}

/* The marker names process 1, started at a time that is not its own: a process that is gone. */
static void mark_started(struct keeper *keeper)
{
  CLEANUP_BUFFER struct buffer text = {0};
  CLEANUP_FD int boot = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  char id[64] = "";
  if (read(boot, id, sizeof id - 1) < 0)
    _exit(3);
  start_marker_encode(
    &(struct start_marker){
      .at = wall_now(), .boot_id_hash = digest_bytes(id, strlen(id)), .init_pid = 1, .init_start_ticks = UINT64_MAX},
    &text);
  mkdirat(keeper->evidence, keeper->name.text, 0700);
  write_file(keeper, "start", text.data, text.size);
  say(keeper, CONTROL_STARTED, 0, "");
}

static void end(struct keeper *keeper, enum kill_reason reason)
{
  struct record record = {.step = STEP_RUN, .kind = EXIT_CODE, .killed = reason};
  for (int i = 0; i < STREAM_COUNT; i++)
    record.stream[i].digest = digest_bytes("", 0);
  CLEANUP_BUFFER struct buffer text = {0};
  record_encode(&record, &text);
  write_file(keeper, "exit", text.data, text.size);
  say(keeper, CONTROL_ENDED, 0, "");
  keeper->name.text[0] = 0;
}

static bool told(const struct keeper *keeper, const char *word)
{
  return !strcmp(keeper->word, word);
}

static void read_word(struct keeper *keeper, int fd)
{
  struct stat status;
  struct plan plan;
  if (fstat(fd, &status) < 0)
    _exit(3);
  void *bytes = mmap(0, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED || !plan_decode(bytes, (size_t)status.st_size, &plan, 0)) {
    strcpy(keeper->word, "invalid");
    return;
  }
  snprintf(keeper->word, sizeof keeper->word, "%s", plan.command[2]);
  plan_release(&plan);
}

static void on_run(struct keeper *keeper, const struct control_message *message, int plan_fd)
{
  keeper->name = message->name;
  read_word(keeper, plan_fd);
  if (told(keeper, "invalid"))
    say(keeper, CONTROL_REFUSED, 0, "not a plan");
  else if (told(keeper, "no-space"))
    say(keeper, CONTROL_REFUSED, ENOSPC, "no space left");
  else if (told(keeper, "nonsense"))
    (void)send(keeper->daemon, "nonsense", 8, MSG_NOSIGNAL);
  else if (told(keeper, "die"))
    _exit(4);
  else if (!told(keeper, "silent"))
    mark_started(keeper);
  if (told(keeper, "die-running"))
    _exit(4);
  if (told(keeper, "end") || told(keeper, "linger"))
    end(keeper, KILLED_NONE);
  if (told(keeper, "linger"))
    poll(0, 0, 2000);
  if (told(keeper, "end") || told(keeper, "linger"))
    say(keeper, CONTROL_IDLE, 0, "");
}

/* False: time to go. */
static bool on_message(struct keeper *keeper)
{
  struct control_message message;
  CLEANUP_FD int fd = -1;
  int result = control_receive(keeper->daemon, &message, &fd);
  if (result <= 0) {
    close(keeper->daemon);
    keeper->daemon = -1;
    return keeper->name.text[0] != 0;
  }
  if (message.type == CONTROL_QUIT)
    return keeper->name.text[0] != 0;
  if (message.type == CONTROL_RUN)
    on_run(keeper, &message, fd);
  if (message.type == CONTROL_KILL && !told(keeper, "stubborn")) {
    end(keeper, message.value);
    say(keeper, CONTROL_IDLE, 0, "");
  }
  return true;
}

static void serve(struct keeper *keeper)
{
  struct pollfd ready[2] = {{.fd = keeper->listener, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
  for (bool living = true; living;) {
    ready[1].fd = keeper->daemon;
    poll(ready, 2, 15000);
    if (!ready[0].revents && !ready[1].revents)
      return; /* forgotten by its test */
    if (ready[1].fd >= 0 && ready[1].revents)
      living = on_message(keeper);
    if (ready[0].revents && unlinkat(keeper->slot, "leaving", 0) == 0)
      return;
    if (ready[0].revents) {
      fd_close(keeper->daemon);
      keeper->daemon = accept4(keeper->listener, 0, 0, SOCK_CLOEXEC);
      say(keeper, CONTROL_HELLO, 0, "");
    }
  }
}

static int listen_in(int slot)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/socket", slot);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  unlinkat(slot, "socket", 0);
  return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 4) == 0 ? fd : -1;
}

int main(int argc, char **argv)
{
  if (argc < 5 || strcmp(argv[1], "--slot") != 0 || strcmp(argv[3], "--evidence") != 0)
    return 2;
  struct keeper keeper = {.daemon = -1};
  keeper.slot = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  keeper.evidence = open(argv[4], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int starts = openat(keeper.slot, "starts", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (write(starts, ".", 1) != 1 || faccessat(keeper.slot, "broken", F_OK, 0) == 0)
    return 1;
  int lock = openat(keeper.slot, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (flock(lock, LOCK_EX | LOCK_NB) < 0)
    return 1;
  if (faccessat(keeper.slot, "deaf", F_OK, 0) == 0)
    poll(0, 0, 6000);
  keeper.listener = listen_in(keeper.slot);
  if (keeper.listener < 0)
    return 1;
  serve(&keeper);
  return 0;
}
