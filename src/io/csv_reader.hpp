// The inside of read_csv, with the size of its blocks as a parameter: tests force tiny ones.
#pragma once

#include <randnla/io/csv.hpp>

#include <cstddef>

namespace randnla {

template <Scalar T>
Dataset<T, Cpu> read_csv_blocks(Context<Cpu>& ctx, const std::string& path,
                                const CsvOptions& options, CsvStatistics* statistics,
                                std::size_t block_bytes);

}  // namespace randnla
