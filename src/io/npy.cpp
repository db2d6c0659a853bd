#include "cpu/loops.hpp"
#include "io/npy_file.hpp"
#include "io/output_file.hpp"
#include "io/row_writer.hpp"

#include <randnla/io/npy.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace randnla {
namespace {

constexpr index_t most_cols = std::numeric_limits<std::int32_t>::max();

/// The first value that is not finite, by its place; `n` where there is none.
template <Scalar T>
index_t first_not_finite(Context<Cpu>& ctx, const T* values, index_t n) {
  const index_t chunks = chunk_count(n);
  std::vector<index_t> first(static_cast<std::size_t>(chunks), n);
  parallel_for(ctx, chunks, [&](index_t c) {
    const auto [begin, end] = chunk_of(n, chunks, c);
    const T* const found = std::find_if_not(values + begin, values + end,
                                            [](T value) { return std::isfinite(value); });
    if (found < values + end) first[static_cast<std::size_t>(c)] = found - values;
  });
  return first.empty() ? n : *std::min_element(first.begin(), first.end());
}

template <Scalar T>
Buffer<T, Cpu> read_labels(Context<Cpu>& ctx, const std::optional<std::string>& path,
                           index_t rows) {
  Buffer<T, Cpu> targets(ctx, rows);
  if (!path) {
    std::fill_n(targets.data(), rows, std::numeric_limits<T>::quiet_NaN());
    return targets;
  }
  NpyFile file(*path, 1, NpyFile::Types::numbers);
  if (file.shape()[0] != static_cast<std::uint64_t>(rows)) {
    file.fail("holds " + std::to_string(file.shape()[0]) + " labels for " + std::to_string(rows) +
              " rows");
  }
  file.read(targets.data());
  const index_t bad = first_not_finite(ctx, targets.data(), rows);
  if (bad < rows) file.fail("label " + std::to_string(bad + 1) + " is nan or infinity");
  return targets;
}

}  // namespace

void write_npy(const std::string& path, const std::vector<double>& values) {
  OutputFile file(path);
  const std::string preamble = npy_preamble("<f8", "(" + std::to_string(values.size()) + ",)");
  file.write(preamble.data(), preamble.size());
  file.write(values.data(), values.size() * sizeof(double));
  file.finish();
}

std::vector<double> read_npy(const std::string& path) {
  NpyFile file(path, 1, NpyFile::Types::floats);
  std::vector<double> values(file.shape()[0]);
  file.read(values.data());
  return values;
}

NpyMatrix<double> read_npy_rows(const std::string& path) {
  NpyFile file(path, 0, NpyFile::Types::floats);
  const bool one = file.shape().size() == 1;
  NpyMatrix<double> matrix{one ? 1 : static_cast<index_t>(file.shape()[0]),
                           static_cast<index_t>(file.shape().back()),
                           {}};
  matrix.values.resize(static_cast<std::size_t>(matrix.rows * matrix.cols));
  file.read(matrix.values.data());
  return matrix;
}

template <Scalar T>
NpyMatrix<T> read_npy_matrix(const std::string& path) {
  NpyFile file(path, 2, NpyFile::Types::numbers);
  NpyMatrix<T> matrix{
      static_cast<index_t>(file.shape()[0]), static_cast<index_t>(file.shape()[1]), {}};
  matrix.values.resize(static_cast<std::size_t>(matrix.rows * matrix.cols));
  file.read(matrix.values.data());
  return matrix;
}

template <Scalar T>
void write_npy_matrix(const std::string& path, const Rows<T, Cpu>& rows,
                      const std::function<void(index_t)>& progress) {
  RowWriter writer(path, progress);
  std::visit(
      [&](const auto& data) {
        writer.text() =
            npy_preamble(sizeof(T) == 4 ? "<f4" : "<f8",
                         "(" + std::to_string(data.rows) + ", " + std::to_string(data.cols) + ")");
        std::vector<T> row(static_cast<std::size_t>(data.cols));
        for (index_t i = 0; i < data.rows; ++i) {
          for_each_stored(data, i,
                          [&](index_t j, T value) { row[static_cast<std::size_t>(j)] = value; });
          writer.text().append(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(T));
          for_each_stored(data, i, [&](index_t j, T) { row[static_cast<std::size_t>(j)] = 0; });
          writer.end_row();
        }
      },
      rows);
  writer.finish();
}

template <Scalar T>
Dataset<T, Cpu> read_npy_dataset(Context<Cpu>& ctx, const std::string& features,
                                 const std::optional<std::string>& labels) {
  NpyFile file(features, 2, NpyFile::Types::numbers);
  Dataset<T, Cpu> data;
  if (file.shape()[0] == 0) file.fail("no data rows");
  if (file.shape()[1] == 0) file.fail("no features in any row");
  if (file.shape()[1] > static_cast<std::uint64_t>(most_cols)) {
    file.fail(std::to_string(file.shape()[1]) + " columns");
  }
  data.rows = static_cast<index_t>(file.shape()[0]);
  data.cols = static_cast<index_t>(file.shape()[1]);
  data.nonzeros = data.rows * data.cols;
  data.targets = read_labels<T>(ctx, labels, data.rows);
  data.values = Buffer<T, Cpu>(ctx, data.nonzeros);
  file.read(data.values.data());
  const index_t bad = first_not_finite(ctx, data.values.data(), data.nonzeros);
  if (bad < data.nonzeros) {
    file.fail("row " + std::to_string(bad / data.cols + 1) + ", column " +
              std::to_string(bad % data.cols + 1) + " is nan or infinity");
  }
  return data;
}

#define RANDNLA_INSTANTIATE(T)                                                 \
  template NpyMatrix<T> read_npy_matrix(const std::string&);                   \
  template void write_npy_matrix<T>(const std::string&, const Rows<T, Cpu>&,   \
                                    const std::function<void(index_t)>&);      \
  template Dataset<T, Cpu> read_npy_dataset(Context<Cpu>&, const std::string&, \
                                            const std::optional<std::string>&);
RANDNLA_INSTANTIATE(float)
RANDNLA_INSTANTIATE(double)
#undef RANDNLA_INSTANTIATE

}  // namespace randnla
