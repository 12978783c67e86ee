# Symbolic links planted under the names that a runner might write to lead nowhere.
#
# env = { SECRET = "${secret_path}", STATE = "${state_dir}" }
# [expect]
# verdict = "completed"
# stdout = "kept\n"
import os
import shutil

secret, state = os.environ["SECRET"], os.environ["STATE"]
for name in ("exit", "exit.tmp", "stdout", "stderr", "start", "order", "ring", "compile"):
    os.symlink(secret, f"/tmp/{name}")
    os.symlink(secret, name)
os.symlink(state, "state")
os.symlink("/", "root")
os.unlink("main.py")
os.symlink(secret, "main.py")
print("kept")
