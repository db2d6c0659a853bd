#include "io/byte_file.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/images.hpp>

namespace randnla {
namespace {

constexpr index_t channels = 3, side = 32;
constexpr std::uint64_t record_bytes = 1 + channels * side * side;

void read_records(ByteFile& file, Images& images) {
  for (;;) {
    const std::uint64_t begin = file.offset();
    const std::vector<std::uint8_t> record = file.read(record_bytes);
    if (record.empty() && begin > 0) return;
    if (record.size() < record_bytes) {
      file.fail(file.offset(), "the file ends " + std::to_string(record.size()) +
                                   " bytes into a record, want " + std::to_string(record_bytes));
    }
    if (record[0] > 9) file.fail(begin, "label " + std::to_string(record[0]) + ", want 0 to 9");
    images.labels.push_back(record[0]);
    images.pixels.insert(images.pixels.end(), record.begin() + 1, record.end());
    ++images.count;
  }
}

}  // namespace

Images read_cifar10(const std::vector<std::string>& paths) {
  require(!paths.empty(), "read_cifar10: no files");
  Images images{0, channels, side, side, {}, {}};
  for (const std::string& path : paths) {
    ByteFile file(path);
    read_records(file, images);
  }
  return images;
}

}  // namespace randnla
