// The inside of read_libsvm, with the size of its blocks as a parameter: tests force tiny ones.
#pragma once

#include <randnla/io/libsvm.hpp>

#include <cstddef>

namespace randnla {

/// Bytes of text a thread parses at a time.
inline constexpr std::size_t libsvm_block_bytes = std::size_t{1} << 20;

template <Scalar T>
Dataset<T, Cpu> read_libsvm_blocks(Context<Cpu>& ctx, const std::string& path,
                                   const LibsvmOptions& options, LibsvmStatistics* statistics,
                                   std::size_t block_bytes);

}  // namespace randnla
