// Files read as a whole.
#pragma once

#include <string>

namespace randnla {

/// Throws DataError: a directory, cannot be opened, cannot be read.
std::string read_whole_file(const std::string& path);

}  // namespace randnla
