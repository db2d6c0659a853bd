// The inside of read_libsvm, with the size of its blocks as a parameter: tests force tiny ones.
#pragma once

#include <randnla/io/libsvm.hpp>

#include <cstddef>

namespace randnla {

template <Scalar T>
Dataset<T, Cpu> read_libsvm_blocks(Context<Cpu>& ctx, const std::string& path,
                                   const LibsvmOptions& options, LibsvmStatistics* statistics,
                                   std::size_t block_bytes);

}  // namespace randnla
