# A client that cancels is told so: cancelled, with what was written until then.
#
# cancel_after_ms = 1500
# [expect]
# verdict = "cancelled"
# stdout = "running\n"
echo running
sleep 60
