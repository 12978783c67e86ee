// An exception that nobody catches: its stack is kept.
//
// needs = ["/usr/bin/node"]
// limits = { memory_bytes = 1_073_741_824 }
// [expect]
// verdict = "failed"
// exit_code = 1
// stderr = { contains = ["Error: too bad", "${work}/main.js"] }
throw new Error("too bad");
