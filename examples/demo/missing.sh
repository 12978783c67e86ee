#!/usr/bin/no-such-interpreter
echo "never printed"
