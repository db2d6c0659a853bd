// Files of data in any format.
#pragma once

#include "options.hpp"

#include <randnla/data/dataset.hpp>
#include <randnla/io/format.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace randnla::app {

/// One file, and what its reader has to know beside the user's ReadingOptions.
struct DataFile {
  std::string path;
  std::string labels = {};  // npy: a file; empty: none
  LibsvmOptions::Storage storage = LibsvmOptions::Storage::automatic;
  std::optional<int> index_base = std::nullopt;
  index_t features = 0;                             // 0: as many as there are
  std::vector<std::string> classes = {};            // CSV: names that the labels must be among
  std::function<void(index_t)> progress = nullptr;  // bytes of text
};

template <Scalar T>
struct Loaded {
  Dataset<T, Cpu> data;  // targets: labels as written, nan where there are none
  FileFormat format = FileFormat::libsvm;
  int index_base = 1;                // LIBSVM
  index_t dropped = 0;               // LIBSVM: entries of features beyond file.features
  std::vector<std::string> classes;  // CSV: text labels; target k is classes[k]
};

/// Throws DataError beginning with the file's name, InvalidArgument: an option that is about another
/// format.
template <Scalar T>
Loaded<T> read_data(Context<Cpu>& ctx, const ReadingOptions& reading, const DataFile& file);

const char* name(FileFormat format);

}  // namespace randnla::app
