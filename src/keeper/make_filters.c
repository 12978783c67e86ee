/*
 * make_filters OUTPUT: writes the system call filters as a C source, from their rules. Runs while the keeper is built.
 */

#include "base/fd.h"
#include "keeper/seccomp_rules.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { INSTRUCTIONS_MAX = 4096 }; /* BPF_MAXINSNS: the kernel takes no more */

static const char *const names[FILTER_COUNT] = {
  [FILTER_KNOWN] = "known",
  [FILTER_APART] = "apart",
  [FILTER_GATE] = "gate",
  [FILTER_QUIET_GATE] = "quiet_gate",
};

/* How many instructions the filter has; -1 on failure. */
static long read_filter(enum filter filter, struct sock_filter *instructions, size_t size)
{
  CLEANUP_FD int memory = memfd_create("filter", MFD_CLOEXEC);
  if (memory < 0)
    return perror("cannot make a file in memory"), -1;
  int result = filter_rules_write(filter, memory);
  ssize_t got = result ? -1 : pread(memory, instructions, size, 0);
  if (got <= 0 || (size_t)got == size || (size_t)got % sizeof *instructions) {
    fprintf(stderr, "cannot make the filter \"%s\": %s\n", names[filter], strerror(-result));
    return -1;
  }
  return got / (ssize_t)sizeof *instructions;
}

static bool write_filter(FILE *output, enum filter filter, long *ret_count)
{
  static struct sock_filter instructions[INSTRUCTIONS_MAX + 1];
  long count = read_filter(filter, instructions, sizeof instructions);
  if (count < 0)
    return false;
  fprintf(output, "static struct sock_filter %s[] = {\n", names[filter]);
  for (long i = 0; i < count; i++)
    fprintf(output, "  {0x%" PRIx16 ", %" PRIu8 ", %" PRIu8 ", 0x%" PRIx32 "},\n", instructions[i].code,
            instructions[i].jt, instructions[i].jf, instructions[i].k);
  fprintf(output, "};\n\n");
  *ret_count = count;
  return true;
}

int main(int argc, char **argv)
{
  FILE *output = argc == 2 ? fopen(argv[1], "we") : NULL;
  if (!output)
    return fprintf(stderr, "usage: make_filters OUTPUT\n"), EXIT_FAILURE;
  long counts[FILTER_COUNT];
  bool made = true;
  fprintf(output, "#include \"keeper/seccomp_filter.h\"\n\n");
  for (int i = 0; made && i < FILTER_COUNT; i++)
    made = write_filter(output, (enum filter)i, &counts[i]);
  fprintf(output, "const struct sock_fprog filter_programs[FILTER_COUNT] = {\n");
  for (int i = 0; made && i < FILTER_COUNT; i++)
    fprintf(output, "  {%ld, %s},\n", counts[i], names[i]);
  fprintf(output, "};\n");
  return fclose(output) == 0 && made ? EXIT_SUCCESS : EXIT_FAILURE;
}
