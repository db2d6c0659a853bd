#pragma once

#include <randnla/core/buffer.hpp>

#include <cstdint>

namespace randnla {

/// n data points with d features each, as dense or compressed sparse rows, and one target a point.
/// Without targets, as read_matrix_market makes them, data are refused (InvalidArgument) by what
/// needs some.
template <Scalar T, Backend B>
struct Dataset {
  index_t rows = 0, cols = 0, nonzeros = 0;  // nonzeros: stored entries (rows * cols when dense)
  Buffer<T, B> values;                       // dense: rows * cols, row-major; sparse: nonzeros
  Buffer<index_t, B> offsets;                // sparse only: rows + 1
  Buffer<std::int32_t, B> columns;           // sparse only: nonzeros, ascending within a row
  Buffer<T, B> targets;                      // rows; 0 of a matrix alone

  bool sparse() const { return offsets.size() > 0; }
  Rows<T, B> view() const {
    if (sparse()) {
      return CsrRows<T, B>{offsets.data(), columns.data(), values.data(), rows, cols, nonzeros};
    }
    return DenseRows<T, B>{values.data(), rows, cols};
  }
};

/// A copy in the memory of the device.
template <Scalar T>
Dataset<T, Cuda> copy_to(Context<Cuda>& ctx, const Dataset<T, Cpu>& data);

}  // namespace randnla
