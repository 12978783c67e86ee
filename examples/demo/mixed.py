import sys

for number in range(1, 4):
    print("out", number, flush=True)
    print("err", number, file=sys.stderr, flush=True)
