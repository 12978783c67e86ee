# Names that are not UTF-8, control characters and looks of options or of JSON are nothing to us.
#
# [expect]
# verdict = "completed"
# stdout = "done\n"
import os

for name in (b"\xff\xfe", b"\n", b"-rf", b"..\x01", b'"}', b"\xe2\x80\xae", b" ", b"exit", b"start", b"exit.tmp", b"stdout"):
    os.mkdir(b"/tmp/" + name)
    open(name, "wb").close()
print("done")
