#pragma once

#include <string>
#include <vector>

namespace randnla {

/// Writes a one-dimensional array in NumPy's format, version 1.0, little-endian float64. The file
/// appears whole or not at all (written beside, then renamed). Throws DataError naming the file.
void write_npy(const std::string& path, const std::vector<double>& values);

/// Reads a one-dimensional float32 or float64 array. Throws DataError: not an npy file, another
/// dimension or type, truncated.
std::vector<double> read_npy(const std::string& path);

}  // namespace randnla
