# Usual tools work: dates, sorting, pipes, temporary files, here-documents.
#
# [expect]
# verdict = "completed"
# stdout = "1970-01-01\n1\n2\n3\nhere\n"
date -u -d @0 +%F
printf '3\n1\n2\n' | sort
file=$(mktemp)
cat >"$file" <<END
here
END
cat "$file"
