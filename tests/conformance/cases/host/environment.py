# The environment is what the client gave and four variables of ours; nothing of the daemon's.
#
# env = { GIVEN = "by the client €" }
# [expect]
# verdict = "completed"
# stdout = "GIVEN = by the client €\nnothing else\n${id}\n"
import os

print("GIVEN =", os.environ["GIVEN"])
extra = set(os.environ) - {"GIVEN", "PATH", "HOME", "EVAL_ID", "LANG", "LC_CTYPE", "TMPDIR", "PWD", "USER", "LOGNAME"}
print(sorted(extra) or "nothing else")
print(os.environ["EVAL_ID"])
