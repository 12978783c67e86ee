# A program sees its own processes and those of its sandbox in /proc, and no others, not even by number.
#
# env = { DAEMON = "${daemon_pid}" }
# [expect]
# verdict = "completed"
# stdout = "few True, host's daemon invisible True\n"
import os

numbers = [name for name in os.listdir("/proc") if name.isdigit()]
daemon = f"/proc/{os.environ['DAEMON']}"
invisible = not os.path.exists(daemon) or int(os.environ["DAEMON"]) <= 4
print(f"few {len(numbers) <= 4}, host's daemon invisible {invisible}")
