# A program may change and remove what was uploaded with it.
#
# [expect]
# verdict = "completed"
# stdout = "changed\n"
echo changed >other
mv other main.sh
cat main.sh
rm main.sh
