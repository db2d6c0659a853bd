// What a user's program does with an installed randnla. Exits with 1 where a result is wrong.
#include <randnla/core/buffer.hpp>
#include <randnla/core/context.hpp>
#include <randnla/version.hpp>

#include <cstdio>
#include <vector>

namespace {

template <randnla::Backend B>
bool buffer_round_trip(randnla::Context<B>& ctx) {
  const std::vector<double> values{1, 2, 3};
  const randnla::Buffer<double, B> buffer(ctx, values);
  return buffer.download() == values;
}

bool cpu_works() {
  randnla::Context<randnla::Cpu> ctx(2);
  return buffer_round_trip(ctx);
}

bool cuda_works() {
  if (randnla::cuda_device_count() == 0) return true;
  randnla::Context<randnla::Cuda> ctx;
  std::printf("device %s\n", ctx.device_name().c_str());
  return buffer_round_trip(ctx);
}

}  // namespace

int main() {
  std::printf("randnla %s, CUDA %s, %d devices\n", RANDNLA_VERSION,
              randnla::cuda_built() ? "built in" : "not built in", randnla::cuda_device_count());
  if (!cpu_works() || !cuda_works()) {
    std::puts("wrong: a buffer gave back other values than it took");
    return 1;
  }
  return 0;
}
