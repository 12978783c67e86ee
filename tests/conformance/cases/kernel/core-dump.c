// A crash leaves no core file, in no place.
//
// [expect]
// verdict = "completed"
// stdout = "no core\n"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
  setrlimit(RLIMIT_CORE, &(struct rlimit){1 << 20, 1 << 20});
  if (fork() == 0)
    abort();
  int status;
  wait(&status);
  DIR *directory = opendir(".");
  int found = 0;
  for (struct dirent *entry; (entry = readdir(directory));)
    found += !strncmp(entry->d_name, "core", 4);
  puts(found || WCOREDUMP(status) ? "a core" : "no core");
}
