// The inside of read_matrix_market, with the size of its blocks as a parameter: tests force tiny
// ones.
#pragma once

#include <randnla/io/matrix_market.hpp>

#include <cstddef>

namespace randnla {

template <Scalar T>
Dataset<T, Cpu> read_matrix_market_blocks(Context<Cpu>& ctx, const std::string& path,
                                          const std::function<void(index_t)>& progress,
                                          std::size_t block_bytes);

}  // namespace randnla
