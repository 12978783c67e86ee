# A program with nothing in it is completed, with empty output.
#
# [expect]
# verdict = "completed"
