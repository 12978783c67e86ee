"""What a program can see and reach: itself, and nothing else."""

import os
import subprocess
import tempfile

from keeper_driver import REFUSED, Keeper, plan
from rules import CONTAINER, SLOT, rule, same

# Runs statements that each must fail, and prints those that did not.
ATTEMPTS = """
import ctypes, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    return 'allowed' if result >= 0 else os.strerror(ctypes.get_errno())
def attempt(function):
    try:
        return 'allowed', function()
    except OSError as error:
        return os.strerror(error.errno)
"""


def results(keeper, *expressions):
    record = keeper.python(ATTEMPTS + "\n".join(f"print({expression})" for expression in expressions))
    same(record.ending, ("code", 0))
    return record.output("stdout").decode().splitlines()


@rule("refused system calls are EPERM, unknown ones ENOSYS")
def _(keeper):
    refused = {"keyctl": 250, "add_key": 248, "io_uring_setup": 425, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
               "mount": 165, "umount2": 166, "pivot_root": 155, "unshare": 272, "setns": 308, "ptrace": 101,
               "process_vm_readv": 310, "kexec_load": 246, "init_module": 175, "reboot": 169, "swapon": 167, "acct": 163,
               "settimeofday": 164, "clock_settime": 227, "iopl": 172, "open_by_handle_at": 304, "fsopen": 430,
               "move_mount": 429, "open_tree": 428, "mount_setattr": 442, "quotactl": 179, "syslog": 103}
    answers = results(keeper, *(f"call({number}, 0, 0, 0, 0, 0)" for number in refused.values()))
    same(dict(zip(refused, answers)), dict.fromkeys(refused, "Operation not permitted"))
    same(results(keeper, "call(435, 0, 0)", "call(999, 0)"), ["Function not implemented"] * 2)


@rule("no namespace can be made by clone either")
def _(keeper):
    flags = (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000, 0x2000000)
    same(results(keeper, *(f"call(56, {flag | 17}, 0, 0, 0, 0)" for flag in flags)), ["Operation not permitted"] * len(flags))


@rule("calls of the i386 and x32 tables are refused", needs="gcc")
def _(keeper):
    same(results(keeper, "call(0x40000000 + 39)"), ["Operation not permitted"])
    source = """#include <stdio.h>
int main(void) { int r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20)); printf("%d\\n", r); return 0; }"""
    record = keeper.run(["./main"], [("main.c", source)], compile=["gcc", "-o", "main", "main.c"], wall_time_ms=20000)
    if record.ending != ("signal", 11):  # of a kernel that has no such table, the instruction itself is a fault
        same(record.output("stdout"), b"-1\n")


@rule("only local and Internet sockets can be made")
def _(keeper):
    kinds = {"unix": (1, 1, 0), "inet": (2, 1, 0), "inet6": (10, 1, 0), "route": (16, 3, 0)}
    same(results(keeper, *(f"call(41, {a}, {b}, {c})" for a, b, c in kinds.values())), ["allowed"] * len(kinds))
    others = {"vsock": (40, 1, 0), "packet": (17, 3, 0), "alg": (38, 5, 0), "key": (15, 3, 2), "audit": (16, 3, 9),
              "bluetooth": (31, 3, 0), "ax25": (3, 1, 0)}
    same(dict(zip(others, results(keeper, *(f"call(41, {a}, {b}, {c})" for a, b, c in others.values())))),
         dict.fromkeys(others, "Address family not supported by protocol"))


@rule("nothing can be typed into a terminal, whatever stands in the upper half of the command", needs="gcc")
def _(keeper):
    record = keeper.run(["/bin/sh", "-c", "gcc -o t t.c && ./t"], [("t.c", """
#include <stdio.h>
#include <errno.h>
#include <unistd.h>
#include <sys/syscall.h>
int main(void) { syscall(SYS_ioctl, 0L, 0x5412UL, "x"); printf("%d ", errno);
 syscall(SYS_ioctl, 0L, 0x100005412UL, "x"); printf("%d ", errno); syscall(SYS_ioctl, 0L, 0x541cUL, "x"); printf("%d\\n", errno); }
""")], wall_time_ms=20000)
    same(record.output("stdout"), b"1 1 1\n")


@rule("the rest of the host is not there")
def _(keeper):
    paths = ("/etc/shadow", "/root", "/home", "/var/lib", "/sys/kernel", "/etc/ssl/private", "/mnt", "/work", keeper.directory,
             keeper.evidence, "/boot", "/srv", "/opt")
    same(results(keeper, *(f"os.path.exists({path!r})" for path in paths)), ["False"] * len(paths))


@rule("no file of the root can be written, made or removed")
def _(keeper):
    paths = ("/x", "/etc/passwd", "/usr/x", "/usr/bin/python3", "/dev/x", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger",
             "/proc/sys/net/ipv4/ip_forward", "/run/x", "/var/x", "/proc/1/environ", "/proc/1/mem")
    answers = results(keeper, *(f"attempt(lambda: open({path!r}, 'w'))" for path in paths))
    assert not [a for a in answers if "allowed" in a], dict(zip(paths, answers))


@rule("/proc shows the program's own processes only, and nothing of its init")
def _(keeper):
    answers = results(keeper, "sorted(p for p in os.listdir('/proc') if p.isdigit())", "attempt(lambda: open('/proc/1/environ').read())",
                      "attempt(lambda: os.listdir('/proc/1/root'))", "attempt(lambda: os.listdir('/proc/1/fd'))",
                      "attempt(lambda: open('/proc/kmsg', 'rb').read(1))", "os.path.exists('/proc/self/root/etc/shadow')")
    same(answers, [str(keeper.own_processes + [str(len(keeper.own_processes) + 1)])] + ["Permission denied"] * 4 + ["False"])


@rule("init cannot be killed, and kill(-1) reaches only the program's own")
def _(keeper):
    same(results(keeper, "attempt(lambda: os.kill(1, 9))")[0] in ("Operation not permitted", "('allowed', None)"), True)
    same(keeper.shell("kill -9 1; kill -9 $PPID; sleep 0.05; exit 5").ending, ("code", 5))
    same(keeper.python("import os\ntry: os.kill(-1, 9)\nexcept OSError: pass\nprint('alive')").output("stdout"), b"alive\n")


@rule("a program may signal its own children, in its sessions and out of them")
def _(keeper):
    same(keeper.python("import os,time\np=os.fork()\nif not p:\n os.setsid(); time.sleep(9)\n"
                       "os.kill(p,15); print(os.wait()[1])").output("stdout"), b"15\n")


@rule("only descriptors 0, 1 and 2 are open")
def _(keeper):
    same(keeper.python("import os; print(sorted(os.listdir('/proc/self/fd')))").output("stdout"), b"['0', '1', '2', '3']\n")


@rule("no capability, no new privilege, seccomp on, an ordinary user id", of=(SLOT, CONTAINER))
def _(keeper):
    record = keeper.shell("grep -E '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid)' /proc/self/status; id -un")
    lines = record.output("stdout").decode().split("\n")
    same([line.split("\t")[1] for line in lines[:-2]],
         ["1000", "1000"] + ["0" * 16] * 3 + [keeper.bounding_set, "0" * 16] + ["1", "2"])
    same(lines[-2], "user")


@rule("signals are as a program expects them: none blocked, none ignored")
def _(keeper):
    record = keeper.shell("grep -E '^Sig(Blk|Ign)' /proc/self/status")
    same(record.output("stdout"), b"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n")


@rule("there is a loopback, and no other network")
def _(keeper):
    record = keeper.python("""
import socket, threading
s = socket.create_server(('127.0.0.1', 8080))
c = socket.create_connection(('127.0.0.1', 8080)); print('loopback')
for address in ('1.1.1.1', '169.254.169.254'):
    try: socket.create_connection((address, 80), 1)
    except OSError as e: print(e.strerror)
try: socket.getaddrinfo('example.com', 80)
except OSError: print('no name')
""")
    same(record.output("stdout"), b"loopback\nNetwork is unreachable\nNetwork is unreachable\nno name\n")


@rule("what an evaluation leaves behind, the next one does not find")
def _(keeper):
    keeper.python("""
import os, socket, ctypes
open('/tmp/left','w'); open('/dev/shm/left','w'); open('/box/work/left','w')
libc = ctypes.CDLL(None); print(libc.shmget(1234, 4096, 0o1666))
s = socket.create_server(('127.0.0.1', 9999)); c = socket.create_connection(('127.0.0.1', 9999)); a, _ = s.accept()
c.send(b'x'); a.close(); s.close()
if not os.fork(): os.setsid(); __import__('time').sleep(100)
""")
    record = keeper.python("""
import os, socket, ctypes
print(os.listdir('/tmp'), os.listdir('/dev/shm'), os.listdir('.'))
print(ctypes.CDLL(None).shmget(1234, 0, 0))
print(open('/proc/net/sockstat').read().split('TCP: ')[1].split(' orphan')[0], [p for p in os.listdir('/proc') if p.isdigit()])
s = socket.socket(); s.bind(('127.0.0.1', 9999)); print('bound')
""")
    processes = keeper.own_processes + [str(len(keeper.own_processes) + 1)]
    same(record.output("stdout"), f"[] [] []\n-1\ninuse 0 {processes}\nbound\n".encode())


@rule("the environment is the plan's, with what every program has")
def _(keeper):
    record = keeper.run(["/usr/bin/env"], env=["A=1", "EVAL_ID=forged", "LANG=de"])
    lines = set(record.output("stdout").decode().split("\n"))
    assert {"A=1", "LANG=de", "HOME=/box/work", "PATH=/usr/local/bin:/usr/bin:/bin"} <= lines, lines
    assert "EVAL_ID=forged" not in lines and any(l.startswith("EVAL_ID=20261122_195800_") for l in lines), lines
    record = keeper.run(["mine"], [("bin/mine", "#!/bin/sh\necho mine\n", True)], env=["PATH=/nowhere:/box/work/bin"])
    same(record.output("stdout"), b"mine\n")


@rule("symbolic links, hard links and device nodes lead nowhere")
def _(keeper):
    answers = results(keeper, "attempt(lambda: os.link('/etc/passwd', 'l'))", "attempt(lambda: os.mknod('n', 0o20666, os.makedev(1, 3)))",
                      "attempt(lambda: (os.symlink('/etc/shadow', 's'), open('s').read()))")
    assert not [a for a in answers if "allowed" in a], answers


@rule("a thousand directories deep, and names that are not UTF-8, are cleared away")
def _(keeper):
    record = keeper.python("import os\nfor i in range(1000): os.mkdir(b'd\\xff'); os.chdir(b'd\\xff')\nprint('deep')")
    same(record.output("stdout"), b"deep\n")


@rule("a further filter of the program's own works", needs="gcc")
def _(keeper):
    record = keeper.run(["/bin/sh", "-c", "gcc -o t t.c && ./t"], [("t.c", """
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
int main(void) { struct sock_filter f[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}; struct sock_fprog p = {1, f};
 printf("%d\\n", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p)); fflush(stdout); fprintf(stderr, "error\\n"); return 0; }
""")], wall_time_ms=20000)
    same(record.merged(), [("stdout", b"0\n"), ("stderr", b"error\n")])


@rule("a root file system of the operator's takes the place of the host's, and only an allowed one", needs="gcc", of=SLOT)
def _(keeper):
    with tempfile.TemporaryDirectory(prefix="assay-root-") as root:
        os.chmod(root, 0o755)
        for directory in ("bin", "proc", "tmp", "etc"):
            os.mkdir(f"{root}/{directory}")
        os.symlink("bin", f"{root}/sbin")
        with open(f"{root}/main.c", "w", encoding="utf-8") as source:
            source.write('#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf("%d %d %d %d\\n", access("/usr", F_OK), '
                         'access("/etc", W_OK), access("/tmp", W_OK), access("/dev/null", W_OK)); return 0; }\n')
        subprocess.run(["gcc", "-static", "-o", f"{root}/bin/look", f"{root}/main.c"], check=True)
        other = Keeper(keeper.command[0], cgroups=bool(keeper.cgroups), roots=[root])
        same(other.run(["/sbin/look"], root=root).output("stdout"), b"-1 -1 0 0\n")
        same(other.run(["/bin/sh", "-c", "echo host"]).output("stdout"), b"host\n")
        name, answer = other.start(plan(["/bin/look"], root="/usr"))
        same((answer["type"], answer["text"], name in other.names()), (REFUSED, 'the root "/usr" is not allowed', False))
        same(other.close(), 0)
