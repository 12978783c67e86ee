# A program may close its input in the middle.
#
# stdin = { repeat = "line\n", bytes = 1_000_000 }
# [expect]
# verdict = "completed"
# stdout = "line\n"
read -r line
exec <&-
echo "$line"
sleep 0.1
