# A program that closes both streams and works on is not stuck, and what it wrote before is kept.
#
# [expect]
# verdict = "completed"
# stdout = "before\n"
echo before
exec >&- 2>&-
sleep 0.2
exit 0
