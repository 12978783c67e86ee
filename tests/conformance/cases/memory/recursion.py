# Endless recursion in Python is an exception of Python.
#
# [expect]
# verdict = "failed"
# exit_code = 1
# stderr = { contains = ["RecursionError: maximum recursion depth exceeded"] }
def deeper():
    return deeper()


deeper()
