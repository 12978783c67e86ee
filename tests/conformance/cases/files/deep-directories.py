# A thousand directories deep, and names that are as long as can be: made, and removed again by us.
#
# [expect]
# verdict = "completed"
# stdout = "1000 deep\n"
import os

for depth in range(1000):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
open("f" * 255, "w").close()
print("1000 deep")
