#include "right_hand_side.hpp"

#include "targets.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/csv.hpp>
#include <randnla/io/npy.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace randnla::app {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

NpyMatrix<double> read_text(Context<Cpu>& ctx, const std::string& path) {
  CsvOptions options;
  options.delimiter = ',';
  options.label_column = 0;
  const Dataset<double, Cpu> data = read_csv<double>(ctx, path, options);
  return {data.rows, data.cols, data.values.download()};
}

/// An array of one dimension is one right-hand side.
NpyMatrix<double> read_array(const std::string& path, index_t rows) {
  NpyMatrix<double> array = read_npy_rows(path);
  if (array.rows == 1 && rows > 1) std::swap(array.rows, array.cols);
  const auto bad = std::find_if(array.values.begin(), array.values.end(),
                                [](double v) { return !std::isfinite(v); });
  if (bad != array.values.end()) {
    const auto entry = static_cast<index_t>(bad - array.values.begin());
    throw DataError(path + ": row " + std::to_string(entry / array.cols + 1) + ", column " +
                    std::to_string(entry % array.cols + 1) + " is nan or infinity");
  }
  return array;
}

RightHandSides from_file(Context<Cpu>& ctx, const std::string& path, index_t rows) {
  const NpyMatrix<double> found =
      path.ends_with(".npy") ? read_array(path, rows) : read_text(ctx, path);
  if (found.rows != rows) {
    throw DataError(path + ": has " + std::to_string(found.rows) + " rows, the matrix has " +
                    std::to_string(rows));
  }
  RightHandSides out{found.cols, {}};
  for (index_t k = 0; k < found.cols; ++k) {
    for (index_t i = 0; i < rows; ++i) out.values.push_back(found.values[at(i * found.cols + k)]);
  }
  return out;
}

RightHandSides from_labels(const std::string& path, const Loaded<double>& matrix) {
  const Buffer<double, Cpu>& labels = matrix.data.targets;
  if (labels.size() == 0 || std::isnan(labels.data()[0])) {
    throw DataError(path + ": has no labels, and --rhs is targets");
  }
  find_targets(path, Targets::real, {}, matrix);
  return {1, labels.download()};
}

/// Moves the entries of a column out of dense rows.
RightHandSides take_dense_column(Context<Cpu>& ctx, index_t column, Dataset<double, Cpu>& data) {
  RightHandSides out{1, {}};
  std::vector<double> rest;
  rest.reserve(at(data.rows * (data.cols - 1)));
  for (index_t i = 0; i < data.rows; ++i) {
    const double* const row = data.values.data() + i * data.cols;
    out.values.push_back(row[column]);
    rest.insert(rest.end(), row, row + column);
    rest.insert(rest.end(), row + column + 1, row + data.cols);
  }
  data.values = Buffer<double, Cpu>(ctx, rest);
  return out;
}

RightHandSides take_sparse_column(Context<Cpu>& ctx, index_t column, Dataset<double, Cpu>& data) {
  RightHandSides out{1, std::vector<double>(at(data.rows), 0)};
  std::vector<index_t> offsets{0};
  std::vector<std::int32_t> columns;
  std::vector<double> values;
  for (index_t i = 0; i < data.rows; ++i) {
    for (index_t e = data.offsets.data()[i]; e < data.offsets.data()[i + 1]; ++e) {
      const std::int32_t j = data.columns.data()[e];
      const double value = data.values.data()[e];
      if (j == column) {
        out.values[at(i)] = value;
      } else {
        columns.push_back(j > column ? j - 1 : j), values.push_back(value);
      }
    }
    offsets.push_back(static_cast<index_t>(values.size()));
  }
  data.offsets = Buffer<index_t, Cpu>(ctx, offsets);
  data.columns = Buffer<std::int32_t, Cpu>(ctx, columns);
  data.values = Buffer<double, Cpu>(ctx, values);
  return out;
}

RightHandSides take_column(Context<Cpu>& ctx, const LstsqOptions& options,
                           Dataset<double, Cpu>& data) {
  require(options.rhs_column <= data.cols && data.cols > 1,
          "--rhs column " + std::to_string(options.rhs_column) + ": " + options.matrix.path +
              " has " + std::to_string(data.cols) + (data.cols == 1 ? " column" : " columns"));
  RightHandSides out = data.sparse() ? take_sparse_column(ctx, options.rhs_column - 1, data)
                                     : take_dense_column(ctx, options.rhs_column - 1, data);
  --data.cols;
  data.nonzeros = data.values.size();
  return out;
}

}  // namespace

RightHandSides right_hand_sides(Context<Cpu>& ctx, const LstsqOptions& options,
                                Loaded<double>& matrix) {
  if (options.rhs_column > 0) return take_column(ctx, options, matrix.data);
  if (options.rhs.empty()) return from_labels(options.matrix.path, matrix);
  return from_file(ctx, options.rhs, matrix.data.rows);
}

}  // namespace randnla::app
