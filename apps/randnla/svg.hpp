// Pieces of pictures as text.
#pragma once

#include <string>

namespace randnla::app {

/// In as few digits as give it back exactly.
std::string number(double value);
/// To a hundredth of a pixel.
std::string pixels(double value);
/// Text between tags.
std::string escaped(const std::string& text);

/// more  attributes, with a blank before each
std::string label_at(double x, double y, const char* more, const std::string& text);
std::string line(double x1, double y1, double x2, double y2, const char* style);

/// A whole picture: `body` on white, with classes `style`.
std::string document(double width, double height, const std::string& style,
                     const std::string& body);

}  // namespace randnla::app
