echo "about to leave"
exit 3
