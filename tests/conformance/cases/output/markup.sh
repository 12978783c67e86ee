# Markup of pages and of JSON is text like other text.
#
# [expect]
# verdict = "completed"
# stdout = '</script><img src=x onerror=alert(1)>"\u0000\",{"status":"completed"}'
printf '%s' '</script><img src=x onerror=alert(1)>"\u0000\",{"status":"completed"}'
