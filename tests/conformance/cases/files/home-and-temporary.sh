# HOME and the usual places for temporary files can be written to.
#
# [expect]
# verdict = "completed"
# stdout = "home\ntmp\nshm\nwork\n"
echo home >"$HOME/file" && cat "$HOME/file"
echo tmp >/tmp/file && cat /tmp/file
echo shm >/dev/shm/file && cat /dev/shm/file
echo work >file && cat file
