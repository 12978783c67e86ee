# Arguments arrive as they were given, empty ones and odd ones too.
#
# args = ["one", "", "two words", "*", "$HOME", "-x", "\n", "€"]
# [expect]
# verdict = "completed"
# stdout = "<one><><two words><*><$HOME><-x><\n><€>"
printf '<%s>' "$@"
