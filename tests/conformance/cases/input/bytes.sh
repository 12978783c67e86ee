# Standard input can be any bytes.
#
# stdin = "AP+AwK8="
# stdin_encoding = "base64"
# [expect]
# verdict = "completed"
# stdout = { hex = "00 ff 80 c0 af" }
cat
