# What only bash knows works in bash.
#
# [expect]
# verdict = "completed"
# stdout = "3 b\n"
list=(a b c)
echo "${#list[@]}" "${list[1]}"
