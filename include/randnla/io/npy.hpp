#pragma once

#include <randnla/core/view.hpp>
#include <randnla/data/dataset.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace randnla {

/// Writes a one-dimensional array in NumPy's format, version 1.0, little-endian float64. The file
/// appears whole or not at all (written beside, then renamed). Throws DataError naming the file.
void write_npy(const std::string& path, const std::vector<double>& values);

/// Reads a one-dimensional float32 or float64 array. Throws DataError: not an npy file, another
/// dimension or type, truncated.
std::vector<double> read_npy(const std::string& path);

template <Scalar T>
struct NpyMatrix;

/// Reads a float32 or float64 array of two dimensions, or of one as one row. Throws DataError as
/// read_npy.
NpyMatrix<double> read_npy_rows(const std::string& path);

template <Scalar T>
struct NpyMatrix {
  index_t rows = 0, cols = 0;
  std::vector<T> values;  // rows * cols, row-major
};

/// Reads a two-dimensional array in C or Fortran order, versions 1.0 to 3.0, of float32, float64,
/// bool or integers of 8 to 64 bits, all little-endian; values are rounded to T.
///
/// Throws  DataError naming the file: not an npy file, another dimension or type, not as long as
///         its header says
template <Scalar T>
NpyMatrix<T> read_npy_matrix(const std::string& path);

/// Writes rows, sparse ones with their zeros, as a two-dimensional array in C order, version 1.0,
/// float32 or float64 as T is. The file appears whole or not at all.
///
/// Throws  DataError naming the file: cannot be written; what `progress` throws, which gets the
///         number of rows written now and then
template <Scalar T>
void write_npy_matrix(const std::string& path, const Rows<T, Cpu>& rows,
                      const std::function<void(index_t)>& progress = nullptr);

/// Dense data from an array of features, as read_npy_matrix reads it, and a one-dimensional array
/// of the same types with a label a row. Without labels the targets are nan.
///
/// Cost    peak memory: the result and little more
/// Throws  DataError naming the file: as above; a value that is not finite (names row and column);
///         no rows or columns; another number of labels than rows
template <Scalar T>
Dataset<T, Cpu> read_npy_dataset(Context<Cpu>& ctx, const std::string& features,
                                 const std::optional<std::string>& labels);

}  // namespace randnla
