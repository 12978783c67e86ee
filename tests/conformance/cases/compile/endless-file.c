// A file without an end, included, is more than the compiler may have in memory: it is killed, and says so.
//
// limits = { memory_bytes = 268_435_456 }
// [expect]
// verdict = "failed"
// exit_code = 1
// limit = "memory_bytes"
// reason = "compil"
// stderr = { contains = ["Killed signal terminated program cc1"] }
// [unless.memory]
// verdict = "out_of_memory"
// unset = ["exit_code"]
// stderr = { matches = ".*" }
#include "/dev/zero"
