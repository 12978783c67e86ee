# A program that fails at once is failed, and its traceback is kept to the last byte.
#
# [expect]
# verdict = "failed"
# exit_code = 1
# reason = "exited with code 1"
# stderr = """
# Traceback (most recent call last):
#   File "${work}/main.py", line 14, in <module>
#     print(1 / 0)
#           ~~^~~
# ZeroDivisionError: division by zero
# """
print(1 / 0)
