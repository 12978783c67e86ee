# Two evaluations at the same time share no message queue and no semaphore of the same name.
#
# copies = 2
# [expect]
# verdict = "completed"
# stdout = "its own\n"
import ctypes
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.mq_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]
create_exclusively = 0o302
queue = libc.mq_open(b"/the-same-name", create_exclusively, 0o666, None)
exists = queue < 0 and ctypes.get_errno() == 17
key = libc.shmget(0x777, 4096, 0o3666)
exists = exists or (key < 0 and ctypes.get_errno() == 17)
time.sleep(0.8)
print("another's" if exists else "its own")
