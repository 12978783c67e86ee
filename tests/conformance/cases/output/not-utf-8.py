# Output is bytes: NUL, invalid UTF-8, overlong forms, lone surrogates and half characters are kept as they are.
#
# [expect]
# verdict = "completed"
# stdout = { hex = "00 ff fe 80 c0 af ed a0 80 f4 90 80 80 e2 82 0d 0a 00 7f e2 82 ac c3" }
# stderr = { hex = "c3 28 a0 a1 00" }
import os

os.write(1, bytes.fromhex("00 ff fe 80 c0 af ed a0 80 f4 90 80 80 e2 82 0d 0a 00 7f e2 82 ac c3"))
os.write(2, bytes.fromhex("c3 28 a0 a1 00"))
