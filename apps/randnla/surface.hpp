// A function of two variables as a surface.
#pragma once

#include "contours.hpp"

#include <string>

namespace randnla::app {

/// The surface seen from above its corner of largest x and y, isometric, coloured by height; cells are
/// painted from the back to the front. Those with a corner that is not finite are left out. Same
/// heights, same bytes.
std::string surface_svg(const Heights& heights);

}  // namespace randnla::app
