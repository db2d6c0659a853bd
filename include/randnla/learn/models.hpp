#pragma once

#include <randnla/core/backend.hpp>
#include <randnla/learn/network.hpp>

#include <torch/types.h>

#include <vector>

namespace randnla {

// Networks of the papers. All start as libtorch's layers do, from its random numbers
// (torch::manual_seed); `type` of the parameters: torch::kFloat or torch::kDouble.

/// C1: two convolutions of 5 x 5 with 64 channels, each with ReLU, batch normalisation and a maximum
/// over 3 x 3 in steps of 2, which halves the image; then layers of 384, 192 and 10 with ReLU
/// between. 1,756,682 parameters.
///
/// inputs   (n, 3, 32, 32)
/// Source   Yao, Gholami, Keutzer & Mahoney, arXiv 1810.01021; where that is silent, as in
///          TensorFlow's CIFAR-10 tutorial: images padded with zeros so that convolutions keep their
///          size
Network c1(torch::Dtype type = torch::kFloat);

struct ResNetShape {
  std::vector<index_t> widths;  // channels of each stage, which from the second on halves the image
  index_t blocks = 1;           // in each stage, of two convolutions
};
inline const ResNetShape resnet20{{16, 32, 64}, 3};
inline const ResNetShape resnet18{{64, 128, 256, 512}, 2};

/// A residual network for small images: a convolution of 3 x 3, the stages, the mean over the image
/// and a linear layer. A block whose shape changes has a convolution of 1 x 1 with batch
/// normalisation in place of the identity.
///
/// inputs   (n, 3, height, width), multiples of 2^(stages - 1)
/// Throws   InvalidArgument: no stages, a width, `blocks` or `classes` below 1
/// Source   He, Zhang, Ren & Sun, arXiv 1512.03385
Network resnet(const ResNetShape& shape, index_t classes = 10, torch::Dtype type = torch::kFloat);

/// The autoencoder of sizes.front() inputs, of whatever shape a row has, through the layers named to a
/// code of sizes.back() numbers and back: logistic units, the code's linear. Its outputs, (n,
/// sizes.front()) in (0, 1), are to be its inputs: NetworkLoss::mse. Every unit begins with 15 normal
/// weights, at random from libtorch's generator, and zeros: with many small ones, as of other layers, all
/// outputs stay at the mean image.
///
/// Throws   InvalidArgument: less than two sizes, a size below 1
/// Source   Hinton & Salakhutdinov, Science 313 (2006); weights: Martens, ICML (2010)
Network autoencoder(const std::vector<index_t>& sizes = {784, 1000, 500, 250, 30},
                    torch::Dtype type = torch::kFloat);

}  // namespace randnla
