// What a user's program does with an installed randnla. Exits with 1 where a result is wrong.
#include <randnla/core/buffer.hpp>
#include <randnla/core/context.hpp>
#include <randnla/version.hpp>

#include <cstdio>
#include <vector>

namespace {

bool buffer_round_trip() {
  randnla::Context<randnla::Cpu> ctx(2);
  const std::vector<double> values{1, 2, 3};
  const randnla::Buffer<double, randnla::Cpu> buffer(ctx, values);
  return buffer.download() == values;
}

}  // namespace

int main() {
  std::printf("randnla %s, CUDA %s, %d devices\n", RANDNLA_VERSION,
              randnla::cuda_built() ? "built in" : "not built in", randnla::cuda_device_count());
  if (!buffer_round_trip()) {
    std::puts("wrong: a buffer gave back other values than it took");
    return 1;
  }
  return 0;
}
