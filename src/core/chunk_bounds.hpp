// Where streamed rows are cut into chunks, the same on both backends.
#pragma once

#include <randnla/core/error.hpp>
#include <randnla/core/view.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace randnla {

/// Bytes of rows [begin, end).
template <class T>
std::size_t bytes_of(const DenseRows<T, Cpu>& A, index_t begin, index_t end) {
  return static_cast<std::size_t>((end - begin) * A.cols) * sizeof(T);
}
template <class T>
std::size_t bytes_of(const CsrRows<T, Cpu>& A, index_t begin, index_t end) {
  const auto entries = static_cast<std::size_t>(A.offsets[end] - A.offsets[begin]);
  return entries * (sizeof(T) + sizeof(std::int32_t)) +
         static_cast<std::size_t>(end - begin + 1) * sizeof(index_t);
}

/// First rows of chunks of at most `most` bytes, each as long as it can be, and the number of rows.
template <class T>
std::vector<index_t> chunk_bounds(const Rows<T, Cpu>& rows, std::size_t most) {
  return std::visit(
      [&](const auto& A) {
        std::vector<index_t> bounds{0};
        do {
          const index_t begin = bounds.back();
          index_t fits = begin,
                  beyond = A.rows + 1;  // the last end that fits, the first that does not
          while (fits + 1 < beyond) {
            const index_t middle = fits + (beyond - fits) / 2;
            (bytes_of(A, begin, middle) <= most ? fits : beyond) = middle;
          }
          require(fits > begin || A.rows == 0,
                  "StreamedRows: row " + std::to_string(begin) + " has " +
                      std::to_string(A.rows == 0 ? 0 : bytes_of(A, begin, begin + 1)) +
                      " bytes, a chunk no more than " + std::to_string(most));
          bounds.push_back(fits);
        } while (bounds.back() < A.rows);
        return bounds;
      },
      rows);
}

/// p + n, and null where there is nothing to move.
template <class V>
V* moved(V* p, index_t n) {
  return p != nullptr ? p + n : nullptr;
}

template <class T>
index_t entries_of(const Rows<T, Cpu>& rows) {
  const auto* const sparse = std::get_if<CsrRows<T, Cpu>>(&rows);
  if (sparse != nullptr) return sparse->nonzeros;
  const auto& dense = std::get<DenseRows<T, Cpu>>(rows);
  return dense.rows * dense.cols;
}

}  // namespace randnla
