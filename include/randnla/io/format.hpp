#pragma once

#include <string>

namespace randnla {

enum class FileFormat { libsvm, csv, npy };

/// What a file looks like: npy by its first bytes; of text, plain or compressed, the first line that
/// is neither blank nor a comment decides: LIBSVM where it begins with `label index:`, else CSV where
/// it has a comma, semicolon or tab. Where neither decides, and for a pipe, which cannot be read
/// twice, the name does: CSV for .csv and .tsv, also before .gz or .bz2, else LIBSVM.
///
/// Throws  DataError naming the file: cannot be opened, is a directory, corrupt compression
FileFormat guess_format(const std::string& path);

}  // namespace randnla
