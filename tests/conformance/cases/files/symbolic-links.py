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
    os.symlink(secret, f"/work/{name}")
os.symlink(state, "/work/state")
os.symlink("/", "/work/root")
os.unlink("/work/main.py")
os.symlink(secret, "/work/main.py")
print("kept")
