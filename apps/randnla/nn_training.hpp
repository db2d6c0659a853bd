// What the commands that train networks share.
#pragma once

#include "json.hpp"
#include "nn_options.hpp"

#include <randnla/io/images.hpp>
#include <randnla/learn/train.hpp>

namespace randnla::app {

/// With random weights, and but for the perceptron, which other commands look at, with its images normalised by
/// its first layer. Throws InvalidArgument: a model that is not for such images.
Network make_network(const NetworkOptions& options, const Images& images);

NetworkData tensors_of(const Images& images);

/// What the library is to do.
randnla::TrainOptions library_options(const NetworkTrainOptions& options);

Json to_json(const EpochRecord& row);

}  // namespace randnla::app
