// Checkpoints of training runs as files.
#include "io/archive.hpp"

#include <randnla/learn/train.hpp>

#include <array>
#include <limits>

namespace randnla {
namespace {

using torch::Tensor;

const std::string kind = "training checkpoint";

/// In the file by their place here.
constexpr std::array types{torch::kFloat, torch::kDouble, torch::kInt64, torch::kUInt8,
                           torch::kBool};

template <class Archive, class C>
void numbers(Archive& archive, C& c) {
  archive(c.options), archive(c.rows), archive(c.schedule), archive(c.row), archive(c.loss_sum);
  archive(c.updates), archive(c.gradient_rows), archive(c.seconds), archive(c.trace);
}

void write(ArchiveWriter& writer, const TrainCheckpoint::Named& each) {
  const Tensor values = each.values.contiguous();
  const auto* const type = std::ranges::find(types, values.scalar_type());
  require(type != types.end() && values.device().is_cpu(),
          "the checkpoint's " + each.name + " is of a type or on a device that no file holds");
  writer(each.name);
  writer(static_cast<std::uint64_t>(type - types.begin()));
  writer(values.sizes().vec());
  writer.block(values.data_ptr(), values.nbytes());
}

TrainCheckpoint::Named read(ArchiveReader& reader) {
  TrainCheckpoint::Named each;
  std::uint64_t type = 0;
  std::vector<std::int64_t> sizes;
  reader(each.name), reader(type), reader(sizes);
  if (type >= types.size()) reader.fail("has a tensor of an unknown type");
  std::int64_t entries = 1;
  for (const std::int64_t size : sizes) {
    const std::int64_t limit = std::numeric_limits<std::int64_t>::max() / 8;
    if (size < 0 || (size > 0 && entries > limit / size)) reader.fail("has a tensor of no size");
    entries *= size;
  }
  const std::size_t bytes = static_cast<std::size_t>(entries) * torch::elementSize(types[type]);
  const char* const from = reader.take(bytes);  // before memory of that size is asked for
  each.values = torch::empty(sizes, types[type]);
  if (bytes > 0) std::memcpy(each.values.data_ptr(), from, bytes);
  return each;
}

}  // namespace

void save(const std::string& path, const TrainCheckpoint& checkpoint) {
  ArchiveWriter writer(kind);
  numbers(writer, checkpoint);
  writer(static_cast<std::uint64_t>(checkpoint.tensors.size()));
  for (const TrainCheckpoint::Named& each : checkpoint.tensors) write(writer, each);
  writer.save(path);
}

TrainCheckpoint load_train_checkpoint(const std::string& path) {
  ArchiveReader reader(path, kind);
  TrainCheckpoint checkpoint;
  numbers(reader, checkpoint);
  std::uint64_t count = 0;
  reader(count);
  for (std::uint64_t k = 0; k < count; ++k) checkpoint.tensors.push_back(read(reader));
  reader.end();
  return checkpoint;
}

}  // namespace randnla
