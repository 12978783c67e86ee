# A program cannot become another user, root least of all.
#
# [expect]
# verdict = "completed"
# stdout = "refused\n"
import os

became = []
for user in (0, 1, 1000, 65_534, 54_321):
    if user == os.getuid():
        continue
    for become in (os.setuid, os.setgid, lambda user: os.setgroups([user]), lambda user: os.setresuid(user, user, user)):
        try:
            become(user)
            became.append(user)
        except OSError:
            pass
print(became or "refused")
