// No way leads to a user namespace: not unshare, not clone, not clone3, not the 32 bits that a filter might not look at.
//
// [expect]
// verdict = "completed"
// stdout = "unshare: refused\nclone: refused\nclone with high bits: refused\nclone3: refused\n"
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static void attempt(const char *name, long result)
{
  if (result == 0 && getpid() != 2)
    result = 0;
  int refused = result < 0 && (errno == EPERM || errno == ENOSYS || errno == EINVAL);
  printf("%s: %s\n", name, refused ? "refused" : "allowed");
  fflush(stdout);
}

int main(void)
{
  attempt("unshare", syscall(SYS_unshare, CLONE_NEWUSER));
  attempt("clone", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
  attempt("clone with high bits", syscall(SYS_clone, 0xff00000000000000ul | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
  struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  attempt("clone3", syscall(SYS_clone3, &arguments, sizeof arguments));
}
