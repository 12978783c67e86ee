echo "going to sleep"
sleep 1000
