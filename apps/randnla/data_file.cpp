#include "data_file.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/csv.hpp>
#include <randnla/io/npy.hpp>

#include <string>
#include <utility>

namespace randnla::app {
namespace {

FileFormat format_of(const ReadingOptions& reading, const std::string& path) {
  switch (reading.format) {
    case Format::libsvm:
      return FileFormat::libsvm;
    case Format::csv:
      return FileFormat::csv;
    case Format::npy:
      return FileFormat::npy;
    case Format::automatic:
      break;
  }
  return guess_format(path);
}

/// Options that would silently do nothing are refused.
void check_fit(const ReadingOptions& reading, const DataFile& file, FileFormat format) {
  const auto only_for = [&](FileFormat wanted, bool given, const char* option) {
    require(!given || format == wanted,
            file.path + ": is " + name(format) + ", and " + option + " is about " + name(wanted));
  };
  only_for(FileFormat::csv, reading.label_column.has_value(), "--label-column");
  only_for(FileFormat::csv, reading.delimiter.has_value(), "--delimiter");
  only_for(FileFormat::npy, !file.labels.empty(), file.labels.c_str());
  only_for(FileFormat::libsvm, file.index_base.has_value(), "--index-base");
  only_for(FileFormat::libsvm, file.storage == LibsvmOptions::Storage::sparse, "--storage sparse");
}

template <Scalar T>
void read_libsvm_file(Context<Cpu>& ctx, const DataFile& file, Loaded<T>& loaded) {
  LibsvmStatistics found;
  loaded.data = read_libsvm<T>(ctx, file.path,
                               {.storage = file.storage,
                                .index_base = file.index_base,
                                .features = file.features,
                                .progress = file.progress},
                               &found);
  loaded.index_base = found.index_base;
  loaded.dropped = found.dropped;
}

template <Scalar T>
void read_csv_file(Context<Cpu>& ctx, const ReadingOptions& reading, const DataFile& file,
                   Loaded<T>& loaded) {
  CsvOptions options;
  options.delimiter = reading.delimiter.value_or(0);
  if (reading.label_column) options.label_column = *reading.label_column;
  options.classes = file.classes;
  options.progress = file.progress;
  CsvStatistics found;
  loaded.data = read_csv<T>(ctx, file.path, options, &found);
  loaded.classes = std::move(found.labels);
}

}  // namespace

const char* name(FileFormat format) {
  switch (format) {
    case FileFormat::csv:
      return "csv";
    case FileFormat::npy:
      return "npy";
    case FileFormat::libsvm:
      break;
  }
  return "libsvm";
}

template <Scalar T>
Loaded<T> read_data(Context<Cpu>& ctx, const ReadingOptions& reading, const DataFile& file) {
  Loaded<T> loaded;
  loaded.format = format_of(reading, file.path);
  check_fit(reading, file, loaded.format);
  switch (loaded.format) {
    case FileFormat::libsvm:
      read_libsvm_file(ctx, file, loaded);
      break;
    case FileFormat::csv:
      read_csv_file(ctx, reading, file, loaded);
      break;
    case FileFormat::npy:
      loaded.data = read_npy_dataset<T>(
          ctx, file.path,
          file.labels.empty() ? std::nullopt : std::optional<std::string>(file.labels));
  }
  if (file.features > 0 && loaded.data.cols != file.features) {
    throw DataError(file.path + ": has " + std::to_string(loaded.data.cols) + " features, want " +
                    std::to_string(file.features));
  }
  return loaded;
}

template Loaded<float> read_data(Context<Cpu>&, const ReadingOptions&, const DataFile&);
template Loaded<double> read_data(Context<Cpu>&, const ReadingOptions&, const DataFile&);

}  // namespace randnla::app
