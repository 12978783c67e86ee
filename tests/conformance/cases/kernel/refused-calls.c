// System calls that reach for the kernel are refused, each with an error that programs know how to live with.
//
// [expect]
// verdict = "completed"
// stdout = "all refused\n"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static int allowed;

/* EPERM is the answer for what is refused, ENOSYS for what is not known; ENODEV, EINVAL and others mean that it was tried. */
static void attempt(const char *name, long result)
{
  if (result < 0 && (errno == EPERM || errno == ENOSYS))
    return;
  printf("%s: %s\n", name, result < 0 ? strerror(errno) : "allowed");
  allowed++;
}

#define ATTEMPT(name, ...) attempt(#name, syscall(SYS_##name, __VA_ARGS__))

int main(void)
{
  static char zeros[4096];
  ATTEMPT(acct, 0);
  ATTEMPT(add_key, "user", "name", "x", 1, -3);
  ATTEMPT(adjtimex, memset(zeros, 1, 64));
  memset(zeros, 0, sizeof zeros);
  ATTEMPT(bpf, 0, zeros, 64);
  ATTEMPT(chroot, "/");
  ATTEMPT(clock_settime, 0, zeros);
  ATTEMPT(delete_module, "x", 0);
  ATTEMPT(fanotify_init, 0, 0);
  ATTEMPT(finit_module, 0, "", 0);
  ATTEMPT(fsmount, -1, 0, 0);
  ATTEMPT(fsopen, "tmpfs", 0);
  ATTEMPT(fspick, -100, "/", 0);
  ATTEMPT(init_module, zeros, 1, "");
  ATTEMPT(io_uring_enter, -1, 0, 0, 0, 0, 0);
  ATTEMPT(io_uring_register, -1, 0, 0, 0);
  ATTEMPT(io_uring_setup, 1, zeros);
  ATTEMPT(ioperm, 0, 1, 1);
  ATTEMPT(iopl, 3);
  ATTEMPT(kexec_file_load, 0, 0, 0, "", 0);
  ATTEMPT(kexec_load, 0, 0, zeros, 0);
  ATTEMPT(keyctl, 0, -3, 0);
  ATTEMPT(lookup_dcookie, 1ul, zeros, 64);
  ATTEMPT(mount, "none", "/tmp", "tmpfs", 0, 0);
  ATTEMPT(mount, "/", "/tmp", 0, MS_BIND, 0);
  ATTEMPT(mount, 0, "/", 0, MS_REMOUNT | MS_BIND, 0);
  ATTEMPT(mount_setattr, -100, "/", 0, zeros, 32);
  ATTEMPT(move_mount, -100, "/tmp", -100, ".", 0);
  ATTEMPT(name_to_handle_at, -100, "/", zeros, zeros, 0);
  ATTEMPT(open_by_handle_at, -100, zeros, 0);
  ATTEMPT(open_tree, -100, "/", 1);
  ATTEMPT(perf_event_open, zeros, 0, -1, -1, 0);
  ATTEMPT(pivot_root, "/", "/tmp");
  ATTEMPT(process_vm_readv, 1, zeros, 0, zeros, 0, 0);
  ATTEMPT(process_vm_writev, 1, zeros, 0, zeros, 0, 0);
  ATTEMPT(quotactl, 0, "", 0, zeros);
  ATTEMPT(reboot, 0xfee1dead, 0x28121969, 0, 0);
  ATTEMPT(request_key, "user", "name", 0, -3);
  ATTEMPT(setdomainname, "x", 1);
  ATTEMPT(sethostname, "x", 1);
  ATTEMPT(setns, open("/proc/self/ns/net", O_RDONLY), 0);
  ATTEMPT(settimeofday, zeros, 0);
  ATTEMPT(swapoff, "/x");
  ATTEMPT(swapon, "/x", 0);
  ATTEMPT(syslog, 3, zeros, 64);
  ATTEMPT(umount2, "/", MNT_DETACH);
  ATTEMPT(umount2, "/proc", MNT_DETACH);
  ATTEMPT(unshare, CLONE_NEWCGROUP);
  ATTEMPT(unshare, CLONE_NEWIPC);
  ATTEMPT(unshare, CLONE_NEWNET);
  ATTEMPT(unshare, CLONE_NEWNS);
  ATTEMPT(unshare, CLONE_NEWPID);
  ATTEMPT(unshare, CLONE_NEWUSER);
  ATTEMPT(unshare, CLONE_NEWUTS);
  ATTEMPT(userfaultfd, 0);
  ATTEMPT(userfaultfd, 1);
  ATTEMPT(vhangup, 0);
  if (!allowed)
    puts("all refused");
}
