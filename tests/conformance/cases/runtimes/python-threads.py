# Threads, processes and files of Python's standard library work.
#
# limits = { wall_time_ms = 30_000 }
# [expect]
# verdict = "completed"
# stdout = "[0, 1, 4, 9]\n[0, 1, 4, 9]\n3\n"
import concurrent.futures
import subprocess
import sys


def square(number):
    return number * number


if __name__ == "__main__":
    for kind in (concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor):
        with kind(2) as pool:
            print(list(pool.map(square, range(4))), flush=True)
    print(subprocess.run([sys.executable, "-c", "print(3)"], capture_output=True, text=True).stdout, end="")
