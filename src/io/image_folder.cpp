#include "io/byte_file.hpp"
#include "io/printable.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/image_folder.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace randnla {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_classes = 65'536;  // that labels can number
constexpr index_t channels = 3, most_pixels_a_side = 65'535;

/// Paths in the order of their bytes.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().native().front() != '.') paths.push_back(at->path());
  }
  if (error) throw DataError(printable_path(folder.native()) + ": " + error.message());
  std::ranges::sort(paths, {}, [](const fs::path& path) { return path.native(); });
  return paths;
}

/// The numbers before the pixels, and the one white space after them.
class PpmHeader {
 public:
  explicit PpmHeader(ByteFile& file) : file_(file) {
    if (byte() != 'P' || byte() != '6') file.fail(0, "want P6, netpbm's binary colour format");
    width = number("width", most_pixels_a_side);
    height = number("height", most_pixels_a_side);
    if (const index_t maximum = number("maximum", 65'535); maximum != 255) {
      file.fail(file.offset() - 1, "maximum " + std::to_string(maximum) + ", want 255");
    }
  }

  index_t width, height;

 private:
  int byte() {
    const std::vector<std::uint8_t> one = file_.read(1);
    if (one.empty()) file_.fail(file_.offset(), "the file ends within its header");
    return one[0];
  }
  static bool is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

  int byte_after_space_and_comments() {
    for (;;) {
      int c = byte();
      while (c == '#') {
        while (c != '\n') c = byte();
      }
      if (!is_space(c)) return c;
    }
  }

  index_t number(const char* what, index_t most) {
    index_t value = 0;
    int c = byte_after_space_and_comments();
    for (; c >= '0' && c <= '9' && value <= most; c = byte()) value = 10 * value + (c - '0');
    if (value < 1 || value > most || !is_space(c)) {
      file_.fail(file_.offset() - 1,
                 std::string("want a ") + what + " from 1 to " + std::to_string(most));
    }
    return value;
  }

  ByteFile& file_;
};

std::string size_text(index_t width, index_t height) {
  return std::to_string(width) + " x " + std::to_string(height) + " pixels";
}

void add_image(const std::string& path, const std::string& first, Images& images) {
  ByteFile file(path);
  const PpmHeader header(file);
  if (images.count == 0) images.width = header.width, images.height = header.height;
  const std::string size = size_text(header.width, header.height);
  if (header.width != images.width || header.height != images.height) {
    throw DataError(printable_path(path) + ": has " + size + ", and " + printable_path(first) +
                    " has " + size_text(images.width, images.height) +
                    ": a network sees images of one size");
  }
  const index_t pixels = header.width * header.height;
  const auto bytes = static_cast<std::uint64_t>(channels * pixels);
  const std::vector<std::uint8_t> mixed = file.read(bytes);
  if (mixed.size() < bytes) {
    file.fail(file.offset(), "the file ends after " + std::to_string(mixed.size()) +
                                 " bytes of its " + size + ", want " + std::to_string(bytes));
  }
  if (!file.read(1).empty()) file.fail(file.offset() - 1, "the file goes on after its " + size);
  for (index_t channel = 0; channel < channels; ++channel) {
    for (index_t p = 0; p < pixels; ++p) {
      images.pixels.push_back(mixed[static_cast<std::size_t>(channels * p + channel)]);
    }
  }
  ++images.count;
}

}  // namespace

ImageFolder list_image_folder(const std::string& folder) {
  ImageFolder out;
  for (const fs::path& sub : entries_of(folder)) {
    if (!fs::is_directory(sub)) {
      throw DataError(printable_path(sub.native()) +
                      ": is no folder, and images lie in one for each class");
    }
    const std::vector<fs::path> files = entries_of(sub);
    if (files.empty()) throw DataError(printable_path(sub.native()) + ": has no images");
    for (const fs::path& file : files) {
      const std::string& path = file.native();
      if (!path.ends_with(".ppm") && !path.ends_with(".ppm.gz")) {
        throw DataError(printable_path(path) + ": images are to be converted to .ppm first");
      }
      out.files.push_back({path, static_cast<index_t>(out.classes.size())});
    }
    out.classes.push_back(sub.filename());
  }
  if (out.classes.empty() || out.classes.size() > most_classes) {
    throw DataError(printable_path(folder) + ": has " + std::to_string(out.classes.size()) +
                    " folders, want one for each class, and at most " +
                    std::to_string(most_classes));
  }
  return out;
}

Images read_images(const std::vector<ImageFile>& files, index_t classes) {
  require(!files.empty(), "read_images: no files");
  require(classes <= static_cast<index_t>(most_classes),
          "read_images: classes = " + std::to_string(classes) + ", want at most " +
              std::to_string(most_classes));
  Images images{0, channels, 0, 0, {}, {}, classes};
  for (const ImageFile& file : files) {
    require(file.label >= 0 && file.label < classes,
            "read_images: the label of " + printable_path(file.path) + " is " +
                std::to_string(file.label) + ", want 0 to " + std::to_string(classes - 1));
    add_image(file.path, files.front().path, images);
    images.labels.push_back(static_cast<std::uint16_t>(file.label));
  }
  return images;
}

}  // namespace randnla
