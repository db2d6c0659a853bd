// The widest vectors this build's processor has, spelled with GCC's vector type: arithmetic
// operators work on it, and a build for another processor needs no other source.
#pragma once

#include <randnla/core/backend.hpp>

#include <cstddef>
#include <cstring>
#include <utility>

namespace randnla::simd {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

template <class T, int Lanes>
struct VectorOf {
  using type [[gnu::vector_size(Lanes * sizeof(T))]] = T;
};

template <class T>
inline constexpr int lanes = vector_bytes / static_cast<int>(sizeof(T));

template <class T>
using Vector = typename VectorOf<T, lanes<T>>::type;

template <class T, int Lanes = lanes<T>>
inline typename VectorOf<T, Lanes>::type load(const T* p) {
  typename VectorOf<T, Lanes>::type v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <class T, int Lanes = lanes<T>>
inline void store(T* p, typename VectorOf<T, Lanes>::type v) {
  std::memcpy(p, &v, sizeof v);
}

/// Sum of the lanes, halves added to halves, in registers.
template <class T, int Lanes = lanes<T>>
inline T sum(typename VectorOf<T, Lanes>::type v) {
  if constexpr (Lanes == 1) {
    return v[0];
  } else {
    return [v]<std::size_t... I>(std::index_sequence<I...>) {
      return sum<T, Lanes / 2>(__builtin_shufflevector(v, v, I...) +
                               __builtin_shufflevector(v, v, (I + Lanes / 2)...));
    }
    (std::make_index_sequence<Lanes / 2>());
  }
}

}  // namespace randnla::simd
