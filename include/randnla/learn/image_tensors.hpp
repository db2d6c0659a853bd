#pragma once

#include <randnla/io/images.hpp>

#include <torch/types.h>

namespace randnla {

/// (count, channels, height, width), pixels over 255.
torch::Tensor pixel_tensor(const Images& images, torch::Dtype type = torch::kFloat);

/// (count) of int64, as Loss::cross_entropy takes them.
torch::Tensor label_tensor(const Images& images);

}  // namespace randnla
