// Zeroed memory of the CPU's loops, aligned for the widest vectors.
#pragma once

#include <randnla/core/backend.hpp>

#include <algorithm>
#include <new>

namespace randnla {

template <class T>
struct AlignedArray {
  explicit AlignedArray(index_t n)
      : data(static_cast<T*>(::operator new(static_cast<std::size_t>(n) * sizeof(T), alignment))) {
    std::fill_n(data, n, T(0));
  }
  AlignedArray(const AlignedArray&) = delete;
  AlignedArray& operator=(const AlignedArray&) = delete;
  ~AlignedArray() { ::operator delete(data, alignment); }
  static constexpr std::align_val_t alignment{64};
  T* data;
};

}  // namespace randnla
