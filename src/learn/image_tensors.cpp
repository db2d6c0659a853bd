#include <randnla/learn/image_tensors.hpp>

namespace randnla {

torch::Tensor pixel_tensor(const Images& images, torch::Dtype type) {
  // A view, not a copy: only to convert from.
  return torch::from_blob(const_cast<std::uint8_t*>(images.pixels.data()),
                          {static_cast<index_t>(images.pixels.size())}, torch::kUInt8)
      .to(type)
      .div_(255)
      .view({images.count, images.channels, images.height, images.width});
}

torch::Tensor label_tensor(const Images& images) {
  return torch::tensor(std::vector<std::int64_t>(images.labels.begin(), images.labels.end()),
                       torch::kInt64);
}

}  // namespace randnla
