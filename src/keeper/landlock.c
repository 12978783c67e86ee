#include "keeper/landlock.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As of version 6; the kernel takes a shorter one from before (landlock_create_ruleset(2)). Declared here because the
 * headers of Debian 12 end at version 2. */
struct ruleset {
  uint64_t handled_access_fs;
  uint64_t handled_access_net; /* version 4 */
  uint64_t scoped;             /* version 6 */
};
#define ACCESS_TRUNCATE (1ull << 14)           /* version 3 */
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ull << 0) /* version 6 */
#define SCOPE_SIGNAL (1ull << 1)               /* version 6 */

#define ACCESS_READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)
#define ACCESS_WRITE                                                                                                   \
  (ACCESS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
   LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |                          \
   LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |                        \
   LANDLOCK_ACCESS_FS_REFER)

/* The program's own processes share its domain, so they may signal each other and meet on abstract sockets. */
#define SCOPES (SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL)

/* /tmp and /dev/shm are bind mounts of directories inside the box: a lookup never passes through /box itself. */
static const struct {
  const char *path;
  uint64_t access;
} rules[] = {
  {"/", ACCESS_READ},
  {"/box", ACCESS_READ | ACCESS_WRITE},
  {"/tmp", ACCESS_READ | ACCESS_WRITE},
  {"/dev/shm", ACCESS_READ | ACCESS_WRITE},
  {"/dev", ACCESS_WRITE_FILE},
  {"/proc", ACCESS_WRITE_FILE},
};

static uint64_t accesses_of(int version)
{
  uint64_t all = ACCESS_READ | ACCESS_WRITE;
  if (version < 2)
    all &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
  if (version < 3)
    all &= ~ACCESS_TRUNCATE;
  return all;
}

static size_t ruleset_size(int version)
{
  return version < 4 ? sizeof(uint64_t) : version < 6 ? 2 * sizeof(uint64_t) : sizeof(struct ruleset);
}

int landlock_version(void)
{
  long version = syscall(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : (int)version;
}

static int allow_beneath(int ruleset, const char *path, uint64_t access)
{
  CLEANUP_FD int parent = open(path, O_PATH | O_CLOEXEC);
  if (parent < 0)
    return -errno;
  struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = parent};
  return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

bool landlock_lets_write(const char *path)
{
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    const size_t length = strlen(rules[i].path);
    if (rules[i].access & ACCESS_WRITE_FILE && !strncmp(path, rules[i].path, length) &&
        (path[length] == '/' || !path[length]))
      return true;
  }
  return false;
}

int landlock_create(int version)
{
  struct ruleset attributes = {.handled_access_fs = accesses_of(version), .scoped = SCOPES};
  CLEANUP_FD int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, ruleset_size(version), 0);
  if (ruleset < 0)
    return -errno;
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    int result = allow_beneath(ruleset, rules[i].path, rules[i].access & accesses_of(version));
    if (result < 0)
      return result;
  }
  return TAKE_FD(ruleset);
}

int landlock_enter(int rules_fd)
{
  return syscall(SYS_landlock_restrict_self, rules_fd, 0) < 0 ? -errno : 0;
}
