# A program that prints and ends well is completed.
#
# [expect]
# verdict = "completed"
# reason = "exited with code 0"
# stdout = "hello\n"
print("hello")
