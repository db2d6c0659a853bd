#pragma once

#include <randnla/core/backend.hpp>
#include <randnla/learn/network.hpp>

#include <torch/types.h>

namespace randnla {

/// Of the pixels of each channel: tensors (channels).
struct ChannelStatistics {
  torch::Tensor mean, deviation;
};

/// images   (n, channels, height, width), the training set's; sums are taken in double
/// Throws   InvalidArgument: no images, another number of dimensions, a channel of equal pixels (the
///          message names it)
ChannelStatistics channel_statistics(const torch::Tensor& images);

/// A network that subtracts the mean and divides by the deviation before its first layer. So data,
/// crops and attacks stay in pixels, whose range is known. Shares the module.
Network normalised(const Network& network, const ChannelStatistics& statistics);

/// Random crops and reflections of images, made anew in every epoch of training.
struct Augmentation {
  index_t padding = 4;  // >= 0: an image moves by up to so many pixels, zeros coming in
  bool flip = true;     // left and right exchanged in half of the cases
};

/// How many images may come of one.
index_t choices(const Augmentation& augmentation);

/// images   (n, channels, height, width)
/// choice   (n) of int64 in [0, choices(augmentation)): which of its images each becomes; all are
///          equally likely where it is uniform
/// Throws   InvalidArgument: another number of dimensions or of choices, padding < 0, a choice out of
///          range (the message names row and value)
torch::Tensor crop_and_flip(const torch::Tensor& images, const torch::Tensor& choice,
                            const Augmentation& augmentation);

}  // namespace randnla
