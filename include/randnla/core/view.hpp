#pragma once

#include <randnla/core/backend.hpp>

#include <concepts>
#include <variant>

namespace randnla {

/// Non-owning contiguous vector in the memory of backend B.
template <class T, Backend B>
struct VectorView {
  T* data = nullptr;
  index_t size = 0;

  template <class U>
  requires(std::same_as<U, const T> && !std::same_as<U, T>) operator VectorView<U, B>() const {
    return {data, size};
  }
};

/// Non-owning column-major matrix, entry (i, j) at data[i + j * ld]. Krylov bases and formed
/// Hessians.
template <class T, Backend B>
struct MatrixView {
  T* data = nullptr;
  index_t rows = 0, cols = 0, ld = 0;

  VectorView<T, B> col(index_t j) const { return {data + j * ld, rows}; }
  MatrixView first_cols(index_t k) const { return {data, rows, k, ld}; }

  template <class U>
  requires(std::same_as<U, const T> && !std::same_as<U, T>) operator MatrixView<U, B>() const {
    return {data, rows, cols, ld};
  }
};

/// Data points as dense rows: point i is the `cols` contiguous values at values + i * cols.
template <class T, Backend B>
struct DenseRows {
  const T* values = nullptr;
  index_t rows = 0, cols = 0;
};

/// Data points as compressed sparse rows: point i owns the entries offsets[i] .. offsets[i + 1].
/// Columns within a row are distinct and ascending.
template <class T, Backend B>
struct CsrRows {
  const index_t* offsets = nullptr;  // rows + 1
  const std::int32_t* columns = nullptr;
  const T* values = nullptr;
  index_t rows = 0, cols = 0, nonzeros = 0;
};

template <class T, Backend B>
using Rows = std::variant<DenseRows<T, B>, CsrRows<T, B>>;

}  // namespace randnla
