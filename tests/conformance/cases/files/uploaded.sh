# Uploaded files are there, byte for byte, with directories made for them, and executable only where that was said.
#
# files = [
#   { path = "main.sh", content = "cat data/deep/er/text; od -An -tx1 bytes; ./tool; test -x plain || echo plain; ls -A" },
#   { path = "data/deep/er/text", content = "héllo\n" },
#   { path = "bytes", content = "AP+AwK8=", encoding = "base64" },
#   { path = "tool", content = "#!/bin/sh\necho tool\n", executable = true },
#   { path = "plain", content = "" },
# ]
# command = ["sh", "main.sh"]
# [expect]
# verdict = "completed"
# stdout = "héllo\n 00 ff 80 c0 af\ntool\nplain\nbytes\ndata\nmain.sh\nplain\ntool\nuploaded.sh\n"
