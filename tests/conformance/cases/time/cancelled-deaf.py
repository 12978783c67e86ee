# Whoever ignores all signals is cancelled just as well.
#
# cancel_after_ms = 400
# [expect]
# verdict = "cancelled"
# stdout = "deaf\n"
import signal
import time

for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
print("deaf", flush=True)
while True:
    time.sleep(60)
