#include "matrix_file.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/matrix_market.hpp>

#include <string>

namespace randnla::app {
namespace {

/// Told by its name: the other formats are labelled data, which the format of data is about.
bool is_matrix_market(const std::string& path) {
  return path.ends_with(".mtx") || path.ends_with(".mtx.gz") || path.ends_with(".mtx.bz2");
}

}  // namespace

Loaded<double> read_matrix(Context<Cpu>& ctx, const MatrixOptions& matrix,
                           const std::function<void(index_t)>& progress) {
  if (matrix.reading.format != Format::automatic || !is_matrix_market(matrix.path)) {
    const DataFile file{.path = matrix.path, .index_base = matrix.index_base, .progress = progress};
    return read_data<double>(ctx, matrix.reading, file);
  }
  require(!matrix.reading.label_column && !matrix.reading.delimiter && !matrix.index_base,
          matrix.path +
              ": is Matrix Market, and --label-column, --delimiter and --index-base are "
              "about other formats");
  Loaded<double> loaded;
  loaded.data = read_matrix_market<double>(ctx, matrix.path, progress);
  return loaded;
}

}  // namespace randnla::app
