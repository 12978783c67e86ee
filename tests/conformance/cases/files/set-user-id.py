# A file with the set-user-id bit, of the program's own or of the system, gives no other user.
#
# [expect]
# verdict = "completed"
# stdout = "same\n"
import glob
import os
import shutil
import stat
import subprocess

me = f"{os.getuid()} {os.geteuid()}"
shutil.copy("/usr/bin/python3", "./copy")
os.chmod("./copy", 0o6755)
show = "import os; print(os.getuid(), os.geteuid())"
other = subprocess.run(["./copy", "-c", show], capture_output=True, text=True).stdout.strip()
print("same" if other == me else f"{me} became {other}")
