print("eating memory", flush=True)
data = []
while True:
    data.append(bytearray(b"x") * 1_000_000)
