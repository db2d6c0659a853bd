#include <randnla/learn/image_tensors.hpp>

namespace randnla {
namespace {

/// A view, not a copy: only to convert from.
torch::Tensor bytes(const std::vector<std::uint8_t>& values) {
  return torch::from_blob(const_cast<std::uint8_t*>(values.data()),
                          {static_cast<index_t>(values.size())}, torch::kUInt8);
}

}  // namespace

torch::Tensor pixel_tensor(const Images& images, torch::Dtype type) {
  return bytes(images.pixels)
      .to(type)
      .div_(255)
      .view({images.count, images.channels, images.height, images.width});
}

torch::Tensor label_tensor(const Images& images) { return bytes(images.labels).to(torch::kInt64); }

}  // namespace randnla
