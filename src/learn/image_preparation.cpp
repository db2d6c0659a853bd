#include <randnla/core/error.hpp>
#include <randnla/learn/image_preparation.hpp>

#include <torch/nn/functional/padding.h>

#include <string>

namespace randnla {
namespace {

using torch::Tensor;

void require_images(const std::string& who, const Tensor& images) {
  require(images.defined() && images.dim() == 4 && images.size(0) >= 1,
          who + ": want images (n, channels, height, width)");
}

/// How far the crop begins from the padded image's corner, and whether it is reflected.
struct Choice {
  index_t down, right;
  bool flip;
};

Choice decode(index_t choice, const Augmentation& augmentation) {
  const index_t shifts = 2 * augmentation.padding + 1, place = choice % (shifts * shifts);
  return {place / shifts, place % shifts, choice >= shifts * shifts};
}

}  // namespace

ChannelStatistics channel_statistics(const Tensor& images) {
  require_images("channel_statistics", images);
  const Tensor each = images.to(torch::kDouble).transpose(0, 1).flatten(1);
  const Tensor deviation = each.std(1, false);
  for (index_t channel = 0; channel < deviation.size(0); ++channel) {
    require(deviation[channel].item<double>() > 0,
            "channel_statistics: all pixels of channel " + std::to_string(channel) + " are equal");
  }
  return {each.mean(1).to(images.scalar_type()), deviation.to(images.scalar_type())};
}

Network normalised(const Network& network, const ChannelStatistics& statistics) {
  const Tensor mean = statistics.mean.view({-1, 1, 1}),
               deviation = statistics.deviation.view({-1, 1, 1});
  return {network.module, [forward = network.forward, mean, deviation](const Tensor& inputs) {
            return forward((inputs - mean) / deviation);
          }};
}

index_t choices(const Augmentation& augmentation) {
  require(augmentation.padding >= 0,
          "Augmentation: padding = " + std::to_string(augmentation.padding) + ", want at least 0");
  const index_t shifts = 2 * augmentation.padding + 1;
  return shifts * shifts * (augmentation.flip ? 2 : 1);
}

Tensor crop_and_flip(const Tensor& images, const Tensor& choice, const Augmentation& augmentation) {
  require_images("crop_and_flip", images);
  const index_t count = choices(augmentation), rows = images.size(0), pad = augmentation.padding;
  require(choice.dim() == 1 && choice.size(0) == rows && choice.scalar_type() == torch::kInt64,
          "crop_and_flip: want " + std::to_string(rows) + " choices of int64");
  namespace functional = torch::nn::functional;
  const Tensor padded = functional::pad(images, functional::PadFuncOptions({pad, pad, pad, pad}));
  Tensor out = torch::empty_like(images);
  for (index_t k = 0; k < rows; ++k) {
    const auto number = choice[k].item<index_t>();
    require(number >= 0 && number < count, "crop_and_flip: the choice of row " + std::to_string(k) +
                                               " is " + std::to_string(number) + ", want 0 to " +
                                               std::to_string(count - 1));
    const Choice is = decode(number, augmentation);
    const Tensor crop =
        padded[k].narrow(1, is.down, images.size(2)).narrow(2, is.right, images.size(3));
    out[k].copy_(is.flip ? crop.flip(2) : crop);
  }
  return out;
}

}  // namespace randnla
