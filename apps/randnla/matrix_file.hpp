// Matrices in files of any format.
#pragma once

#include "data_file.hpp"
#include "options.hpp"

#include <functional>

namespace randnla::app {

/// progress: told the bytes of text. Throws as read_data.
Loaded<double> read_matrix(Context<Cpu>& ctx, const MatrixOptions& matrix,
                           const std::function<void(index_t)>& progress);

}  // namespace randnla::app
