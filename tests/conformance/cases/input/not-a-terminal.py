# None of the three streams is a terminal, and there is no controlling one.
#
# [expect]
# verdict = "completed"
# stdout = "[False, False, False] no terminal\n"
import os

try:
    os.open("/dev/tty", os.O_RDWR)
    terminal = "a terminal"
except OSError:
    terminal = "no terminal"
print([os.isatty(stream) for stream in range(3)], terminal)
