# What the host keeps from others is not there: password hashes, homes, logs, the daemon's state, other people's files.
#
# env = { SECRET = "${secret_path}", STATE = "${state_dir}" }
# [expect]
# verdict = "completed"
# stdout = "nothing to be seen\n"
import os

seen = []
for path in ("/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/ssh", os.environ["SECRET"], "/var/log/dpkg.log", "/boot"):
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
        if not os.path.isdir(path) or os.listdir(path):
            seen.append(path)
    except OSError:
        pass
for directory in ("/root", "/home", "/var/lib", "/srv", "/mnt", "/media", "/opt", "/run", "/var/run", os.environ["STATE"]):
    try:
        if os.listdir(directory):
            seen.append(directory)
    except OSError:
        pass
print(seen or "nothing to be seen")
