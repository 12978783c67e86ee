// C++ programs compile and run.
//
// needs = ["/usr/bin/g++"]
// [expect]
// verdict = "completed"
// stdout = "hello from C++\n"
#include <iostream>
#include <string>

int main()
{
  std::cout << std::string("hello from C++") << std::endl;
}
