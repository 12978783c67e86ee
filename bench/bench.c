/*
 * How much Assay costs, as ratios within one run.
 *
 * Three ways to run the same two programs (`python3 -c pass`, and tiny.c), taken in turn so that a machine that drifts
 * drifts for all: posix_spawn and wait, bubblewrap with the like namespaces, and Assay over HTTP. Then the same with as
 * many clients as processors, as rates. The durable commits are counted by the daemon itself and told apart.
 *
 * usage: bench ROUNDS SECONDS UNIX_SOCKET TINY
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { SAMPLES_MAX = 100000, RESPONSE_MAX = 65536, CLIENTS_MAX = 64 };

enum way { BARE, BWRAP, ASSAY, WAYS };
enum program { PYTHON, TINY, PROGRAMS };
static const char *const way_names[] = {"posix_spawn", "bubblewrap", "assay"};
static const char *const program_names[] = {"python3 -c pass", "static C"};

struct samples {
  double ms[SAMPLES_MAX];
  int count;
};

struct target {
  const char *socket_path;
  const char *tiny_path;
  char *body[PROGRAMS];
};

__attribute__((format(printf, 1, 2))) static _Noreturn void fail(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

static uint64_t now_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double percentile(struct samples *samples, double share)
{
  if (!samples->count)
    return 0;
  qsort(samples->ms, (size_t)samples->count, sizeof *samples->ms, compare_doubles);
  int index = (int)(share * samples->count);
  return samples->ms[index < samples->count ? index : samples->count - 1];
}

static void add_sample(struct samples *samples, double ms)
{
  if (samples->count < SAMPLES_MAX)
    samples->ms[samples->count++] = ms;
}

/* Bare and bubblewrap: a child whose output goes nowhere. */

static void spawn_and_wait(const char *const argv[])
{
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t pid;
  int failure = posix_spawn(&pid, argv[0], &actions, 0, (char *const *)(uintptr_t)argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure)
    fail("cannot spawn %s: %s", argv[0], strerror(failure));
  int status;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (!WIFEXITED(status) || WEXITSTATUS(status))
    fail("%s ended with status %d", argv[0], status);
}

static void run_bare(const struct target *target, enum program program)
{
  const char *python[] = {"/usr/bin/python3", "-c", "pass", 0}, *tiny[] = {target->tiny_path, 0};
  spawn_and_wait(program == PYTHON ? python : tiny);
}

static void run_bwrap(const struct target *target, enum program program)
{
  const char *argv[] = {"/usr/bin/bwrap",
                        "--unshare-all",
                        "--ro-bind",
                        "/usr",
                        "/usr",
                        "--symlink",
                        "usr/bin",
                        "/bin",
                        "--symlink",
                        "usr/lib",
                        "/lib",
                        "--symlink",
                        "usr/lib64",
                        "/lib64",
                        "--proc",
                        "/proc",
                        "--dev",
                        "/dev",
                        "--tmpfs",
                        "/tmp",
                        "--ro-bind",
                        target->tiny_path,
                        "/tmp/tiny",
                        "/tmp/tiny",
                        0,
                        0,
                        0};
  if (program == PYTHON) {
    size_t command = sizeof argv / sizeof *argv - 4;
    argv[command] = "/usr/bin/python3";
    argv[command + 1] = "-c";
    argv[command + 2] = "pass";
  }
  spawn_and_wait(argv);
}

/* Assay: one kept-alive connection a client, one request at a time. */

static int connect_to(const char *path)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
    fail("cannot connect to %s: %s", path, strerror(errno));
  return fd;
}

static void send_all(int fd, const char *data, size_t size)
{
  while (size) {
    ssize_t sent = write(fd, data, size);
    if (sent <= 0)
      fail("the daemon hung up: %s", strerror(errno));
    data += sent;
    size -= (size_t)sent;
  }
}

/* One request and its whole answer, NUL-terminated; returns where its body starts. */
static const char *exchange(int fd, const char *method, const char *path, const char *body, char answer[RESPONSE_MAX])
{
  char head[512];
  size_t length = body ? strlen(body) : 0;
  int head_size = snprintf(
    head, sizeof head, "%s %s HTTP/1.1\r\nHost: assay\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
    method, path, length);
  send_all(fd, head, (size_t)head_size);
  send_all(fd, body ? body : "", length);
  size_t used = 0, wanted = 0;
  while (!wanted || used < wanted) {
    ssize_t got = read(fd, answer + used, RESPONSE_MAX - 1 - used);
    if (got <= 0)
      fail("the daemon hung up in its answer");
    used += (size_t)got;
    answer[used] = 0;
    char *end = strstr(answer, "\r\n\r\n"), *field = strcasestr(answer, "\r\ncontent-length:");
    if (end && field && !wanted)
      wanted = (size_t)(end + 4 - answer) + strtoul(field + 17, 0, 10);
  }
  return strstr(answer, "\r\n\r\n") + 4;
}

/* Returns when the program says that it ended (tiny.c), else 0. */
static uint64_t run_assay(int fd, const struct target *target, enum program program)
{
  char answer[RESPONSE_MAX];
  const char *body = exchange(fd, "POST", "/v1/evaluations?wait=60", target->body[program], answer);
  if (!strstr(body, "\"completed\""))
    fail("not completed: %s", body);
  const char *text = strstr(body, "\"text\":");
  return program == TINY && text ? strtoull(text + strcspn(text, "0123456789"), 0, 10) : 0;
}

static char *base64_file(const char *path)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  FILE *file = fopen(path, "rb");
  if (!file)
    fail("cannot open %s: %s", path, strerror(errno));
  char *text = 0;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  unsigned char in[3];
  size_t got;
  while ((got = fread(in, 1, 3, file))) {
    for (size_t i = got; i < 3; i++)
      in[i] = 0;
    unsigned bits = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];
    for (size_t i = 0; i < 4; i++)
      fputc(i <= got ? digits[bits >> (18 - 6 * i) & 63] : '=', out);
  }
  fclose(out);
  fclose(file);
  return text;
}

static void make_bodies(struct target *target)
{
  target->body[PYTHON] = strdup("{\"command\":[\"/usr/bin/python3\",\"-c\",\"pass\"]}");
  char *tiny = base64_file(target->tiny_path);
  if (asprintf(&target->body[TINY],
               "{\"command\":[\"./tiny\"],\"files\":[{\"path\":\"tiny\",\"encoding\":\"base64\",\"executable\":true,"
               "\"content\":\"%s\"}]}",
               tiny) < 0)
    fail("out of memory");
  free(tiny);
}

static double metric(int fd, const char *name)
{
  char answer[RESPONSE_MAX], line[128];
  snprintf(line, sizeof line, "\n%s ", name);
  const char *body = exchange(fd, "GET", "/metrics", 0, answer), *found = strstr(body, line);
  if (!found)
    fail("no metric %s", name);
  return strtod(found + strlen(line), 0);
}

static void run_one(const struct target *target, int fd, enum way way, enum program program)
{
  if (way == BARE)
    run_bare(target, program);
  else if (way == BWRAP)
    run_bwrap(target, program);
  else
    run_assay(fd, target, program);
}

/* One client. */

static void one_client(const struct target *target, int rounds)
{
  static struct samples samples[WAYS][PROGRAMS], answer_delay;
  int fd = connect_to(target->socket_path);
  double commits = metric(fd, "assay_store_commits_total"), seconds = metric(fd, "assay_store_commit_seconds_total");
  for (int round = -3; round < rounds; round++) {
    for (int program = 0; program < PROGRAMS; program++) {
      for (int way = 0; way < WAYS; way++) {
        uint64_t start = now_ns(), died = 0;
        if (way == ASSAY)
          died = run_assay(fd, target, (enum program)program);
        else
          run_one(target, fd, (enum way)way, (enum program)program);
        uint64_t end = now_ns();
        if (round < 0)
          continue; /* warming up */
        add_sample(&samples[way][program], (double)(end - start) / 1e6);
        if (died)
          add_sample(&answer_delay, (double)(end - died) / 1e6);
      }
    }
  }
  commits = metric(fd, "assay_store_commits_total") - commits;
  seconds = metric(fd, "assay_store_commit_seconds_total") - seconds;
  close(fd);
  double commit_ms = 1e3 * seconds / commits;
  printf("one client, %d rounds, median ms\n", rounds);
  for (int program = 0; program < PROGRAMS; program++) {
    double median[WAYS];
    for (int way = 0; way < WAYS; way++)
      median[way] = percentile(&samples[way][program], 0.5);
    double net = median[ASSAY] - 2 * commit_ms;
    printf("  %-16s", program_names[program]);
    for (int way = 0; way < WAYS; way++)
      printf("  %s %.2f", way_names[way], median[way]);
    printf("  without its two commits %.2f\n", net);
    printf("  %-16s  assay/bare %.2f (without commits %.2f)  assay-bare %.2f ms (without commits %.2f ms)  assay/bwrap "
           "%.2f\n",
           "", median[ASSAY] / median[BARE], net / median[BARE], median[ASSAY] - median[BARE], net - median[BARE],
           median[ASSAY] / median[BWRAP]);
  }
  printf("  commits: %.0f for %d evaluations, %.3f ms each\n", commits, (rounds + 3) * PROGRAMS, commit_ms);
  printf(
    "  from the program's last instruction to the client's answer: median %.2f ms, p99 %.2f ms; beyond one commit: "
    "p99 %.2f ms\n",
    percentile(&answer_delay, 0.5), percentile(&answer_delay, 0.99), percentile(&answer_delay, 0.99) - commit_ms);
}

/* As many clients as processors. */

struct client {
  pthread_t thread;
  const struct target *target;
  enum way way;
  enum program program;
  uint64_t until_ns;
  int done;
};

static void *client_main(void *argument)
{
  struct client *client = argument;
  int fd = client->way == ASSAY ? connect_to(client->target->socket_path) : -1;
  for (; now_ns() < client->until_ns; client->done++)
    run_one(client->target, fd, client->way, client->program);
  if (fd >= 0)
    close(fd);
  return 0;
}

static double rate(const struct target *target, enum way way, enum program program, int clients, double seconds)
{
  struct client all[CLIENTS_MAX];
  uint64_t start = now_ns();
  for (int i = 0; i < clients; i++) {
    all[i] = (struct client){.target = target, .way = way, .program = program};
    all[i].until_ns = start + (uint64_t)(seconds * 1e9);
    pthread_create(&all[i].thread, 0, client_main, &all[i]);
  }
  int done = 0;
  for (int i = 0; i < clients; i++) {
    pthread_join(all[i].thread, 0);
    done += all[i].done;
  }
  return done / ((double)(now_ns() - start) / 1e9);
}

static void saturated(const struct target *target, int clients, double seconds)
{
  enum { TURNS = 4 };
  printf("%d clients, evaluations per second\n", clients);
  for (int program = 0; program < PROGRAMS; program++) {
    double mean[WAYS] = {0};
    for (int turn = 0; turn < TURNS; turn++)
      for (int way = 0; way < WAYS; way++)
        mean[way] += rate(target, (enum way)way, (enum program)program, clients, seconds / TURNS) / TURNS;
    printf("  %-16s", program_names[program]);
    for (int way = 0; way < WAYS; way++)
      printf("  %s %.0f", way_names[way], mean[way]);
    printf("  assay/bare %.2f  assay/bwrap %.2f\n", mean[ASSAY] / mean[BARE], mean[ASSAY] / mean[BWRAP]);
  }
}

int main(int argc, char **argv)
{
  if (argc != 5)
    fail("usage: bench ROUNDS SECONDS UNIX_SOCKET TINY");
  struct target target = {.socket_path = argv[3], .tiny_path = argv[4]};
  make_bodies(&target);
  int processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
  one_client(&target, atoi(argv[1]));
  saturated(&target, processors, atof(argv[2]));
  saturated(&target, 2 * processors, atof(argv[2]));
  return 0;
}
