#include "daemon/footprint.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * libcurl and libarchive bring some forty libraries along. Loading them touches several megabytes of their code and
 * tables, which a daemon without Docker never looks at again. These pages are clean, and come back from the page cache
 * with the first access; what the loader has relocated lies in writable segments, and stays.
 */
static int forget_segments(struct dl_phdr_info *library, size_t size, void *context)
{
  (void)size;
  (void)context;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < library->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
      continue;
    uintptr_t begin = (library->dlpi_addr + segment->p_vaddr) & ~(page - 1);
    uintptr_t end = library->dlpi_addr + segment->p_vaddr + segment->p_memsz;
    (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
  }
  return 0;
}

void footprint_shrink(void)
{
  dl_iterate_phdr(forget_segments, NULL);
  malloc_trim(0);
}
