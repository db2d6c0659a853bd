// How a program ends.
#pragma once

#include <functional>

namespace randnla::app {

/// What `command` returns; what it throws becomes one line on standard error and the code that
/// docs/command-line.md lists. Sees to interrupts, and to a standard output that cannot be written.
int run_and_report(const std::function<int()>& command);

}  // namespace randnla::app
