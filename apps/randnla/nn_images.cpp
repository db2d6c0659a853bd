#include "nn_images.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/image_folder.hpp>
#include <randnla/sketch/row_sampling.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <vector>

namespace randnla::app {
namespace {

namespace fs = std::filesystem;

// Streams of the seed, far from those of the spectrum.
constexpr std::uint64_t drawing_stream = 1ULL << 40, synthetic_stream = 2ULL << 40;

/// The file, or the same with .gz.
std::string file_in(const std::string& folder, const std::string& name) {
  for (const char* const end : {"", ".gz"}) {
    std::string path = fs::path(folder) / (name + end);
    if (fs::exists(path)) return path;
  }
  throw DataError(folder + ": has neither " + name + " nor " + name + ".gz");
}

Images read_cifar10_folder(const std::string& folder) {
  std::vector<std::string> files;
  for (int k = 1; k <= 5; ++k) {
    const std::string name = "data_batch_" + std::to_string(k) + ".bin";
    for (const char* const end : {"", ".gz"}) {
      const std::string path = fs::path(folder) / (name + end);
      if (!fs::exists(path)) continue;
      files.push_back(path);
      break;
    }
  }
  if (files.empty()) throw DataError(folder + ": has no data_batch_1.bin to data_batch_5.bin");
  return read_cifar10(files);
}

/// 8 x 8 pixels: ten random patterns, each under noise of the same strength.
Images synthetic_images(Context<Cpu>& ctx, index_t count, std::uint64_t seed) {
  constexpr index_t side = 8, classes = 10, pixels = side * side;
  Rng rng{seed, synthetic_stream};
  Buffer<double, Cpu> patterns(ctx, classes * pixels), noise(ctx, count * pixels);
  fill_normal(ctx, rng.next(), 40.0, patterns.view());
  fill_normal(ctx, rng.next(), 40.0, noise.view());
  Images images{count, 1, side, side, {}, {}};
  for (index_t i = 0; i < count; ++i) {
    const index_t label = i % classes;
    images.labels.push_back(static_cast<std::uint16_t>(label));
    for (index_t p = 0; p < pixels; ++p) {
      const double value = 128 + patterns.data()[label * pixels + p] + noise.data()[i * pixels + p];
      images.pixels.push_back(static_cast<std::uint8_t>(std::clamp(std::round(value), 0.0, 255.0)));
    }
  }
  return images;
}

/// `count` of so many, in the order in which they are drawn; all in theirs where there are no more.
std::vector<index_t> draw(Context<Cpu>& ctx, index_t all, index_t count, std::uint64_t seed) {
  std::vector<index_t> numbers(static_cast<std::size_t>(std::min(all, count)));
  std::iota(numbers.begin(), numbers.end(), index_t{0});
  if (count >= all) return numbers;
  RowSampler<Cpu, double> sampler(ctx, all);
  const Sample<Cpu, double> sample =
      sampler.draw(ctx, Sampling::uniform, count, {}, Rng{seed, drawing_stream});
  numbers.assign(sample.rows, sample.rows + count);
  return numbers;
}

Images chosen(const Images& all, const std::vector<index_t>& numbers) {
  const index_t size = all.channels * all.height * all.width;
  Images images{static_cast<index_t>(numbers.size()),
                all.channels,
                all.height,
                all.width,
                {},
                {},
                all.classes};
  for (const index_t number : numbers) {
    const auto first = all.pixels.begin() + number * size;
    images.pixels.insert(images.pixels.end(), first, first + size);
    images.labels.push_back(all.labels[static_cast<std::size_t>(number)]);
  }
  return images;
}

std::string folder_of(const std::string& data) { return data.substr(data.find(':') + 1); }
std::string train_in(const std::string& folder) { return fs::path(folder) / "train"; }

/// Those of the training part only that are drawn are read.
Images drawn_from_folder(Context<Cpu>& ctx, const std::string& folder,
                         const NetworkOptions& options) {
  const ImageFolder train = list_image_folder(train_in(folder));
  std::vector<ImageFile> files;
  const auto all = static_cast<index_t>(train.files.size());
  for (const index_t number : draw(ctx, all, options.rows, options.seed)) {
    files.push_back(train.files[static_cast<std::size_t>(number)]);
  }
  return read_images(files, static_cast<index_t>(train.classes.size()));
}

Images test_images_in(const std::string& folder) {
  const std::string path = fs::path(folder) / "val";
  const ImageFolder train = list_image_folder(train_in(folder)), test = list_image_folder(path);
  if (train.classes != test.classes) {
    const auto [in_test, in_train] = std::ranges::mismatch(test.classes, train.classes);
    const auto name = [](const auto& at, const auto& all) {
      return at == all.end() ? std::string("no more") : *at;
    };
    throw DataError(path + ": its classes are not those of " + train_in(folder) + ": " +
                    name(in_test, test.classes) + " where that has " +
                    name(in_train, train.classes));
  }
  const auto classes = static_cast<index_t>(test.classes.size());
  const Images one = read_images({train.files.front()}, classes);
  Images images = read_images(test.files, classes);
  if (images.width != one.width || images.height != one.height) {
    throw DataError(path + ": its images have " + std::to_string(images.width) + " x " +
                    std::to_string(images.height) + " pixels, those of " + train_in(folder) + " " +
                    std::to_string(one.width) + " x " + std::to_string(one.height));
  }
  return images;
}

}  // namespace

Images load_images(Context<Cpu>& ctx, const NetworkOptions& options) {
  const std::string& data = options.data;
  if (data == "synthetic") return synthetic_images(ctx, options.rows, options.seed);
  const std::string folder = folder_of(data);
  if (data.starts_with("folder:")) return drawn_from_folder(ctx, folder, options);
  Images all = data.starts_with("mnist:") ? read_mnist(file_in(folder, "train-images-idx3-ubyte"),
                                                       file_in(folder, "train-labels-idx1-ubyte"))
                                          : read_cifar10_folder(folder);
  if (options.rows >= all.count) return all;
  return chosen(all, draw(ctx, all.count, options.rows, options.seed));
}

Images load_test_images(Context<Cpu>& ctx, const NetworkOptions& options) {
  const std::string& data = options.data;
  const std::string folder = folder_of(data);
  if (data.starts_with("mnist:")) {
    return read_mnist(file_in(folder, "t10k-images-idx3-ubyte"),
                      file_in(folder, "t10k-labels-idx1-ubyte"));
  }
  if (data.starts_with("cifar10:")) return read_cifar10({file_in(folder, "test_batch.bin")});
  if (data.starts_with("folder:")) return test_images_in(folder);
  // The first of them are those of training: what an image is depends on its number only.
  constexpr index_t count = 1'000;
  Images images = synthetic_images(ctx, options.rows + count, options.seed);
  const index_t size = images.channels * images.height * images.width;
  images.pixels.erase(images.pixels.begin(), images.pixels.begin() + options.rows * size);
  images.labels.erase(images.labels.begin(), images.labels.begin() + options.rows);
  images.count = count;
  return images;
}

}  // namespace randnla::app
