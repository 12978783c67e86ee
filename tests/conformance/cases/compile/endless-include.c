// A program that includes itself without end does not compile.
//
// [expect]
// verdict = "failed"
// exit_code = 1
// reason = "compil"
// stderr = { contains = ["#include nested depth"] }
#include "main.c"
