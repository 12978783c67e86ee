// An exception that nobody catches ends a C++ program with SIGABRT, and what it says is kept.
//
// needs = ["/usr/bin/g++"]
// [expect]
// verdict = "failed"
// signal = "SIGABRT"
// stderr = { contains = ["terminate called after throwing", "too bad"] }
#include <stdexcept>

int main()
{
  throw std::runtime_error("too bad");
}
