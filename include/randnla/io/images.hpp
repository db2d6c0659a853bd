#pragma once

#include <randnla/core/backend.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace randnla {

/// Labelled images of one size, image after image, each channel by channel, row by row.
struct Images {
  index_t count = 0, channels = 0, height = 0, width = 0;
  std::vector<std::uint8_t> pixels;   // count * channels * height * width
  std::vector<std::uint16_t> labels;  // count, 0 to classes - 1
  index_t classes = 10;
};

/// An array of bytes, row-major.
struct IdxArray {
  std::vector<index_t> shape;
  std::vector<std::uint8_t> values;
};

/// Reads an array of unsigned bytes in the idx format, plain or gzip.
///
/// Throws  DataError naming the file and the offset in its data, decompressed: another type or
///         number of dimensions, a dimension of 0, less or more values than announced
/// Source  LeCun, Cortes & Burges, The MNIST database of handwritten digits: file formats
IdxArray read_idx(const std::string& path, int dimensions);

/// Reads images and labels in the files of MNIST, or of another data set in its format.
///
/// Throws  DataError as read_idx; another number of labels than of images, a label above 9
Images read_mnist(const std::string& images, const std::string& labels);

/// Reads files of CIFAR-10's binary version one after the other, plain or gzip: records of a byte
/// with the label and 32 x 32 pixels of red, of green and of blue.
///
/// Throws  DataError naming the file and the offset in its data: no records, an end within a
///         record, a label above 9. InvalidArgument: no files
/// Source  Krizhevsky, Learning multiple layers of features from tiny images (2009)
Images read_cifar10(const std::vector<std::string>& paths);

}  // namespace randnla
