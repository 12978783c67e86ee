#include "api/runtime.h"

#include "api/runtime_probe.h"
#include "base/memory.h"
#include "core/evaluation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* name, aliases, file, compile, command, version command */
#define BUILT_IN(X)                                                                                                    \
  X("python", LIST("python3", "py"), "main.py", NULL, LIST("python3", "main.py"), LIST("python3", "--version"))        \
  X("bash", NULL, "main.sh", NULL, LIST("bash", "main.sh"), LIST("bash", "--version"))                                 \
  X("sh", LIST("shell"), "main.sh", NULL, LIST("sh", "main.sh"), NULL)                                                 \
  X("node", LIST("javascript", "js", "nodejs"), "main.js", NULL, LIST("node", "main.js"), LIST("node", "--version"))   \
  X("c", LIST("gcc"), "main.c", LIST("gcc", "-O2", "-o", "main", "main.c", "-lm"), LIST("./main"),                     \
    LIST("gcc", "--version"))                                                                                          \
  X("c++", LIST("cpp", "cxx", "g++"), "main.cpp", LIST("g++", "-O2", "-o", "main", "main.cpp"), LIST("./main"),        \
    LIST("g++", "--version"))                                                                                          \
  X("go", LIST("golang"), "main.go", LIST("go", "build", "-o", "main", "main.go"), LIST("./main"),                     \
    LIST("go", "version"))                                                                                             \
  X("rust", LIST("rs"), "main.rs", LIST("rustc", "-O", "-o", "main", "main.rs"), LIST("./main"),                       \
    LIST("rustc", "--version"))                                                                                        \
  X("java", NULL, "Main.java", NULL, LIST("java", "Main.java"), LIST("java", "-version"))                              \
  X("perl", LIST("pl"), "main.pl", NULL, LIST("perl", "main.pl"), LIST("perl", "-e", "print \"perl $^V\""))            \
  X("ruby", LIST("rb"), "main.rb", NULL, LIST("ruby", "main.rb"), LIST("ruby", "--version"))                           \
  X("lua", NULL, "main.lua", NULL, LIST("lua", "main.lua"), LIST("lua", "-v"))                                         \
  X("php", NULL, "main.php", NULL, LIST("php", "main.php"), LIST("php", "--version"))

static const struct runtime built_in[] = {
#define X(the_name, the_aliases, the_file, the_compile, the_command, the_version)                                      \
  {.name = (the_name),                                                                                                 \
   .aliases = (the_aliases),                                                                                           \
   .file = (the_file),                                                                                                 \
   .compile = (the_compile),                                                                                           \
   .command = (the_command),                                                                                           \
   .version_command = (the_version)},
  BUILT_IN(X)
#undef X
};

struct runtimes {
  struct runtime **items;
  size_t count;
  struct probe *probe; /* NULL: none under way */
};

static char **list_copy(const char *const *list)
{
  if (!list)
    return NULL;
  size_t count = 0;
  while (list[count])
    count++;
  char **copy = xcalloc(count + 1, sizeof *copy);
  for (size_t i = 0; i < count; i++)
    copy[i] = xstrdup(list[i]);
  return copy;
}

static void list_free(const char *const *list)
{
  for (size_t i = 0; list && list[i]; i++)
    free((char *)list[i]);
  free((void *)list);
}

static void runtime_release(struct runtime *runtime)
{
  free((char *)runtime->name);
  list_free(runtime->aliases);
  free((char *)runtime->file);
  list_free(runtime->compile);
  list_free(runtime->command);
  list_free(runtime->version_command);
  free((char *)runtime->image);
  free(runtime->version);
}

static bool executable_in(const char *directory, size_t length, const char *program)
{
  CLEANUP_FREE char *path = xasprintf("%.*s/%s", (int)length, directory, program);
  struct stat status;
  return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* As the sandbox will look for it. A path with a '/' is absolute, or made by the compiler: then there is nothing to
 * find. */
static bool program_found(const char *program)
{
  if (strchr(program, '/'))
    return *program != '/' || executable_in("", 0, program + 1);
  for (const char *directory = SANDBOX_PATH; *directory;) {
    size_t length = strcspn(directory, ":");
    if (executable_in(directory, length, program))
      return true;
    directory += length + (directory[length] == ':');
  }
  return false;
}

static struct runtime runtime_copy(const struct runtime *runtime)
{
  return (struct runtime){
    .name = xstrdup(runtime->name),
    .aliases = (const char *const *)list_copy(runtime->aliases),
    .file = xstrdup(runtime->file),
    .compile = (const char *const *)list_copy(runtime->compile),
    .command = (const char *const *)list_copy(runtime->command),
    .version_command = (const char *const *)list_copy(runtime->version_command),
    .image = xstrdup(runtime->image),
    .available = (!runtime->compile || program_found(runtime->compile[0])) && program_found(runtime->command[0]),
  };
}

struct runtimes *runtimes_create(void)
{
  struct runtimes *runtimes = xcalloc(1, sizeof *runtimes);
  for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
    runtimes_add(runtimes, &built_in[i]);
  return runtimes;
}

void runtimes_destroy(struct runtimes *runtimes)
{
  if (!runtimes)
    return;
  probe_abandon(&runtimes->probe);
  for (size_t i = 0; i < runtimes->count; i++) {
    runtime_release(runtimes->items[i]);
    free(runtimes->items[i]);
  }
  free(runtimes->items);
  free(runtimes);
}

static struct runtime *find_named(const struct runtimes *runtimes, const char *name)
{
  for (size_t i = 0; i < runtimes->count; i++)
    if (!strcmp(runtimes->items[i]->name, name))
      return runtimes->items[i];
  return NULL;
}

void runtimes_add(struct runtimes *runtimes, const struct runtime *runtime)
{
  ASSERT(strlen(runtime->name) < RUNTIME_NAME_SIZE && runtime->command[0] && !runtimes->probe);
  struct runtime copy = runtime_copy(runtime);
  struct runtime *item = find_named(runtimes, runtime->name);
  if (item) {
    runtime_release(item);
  } else {
    runtimes->items = xrealloc(runtimes->items, (runtimes->count + 1) * sizeof *runtimes->items);
    runtimes->items[runtimes->count++] = item = xmalloc(sizeof *item);
  }
  *item = copy;
}

const struct runtime *runtimes_find(const struct runtimes *runtimes, const char *name)
{
  const struct runtime *named = find_named(runtimes, name);
  for (size_t i = 0; !named && i < runtimes->count; i++)
    for (const char *const *alias = runtimes->items[i]->aliases; alias && *alias; alias++)
      if (!strcmp(*alias, name))
        named = runtimes->items[i];
  return named;
}

const struct runtime *runtimes_at(const struct runtimes *runtimes, size_t index)
{
  return index < runtimes->count ? runtimes->items[index] : NULL;
}

static bool next_version_command(void *context, size_t index, const char *const **ret_command)
{
  struct runtimes *runtimes = context;
  if (index == runtimes->count)
    return false;
  const struct runtime *runtime = runtimes->items[index];
  *ret_command = runtime->available ? runtime->version_command : NULL;
  return true;
}

static void version_line(void *context, size_t index, const char *line)
{
  struct runtimes *runtimes = context;
  free(runtimes->items[index]->version);
  runtimes->items[index]->version = xstrdup(line);
}

void runtimes_probe_versions(struct runtimes *runtimes, uv_loop_t *loop)
{
  if (runtimes->probe)
    return;
  struct probe_events events = {.context = runtimes, .next = next_version_command, .line = version_line};
  probe_start(&runtimes->probe, loop, &events);
}
