# The daemon's directories are not there under any name: neither by path, nor through /proc, nor climbing out.
#
# env = { STATE = "${state_dir}", SECRET = "${secret}" }
# [expect]
# verdict = "completed"
# stdout = "nowhere\n"
import os

found = []
state = os.environ["STATE"]
for start in ("", "/proc/1/root", "/proc/self/root", f"/proc/{os.getppid()}/root", "../" * 30, "/proc/1/cwd", "/proc/self/cwd/" + "../" * 30):
    for path in (state, os.path.dirname(state), state + "/assay.db"):
        if os.path.exists(start + path):
            found.append(start + path)
print(found or "nowhere")
