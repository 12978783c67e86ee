# What children wrote before the main process ended is kept, each line whole.
#
# [expect]
# verdict = "completed"
# stdout = { matches = "(child [0-9]\n){10}main\n" }
for i in 0 1 2 3 4 5 6 7 8 9; do
  echo "child $i" &
done
wait
echo main
