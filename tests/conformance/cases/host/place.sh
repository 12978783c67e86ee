# A program starts in its own directory, which holds what was uploaded and nothing else.
#
# [expect]
# verdict = "completed"
# stdout = "${work}\nmain.sh\n"
pwd
ls -A
