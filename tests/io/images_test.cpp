#include "support/compress.hpp"
#include "support/data_path.hpp"
#include "support/temporary.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/images.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace randnla {
namespace {

/// By the format's published description: two zero bytes, the type, the number of dimensions, their
/// sizes and then the values, numbers with the highest byte first.
std::string idx(const std::vector<std::uint32_t>& shape, const std::string& values,
                char type = '\x08') {
  std::string bytes{'\0', '\0', type, static_cast<char>(shape.size())};
  for (const std::uint32_t size : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xff);
  }
  return bytes + values;
}

const std::string two_images("\x00\x01\x02\x03\x04\x05\xff\xfe\xfd\xfc\xfb\xfa", 12);

class ImageFiles : public testing::Test {
 protected:
  /// What read() says, without the folder's name.
  template <class Read>
  std::string error_of(Read read) {
    try {
      read();
    } catch (const DataError& error) {
      const std::string what = error.what();
      EXPECT_TRUE(what.starts_with(folder_.path() + "/")) << what;
      return what.substr(folder_.path().size() + 1);
    }
    return "";
  }
  std::string idx_error(const std::string& bytes) {
    const std::string path = folder_.write("a", bytes);
    return error_of([&] { read_idx(path, 3); });
  }
  std::string cifar_error(const std::string& bytes) {
    const std::string path = folder_.write("c", bytes);
    return error_of([&] { read_cifar10({path}); });
  }

  test::TemporaryFolder folder_;
};

TEST_F(ImageFiles, MnistIsRead) {
  const std::string images = idx({2, 2, 3}, two_images), labels = idx({2}, "\x09\x03");
  for (const bool packed : {false, true}) {
    const Images read = read_mnist(folder_.write("x", packed ? test::gzip(images) : images),
                                   folder_.write("y", packed ? test::gzip(labels) : labels));
    EXPECT_EQ(read.count, 2);
    EXPECT_EQ(read.channels, 1);
    EXPECT_EQ(read.height, 2);
    EXPECT_EQ(read.width, 3);
    EXPECT_EQ(read.pixels, std::vector<std::uint8_t>(two_images.begin(), two_images.end()));
    EXPECT_EQ(read.labels, (std::vector<std::uint16_t>{9, 3}));
  }
}

TEST_F(ImageFiles, IdxErrorsNameTheByte) {
  EXPECT_EQ(idx_error(""), "a: byte 0: the file ends within its header");
  EXPECT_EQ(idx_error(idx({2, 2, 3}, "").substr(0, 14)),
            "a: byte 14: the file ends within its header");
  EXPECT_EQ(idx_error(idx({12}, two_images)),
            "a: byte 0: magic number 00000801, want 00000803: unsigned bytes in 3 dimensions");
  EXPECT_EQ(idx_error(idx({2, 2, 3}, two_images, '\x0d')),
            "a: byte 0: magic number 00000d03, want 00000803: unsigned bytes in 3 dimensions");
  EXPECT_EQ(idx_error(idx({2, 2, 3}, two_images.substr(1))),
            "a: byte 27: the file ends after 11 values, the header announces 2 x 2 x 3 values");
  EXPECT_EQ(idx_error(idx({2, 2, 3}, two_images + "z")),
            "a: byte 28: the file goes on, the header announces 2 x 2 x 3 values");
  EXPECT_EQ(idx_error(idx({2, 0, 3}, "")), "a: byte 4: the header announces 2 x 0 x 3 values");
  // Two sizes whose product has more than 64 bits, and one that asks for more than there is.
  EXPECT_EQ(idx_error(idx({0xffffffff, 0xffffffff, 2}, two_images)),
            "a: byte 4: the header announces 4294967295 x 4294967295 x 2 values");
  EXPECT_EQ(idx_error(idx({60000, 28, 28000}, two_images)),
            "a: byte 28: the file ends after 12 values, the header announces 60000 x 28 x 28000 "
            "values");
}

TEST_F(ImageFiles, CutCompressionIsAnErrorWithItsPlace) {
  const std::string packed = test::gzip(idx({2, 2, 3}, two_images));
  EXPECT_EQ(idx_error(packed.substr(0, packed.size() - 4)),
            "a: compressed data are truncated after byte 28");
}

TEST_F(ImageFiles, LabelsMustFitTheImages) {
  const std::string images = folder_.write("x", idx({2, 2, 3}, two_images));
  const std::string three = folder_.write("y", idx({3}, "\x01\x02\x03"));
  EXPECT_EQ(error_of([&] { read_mnist(images, three); }),
            "y: byte 4: 3 labels for the 2 images of " + images);
  const std::string ten = folder_.write("y", idx({2}, "\x01\x0a"));
  EXPECT_EQ(error_of([&] { read_mnist(images, ten); }), "y: byte 9: label 10, want 0 to 9");
  EXPECT_THROW(read_mnist(images, folder_.file("absent")), DataError);
}

std::string record(char label, char first_pixel) {
  std::string bytes(3073, '\0');
  bytes[0] = label;
  std::iota(bytes.begin() + 1, bytes.end(), first_pixel);
  return bytes;
}

TEST_F(ImageFiles, CifarFilesAreReadOneAfterTheOther) {
  const Images read = read_cifar10({folder_.write("a", record(3, 'a') + record(9, 'q')),
                                    folder_.write("b", test::gzip(record(0, 'x')))});
  EXPECT_EQ(read.count, 3);
  EXPECT_EQ(read.channels, 3);
  EXPECT_EQ(read.height, 32);
  EXPECT_EQ(read.width, 32);
  EXPECT_EQ(read.labels, (std::vector<std::uint16_t>{3, 9, 0}));
  ASSERT_EQ(read.pixels.size(), 3U * 3072);
  EXPECT_EQ(read.pixels[0], 'a');
  EXPECT_EQ(read.pixels[3072], 'q');
  EXPECT_EQ(read.pixels[6144 + 5], 'x' + 5);
}

TEST_F(ImageFiles, CifarErrorsNameTheByte) {
  EXPECT_EQ(cifar_error(""), "c: byte 0: the file ends 0 bytes into a record, want 3073");
  EXPECT_EQ(cifar_error(record(1, 'a') + record(2, 'b').substr(1)),
            "c: byte 6145: the file ends 3072 bytes into a record, want 3073");
  EXPECT_EQ(cifar_error(record(1, 'a') + record(12, 'b')), "c: byte 3073: label 12, want 0 to 9");
  EXPECT_THROW(read_cifar10({}), InvalidArgument);
}

TEST_F(ImageFiles, ThePublishedFilesAreRead) {
  const auto images = test::data_path("mnist/t10k-images-idx3-ubyte.gz");
  const auto labels = test::data_path("mnist/t10k-labels-idx1-ubyte.gz");
  const auto cifar = test::data_path("cifar-10-batches-bin/test_batch.bin");
  if (!images || !labels) GTEST_SKIP() << test::no_data("mnist");
  if (!cifar) GTEST_SKIP() << test::no_data("cifar-10-batches-bin");
  const Images mnist = read_mnist(*images, *labels);
  EXPECT_EQ(mnist.count, 10000);
  EXPECT_EQ(mnist.height * mnist.width, 784);
  EXPECT_EQ(mnist.labels[0], 7);  // the first test image is a seven
  EXPECT_EQ(read_cifar10({*cifar}).count, 1000);
}

}  // namespace
}  // namespace randnla
