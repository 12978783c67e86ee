# An orphan that goes on writing without end does not keep the verdict from coming.
#
# [expect]
# verdict = "completed"
# stdout = { matches = "main ends\n(y\n)*y?\n?(y\n)*y?" }
# wall_time_ms = [0, 15000]
echo main ends
setsid yes &
exit 0
