# Standard input is for reading, whatever it is.
#
# stdin = "input\n"
# [expect]
# verdict = "completed"
# stdout = "not writable\ninput\n"
import os

try:
    os.write(0, b"changed")
    print("written")
except OSError:
    print("not writable")
print(os.read(0, 100).decode(), end="")
