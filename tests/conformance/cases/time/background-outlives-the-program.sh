# Children that were put into the background are gone when the main process has ended, and hold nothing up.
#
# [expect]
# verdict = "completed"
# stdout = "main ends\n"
# wall_time_ms = [0, 15000]
setsid sh -c 'trap "" TERM INT HUP; while :; do sleep 30; done' >/dev/null 2>&1 </dev/null &
echo main ends
