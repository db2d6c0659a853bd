// The images that a network sees.
#pragma once

#include "nn_options.hpp"

#include <randnla/core/context.hpp>
#include <randnla/io/images.hpp>

namespace randnla::app {

/// Of the data and rows that the options name. Throws DataError as the readers do, and where a folder
/// has none of the files.
Images load_images(Context<Cpu>& ctx, const NetworkOptions& options);

/// The test files' images, all of them; for synthetic data 1,000 more of its kind. Throws likewise.
Images load_test_images(Context<Cpu>& ctx, const NetworkOptions& options);

}  // namespace randnla::app
