// JavaScript runs, with its own exit code.
//
// needs = ["/usr/bin/node"]
// limits = { memory_bytes = 1_073_741_824 }
// [expect]
// verdict = "failed"
// exit_code = 4
// stdout = "hello from node\n"
console.log("hello from node");
process.exitCode = 4;
