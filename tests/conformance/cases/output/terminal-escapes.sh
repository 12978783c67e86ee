# Escape sequences for terminals are bytes like others, and come back as they were written.
#
# [expect]
# verdict = "completed"
# stdout = "\u001B]0;title\u0007\u001B[2J\u001B[31mred\u001B[0m\u001B[8;1;1t\b\b\r\u009Bc"
printf '\033]0;title\007\033[2J\033[31mred\033[0m\033[8;1;1t\b\b\r\302\233c'
