// Compiled in every build, empty where there is no CUDA.
#include "device_data.hpp"

#include <cstdio>
#include <utility>

namespace randnla::app {
#ifdef RANDNLA_HAS_CUDA
namespace {

template <Scalar T>
std::size_t bytes_of(const Dataset<T, Cpu>& data) {
  const auto size = [](const auto& buffer) {
    return static_cast<std::size_t>(buffer.size()) * sizeof(*buffer.data());
  };
  return size(data.values) + size(data.offsets) + size(data.columns);
}

}  // namespace

template <Scalar T>
std::variant<Dataset<T, Cuda>, StreamedData<T>> to_device(Context<Cuda>& ctx,
                                                          const Dataset<T, Cpu>& data,
                                                          std::size_t most) {
  // A quarter is left for vectors with an entry a row and for workspace.
  const std::size_t bytes = bytes_of(data), free = free_device_memory(ctx);
  if (bytes <= (most > 0 ? most : free - free / 4)) return copy_to(ctx, data);
  StreamedData<T> out{data.rows, data.cols,
                      StreamedRows<T, Cuda>(ctx, data.view(), {.bytes = most}),
                      Buffer<T, Cuda>(ctx, data.targets.size())};
  if (data.targets.size() > 0) {
    ctx.upload(out.targets.data(), data.targets.data(),
               static_cast<std::size_t>(data.targets.size()) * sizeof(T));
  }
  std::fprintf(stderr,
               "randnla: %.3g MB of rows stay on the host and go to the device in %lld chunks a "
               "pass\n",
               1e-6 * static_cast<double>(bytes), static_cast<long long>(out.streamed.chunks()));
  return out;
}

template std::variant<Dataset<float, Cuda>, StreamedData<float>> to_device(
    Context<Cuda>&, const Dataset<float, Cpu>&, std::size_t);
template std::variant<Dataset<double, Cuda>, StreamedData<double>> to_device(
    Context<Cuda>&, const Dataset<double, Cpu>&, std::size_t);
#endif

}  // namespace randnla::app
