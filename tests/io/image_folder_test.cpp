#include "support/compress.hpp"
#include "support/temporary.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/image_folder.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

namespace randnla {
namespace {

namespace fs = std::filesystem;

/// 2 x 3 pixels of bytes 0 to 17, red, green, blue, red, ..
std::string pixels() {
  std::string bytes(18, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

class ImageFolders : public testing::Test {
 protected:
  std::string add(const std::string& name, const std::string& bytes) {
    fs::create_directories(fs::path(folder_.file(name)).parent_path());
    return folder_.write(name, bytes);
  }
  /// What f() says, without the folder's name in front.
  std::string error_of(const std::function<void()>& f) {
    try {
      f();
    } catch (const DataError& error) {
      const std::string what = error.what();
      EXPECT_TRUE(what.starts_with(folder_.path() + "/")) << what;
      return what.substr(folder_.path().size() + 1);
    }
    return "";
  }
  std::string ppm_error(const std::string& bytes) {
    const std::string path = add("a.ppm", bytes);
    return error_of([&] { read_images({{path, 0}}, 1); });
  }
  std::string list_error() {
    return error_of([&] { list_image_folder(folder_.file("train")); });
  }

  test::TemporaryFolder folder_;
};

TEST_F(ImageFolders, ClassesAreTheSubfoldersInOrder) {
  for (const char* const name : {"zebra/2.ppm", "zebra/10.ppm.gz", "Zoo/x.ppm", "cat/b.ppm",
                                 "cat/a.ppm", "cat/.hidden", ".git/config"}) {
    add(std::string("train/") + name, "");
  }
  const ImageFolder found = list_image_folder(folder_.file("train"));
  EXPECT_EQ(found.classes, (std::vector<std::string>{"Zoo", "cat", "zebra"}));
  std::vector<std::string> names;
  std::vector<index_t> labels;
  for (const ImageFile& file : found.files) {
    names.push_back(fs::relative(file.path, folder_.file("train")));
    labels.push_back(file.label);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"Zoo/x.ppm", "cat/a.ppm", "cat/b.ppm",
                                             "zebra/10.ppm.gz", "zebra/2.ppm"}));
  EXPECT_EQ(labels, (std::vector<index_t>{0, 1, 1, 2, 2}));
}

TEST_F(ImageFolders, ListingNamesWhatIsNoImageOfAClass) {
  EXPECT_EQ(list_error(), "train: No such file or directory");
  fs::create_directories(folder_.file("train"));
  EXPECT_EQ(list_error(), "train: has 0 folders, want one for each class, and at most 65536");
  add("train/cat/a.ppm", "");
  EXPECT_EQ(list_error(), "");
  add("train/dog/b.JPEG", "");
  EXPECT_EQ(list_error(), "train/dog/b.JPEG: images are to be converted to .ppm first");
  fs::remove(folder_.file("train/dog/b.JPEG"));
  EXPECT_EQ(list_error(), "train/dog: has no images");
  fs::remove(folder_.file("train/dog"));
  add("train/list.txt", "");
  EXPECT_EQ(list_error(), "train/list.txt: is no folder, and images lie in one for each class");
}

TEST_F(ImageFolders, PixelsComeChannelByChannel) {
  const std::string plain = "P6\n2 3\n255\n" + pixels();
  // White space of any kind, comments, and a first pixel that looks like white space.
  std::string spaced = "P6 # made by hand\n#\n\t2\r\n# 7 7\n  3\v255 " + pixels();
  spaced[spaced.size() - 18] = '\n';
  const Images read = read_images({{add("a.ppm", plain), 700},
                                   {add("b.ppm.gz", test::gzip(plain)), 3},
                                   {add("c.ppm", spaced), 0}},
                                  1000);
  EXPECT_EQ(read.count, 3);
  EXPECT_EQ(read.channels, 3);
  EXPECT_EQ(read.width, 2);
  EXPECT_EQ(read.height, 3);
  EXPECT_EQ(read.classes, 1000);
  EXPECT_EQ(read.labels, (std::vector<std::uint16_t>{700, 3, 0}));
  const std::vector<std::uint8_t> want{0,  3,  6,  9, 12, 15, 1,  4,  7,
                                       10, 13, 16, 2, 5,  8,  11, 14, 17};
  ASSERT_EQ(read.pixels.size(), 3 * want.size());
  EXPECT_EQ(std::vector<std::uint8_t>(read.pixels.begin(), read.pixels.begin() + 18), want);
  EXPECT_EQ(std::vector<std::uint8_t>(read.pixels.begin() + 18, read.pixels.begin() + 36), want);
  EXPECT_EQ(read.pixels[36], '\n');
  EXPECT_EQ(std::vector<std::uint8_t>(read.pixels.begin() + 37, read.pixels.end()),
            std::vector<std::uint8_t>(want.begin() + 1, want.end()));
}

TEST_F(ImageFolders, FormatErrorsNameTheByte) {
  EXPECT_EQ(ppm_error("P5\n2 3\n255\n" + pixels()),
            "a.ppm: byte 0: want P6, netpbm's binary colour format");
  EXPECT_EQ(ppm_error("\x89PNG"), "a.ppm: byte 0: want P6, netpbm's binary colour format");
  for (const char* const part : {"", "P6", "P6\n2 3", "P6\n# comment", "P6\n2 3\n255"}) {
    const std::string at = std::to_string(std::string(part).size());
    EXPECT_EQ(ppm_error(part), "a.ppm: byte " + at + ": the file ends within its header");
  }
  EXPECT_EQ(ppm_error("P6\n2 x\n255\n"), "a.ppm: byte 5: want a height from 1 to 65535");
  EXPECT_EQ(ppm_error("P6\n0 3\n255\n"), "a.ppm: byte 4: want a width from 1 to 65535");
  EXPECT_EQ(ppm_error("P6\n99999999999999999999 3\n255\n"),
            "a.ppm: byte 8: want a width from 1 to 65535");
  EXPECT_EQ(ppm_error("P6\n2 3\n65535\n"), "a.ppm: byte 12: maximum 65535, want 255");
  EXPECT_EQ(ppm_error("P6\n2 3\n255\n" + pixels().substr(1)),
            "a.ppm: byte 28: the file ends after 17 bytes of its 2 x 3 pixels, want 18");
  EXPECT_EQ(ppm_error("P6\n2 3\n255\n" + pixels() + "P6"),
            "a.ppm: byte 29: the file goes on after its 2 x 3 pixels");
  EXPECT_EQ(ppm_error("P6\n65535 65535\n255\n" + pixels()),
            "a.ppm: byte 37: the file ends after 18 bytes of its 65535 x 65535 pixels, want "
            "12884508675");
}

TEST_F(ImageFolders, ImagesMustHaveOneSize) {
  const std::string a = add("a.ppm", "P6\n2 3\n255\n" + pixels()),
                    b = add("b.ppm", "P6\n3 2\n255\n" + pixels());
  EXPECT_EQ(
      error_of([&] {
        read_images({{a, 0}, {b, 0}}, 1);
      }),
      "b.ppm: has 3 x 2 pixels, and " + a + " has 2 x 3 pixels: a network sees images of one size");
  EXPECT_THROW(read_images({}, 1), InvalidArgument);
  EXPECT_THROW(read_images({{a, 1}}, 1), InvalidArgument);
  EXPECT_THROW(read_images({{a, -1}}, 1), InvalidArgument);
  EXPECT_THROW(read_images({{a, 0}}, 65'537), InvalidArgument);
}

}  // namespace
}  // namespace randnla
