# A client's own PATH and HOME stand; EVAL_ID is the evaluation's id whatever the client says.
#
# env = { PATH = "/nowhere:/usr/bin", HOME = "/tmp", EVAL_ID = "mine" }
# [expect]
# verdict = "completed"
# stdout = "/nowhere:/usr/bin /tmp ${id}\n"
import os

print(os.environ["PATH"], os.environ["HOME"], os.environ["EVAL_ID"])
