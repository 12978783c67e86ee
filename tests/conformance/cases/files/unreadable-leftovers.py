# Directories that nobody may enter and files that nobody may write are removed all the same.
#
# [expect]
# verdict = "completed"
# stdout = "done\n"
import os

os.makedirs("closed/inner")
open("closed/inner/file", "w").close()
os.chmod("closed/inner/file", 0)
os.chmod("closed/inner", 0)
os.chmod("closed", 0)
os.chmod(".", 0)
print("done")
