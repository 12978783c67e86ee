# Standard input comes through as it was given, and then ends.
#
# stdin = "first\nsecond \u20AC\nno newline"
# [expect]
# verdict = "completed"
# stdout = "first\nsecond €\nno newline"
cat
