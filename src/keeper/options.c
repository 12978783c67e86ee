#include "keeper/options.h"

#include "base/number.h"
#include "wire/name.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

enum option_key {
  CONTAINER,
  POD,
  INSTALL,
  FROM,
  NAME,
  SLOT,
  EVIDENCE,
  UID_BASE,
  ROOT_ALLOW,
  CGROUP_V2,
  V2_MEMORY,
  V2_PIDS,
  CGROUP_MEMORY,
  CGROUP_PIDS,
  CGROUP_CPUACCT
};

static const struct option table[] = {
  {"container", required_argument, 0, CONTAINER},
  {"pod", required_argument, 0, POD},
  {"install", required_argument, 0, INSTALL},
  {"from", required_argument, 0, FROM},
  {"name", required_argument, 0, NAME},
  {"slot", required_argument, 0, SLOT},
  {"evidence", required_argument, 0, EVIDENCE},
  {"uid-base", required_argument, 0, UID_BASE},
  {"root-allow", required_argument, 0, ROOT_ALLOW},
  {"cgroup-v2", required_argument, 0, CGROUP_V2},
  {"v2-memory", no_argument, 0, V2_MEMORY},
  {"v2-pids", no_argument, 0, V2_PIDS},
  {"cgroup-memory", required_argument, 0, CGROUP_MEMORY},
  {"cgroup-pids", required_argument, 0, CGROUP_PIDS},
  {"cgroup-cpuacct", required_argument, 0, CGROUP_CPUACCT},
  {0, 0, 0, 0},
};

static bool invalid(struct error *error, const char *what, const char *value)
{
  return error_set(error, ERROR_INVALID, EINVAL, "%s: \"%s\"", what, value ? value : "");
}

static bool take_option(struct options *options, int key, const char *value, struct error *error)
{
  uint64_t number;
  switch (key) {
  case CONTAINER:
    options->container_path = value;
    return true;
  case POD:
    options->pod_path = value;
    return true;
  case INSTALL:
    options->install_path = value;
    return true;
  case FROM:
    options->from_path = value;
    return true;
  case NAME:
    options->name = value;
    return true;
  case SLOT:
    options->slot_path = value;
    return true;
  case EVIDENCE:
    options->evidence_path = value;
    return true;
  case UID_BASE:
    if (!parse_u64_text(value, UINT32_MAX - 2, &number) || number == 0)
      return invalid(error, "--uid-base is not a user id other than root's", value);
    options->uid_base = (uint32_t)number;
    return true;
  case ROOT_ALLOW:
    if (options->root_count == ROOTS_MAX)
      return invalid(error, "too many --root-allow", value);
    options->roots[options->root_count++] = value;
    return true;
  case CGROUP_V2:
    options->cgroups.directory[HIERARCHY_V2] = value;
    return true;
  case V2_MEMORY:
    options->cgroups.v2_memory = true;
    return true;
  case V2_PIDS:
    options->cgroups.v2_pids = true;
    return true;
  case CGROUP_MEMORY:
    options->cgroups.directory[HIERARCHY_MEMORY] = value;
    return true;
  case CGROUP_PIDS:
    options->cgroups.directory[HIERARCHY_PIDS] = value;
    return true;
  case CGROUP_CPUACCT:
    options->cgroups.directory[HIERARCHY_CPUACCT] = value;
    return true;
  default:
    return error_set(error, ERROR_INVALID, EINVAL, "unknown option, or one without its value");
  }
}

/* The slot's name begins the names of its cgroups, which have to fit into a start marker. */
static bool name_slot(struct options *options, struct error *error)
{
  const char *slash = strrchr(options->slot_path, '/'), *name = slash ? slash + 1 : options->slot_path;
  size_t length = strlen(name);
  if (!length || length > SLOT_NAME_MAX || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
    return invalid(error, "the directory of --slot is to be named with a few small letters, digits and '-'", name);
  options->cgroups.slot = name;
  return true;
}

static bool check_name(const struct options *options, struct error *error)
{
  char id[ID_SIZE];
  unsigned attempt;
  return name_parse(options->name, id, &attempt) || invalid(error, "--name is not an attempt's name", options->name);
}

static bool check_container(const struct options *options, struct error *error)
{
  if ((!options->container_path && !options->pod_path) || !options->name)
    return error_set(error, ERROR_INVALID, EINVAL, "--name is needed together with --container or --pod");
  if (options->slot_path || options->evidence_path || options->install_path || options->from_path ||
      (options->container_path && options->pod_path))
    return error_set(error, ERROR_INVALID, EINVAL, "--container or --pod goes with --name only");
  return check_name(options, error);
}

static bool check_install(const struct options *options, struct error *error)
{
  if (!options->install_path || !options->from_path || options->slot_path || options->evidence_path)
    return error_set(error, ERROR_INVALID, EINVAL, "--install and --from are needed together, and alone");
  return true;
}

static bool check_slot(struct options *options, struct error *error)
{
  if (!options->slot_path || !options->evidence_path)
    return error_set(error, ERROR_INVALID, EINVAL, "--slot and --evidence are needed");
  if ((options->cgroups.v2_memory || options->cgroups.v2_pids) && !options->cgroups.directory[HIERARCHY_V2])
    return error_set(error, ERROR_INVALID, EINVAL, "--v2-memory and --v2-pids need --cgroup-v2");
  return name_slot(options, error);
}

bool options_parse(int argc, char **argv, struct options *ret, struct error *error)
{
  struct options options = {0};
  opterr = 0;
  for (int key; (key = getopt_long(argc, argv, "", table, 0)) != -1;)
    if (!take_option(&options, key, optarg, error))
      return false;
  if (optind < argc)
    return invalid(error, "unexpected argument", argv[optind]);
  const bool contained = options.container_path || options.pod_path || options.name;
  const bool installs = options.install_path || options.from_path;
  if (contained  ? !check_container(&options, error)
      : installs ? !check_install(&options, error)
                 : !check_slot(&options, error))
    return false;
  *ret = options;
  return true;
}
