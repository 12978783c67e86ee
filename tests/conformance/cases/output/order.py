# The order between the two streams is kept.
#
# [expect]
# verdict = "completed"
# stdout = "1\n3\n4\n"
# stderr = "2\n5\n"
# output = "1\n2\n3\n4\n5\n"
import os
import time

for number, stream in enumerate((1, 2, 1, 1, 2), start=1):
    os.write(stream, b"%d\n" % number)
    time.sleep(0.03)
