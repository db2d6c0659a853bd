#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

namespace randnla {

/// Misuse: a wrong shape, a null view, an option out of range. Thrown before any work is queued;
/// the message names both numbers.
struct InvalidArgument : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// The machine failed: a CUDA or cuBLAS call, an allocation. The message names the call site.
struct BackendError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Bad input data. The message begins with file, or file:line:column where there is a place to
/// name.
struct DataError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws InvalidArgument with `message` unless `ok`.
inline void require(bool ok, const std::string& message) {
  if (!ok) throw InvalidArgument(message);
}

}  // namespace randnla
