# The root and what is in it are read-only, whoever asks.
#
# [expect]
# verdict = "completed"
# stdout = "nothing could be written\n"
import os

written = []
for directory in ("/", "/usr", "/usr/bin", "/usr/lib", "/bin", "/lib", "/etc", "/var", "/opt", "/home", "/root", "/proc", "/sys", "/dev"):
    for flags in (os.O_CREAT | os.O_EXCL | os.O_WRONLY, os.O_TMPFILE | os.O_WRONLY):
        try:
            path = f"{directory}/planted" if flags & os.O_CREAT else directory
            os.close(os.open(path, flags))
            written.append(path)
        except OSError:
            pass
for path in ("/bin/sh", "/etc/passwd", "/etc/hostname", "/usr/bin/python3"):
    for act in (lambda path: os.open(path, os.O_WRONLY), lambda path: os.chmod(path, 0o777), os.unlink, lambda path: os.rename(path, path + "~")):
        try:
            act(path)
            written.append(path)
        except OSError:
            pass
print(written or "nothing could be written")
