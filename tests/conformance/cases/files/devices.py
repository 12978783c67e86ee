# The devices that programs expect are there and work; no other can be opened.
#
# [expect]
# verdict = "completed"
# stdout = "null zero full random urandom\nnothing else\n"
import os

open("/dev/null", "w").write("x")
assert open("/dev/zero", "rb").read(3) == b"\0\0\0"
assert len(open("/dev/urandom", "rb").read(16)) == 16
assert len(open("/dev/random", "rb").read(16)) == 16
try:
    os.write(os.open("/dev/full", os.O_WRONLY), b"x")
except OSError as error:
    assert error.errno == 28
print("null zero full random urandom")
harmless = {"null", "zero", "full", "random", "urandom", "tty", "stdin", "stdout", "stderr", "fd", "shm", "ptmx", "pts"}
opened = []
for directory, _, names in os.walk("/dev"):
    for name in names:
        path = os.path.join(directory, name)
        if name not in harmless and os.path.exists(path):
            try:
                os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                opened.append(path)
            except OSError:
                pass
print(opened or "nothing else")
