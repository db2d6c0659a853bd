// Files read and written as a whole.
#pragma once

#include <cstdio>
#include <functional>
#include <string>

namespace randnla {

/// Throws DataError: a directory, cannot be opened, cannot be read.
std::string read_whole_file(const std::string& path);

/// The file has what `write` wrote, or is as it was: written beside, under a name of this call's
/// own, then renamed. `write` returns whether all of it was written, with errno where it was not.
/// Throws DataError naming the file.
void write_whole_file(const std::string& path, const std::function<bool(std::FILE*)>& write);

}  // namespace randnla
