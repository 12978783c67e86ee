# A client's own PATH, HOME and EVAL_ID stand.
#
# env = { PATH = "/nowhere:/usr/bin", HOME = "/tmp", EVAL_ID = "mine" }
# [expect]
# verdict = "completed"
# stdout = "/nowhere:/usr/bin /tmp mine\n"
import os

print(os.environ["PATH"], os.environ["HOME"], os.environ["EVAL_ID"])
