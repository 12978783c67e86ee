// Nothing of the host can be read by including it.
//
// [expect]
// verdict = "failed"
// exit_code = 1
// reason = "compil"
// stderr = { contains = ["/etc/shadow"] }
#include "/etc/shadow"
