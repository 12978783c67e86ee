# Killed by its own child: failed by SIGKILL.
#
# [expect]
# verdict = "failed"
# signal = "SIGKILL"
sh -c 'kill -KILL $PPID'
sleep 10
