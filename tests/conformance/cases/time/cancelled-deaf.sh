# Whoever ignores all signals is cancelled just as well.
#
# cancel_after_ms = 1500
# [expect]
# verdict = "cancelled"
# stdout = "deaf\n"
trap '' HUP INT QUIT PIPE ALRM TERM USR1 USR2 TSTP TTIN TTOU XCPU
echo deaf
while :; do
  sleep 60
done
