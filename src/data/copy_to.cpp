// Compiled where the library is built with CUDA: elsewhere a Context<Cuda> cannot be made.
#include <randnla/data/dataset.hpp>

namespace randnla {
namespace {

template <class T>
Buffer<T, Cuda> uploaded(Context<Cuda>& ctx, const Buffer<T, Cpu>& from) {
  Buffer<T, Cuda> to(ctx, from.size());
  if (from.size() > 0) {
    ctx.upload(to.data(), from.data(), static_cast<std::size_t>(from.size()) * sizeof(T));
  }
  return to;
}

}  // namespace

template <Scalar T>
Dataset<T, Cuda> copy_to(Context<Cuda>& ctx, const Dataset<T, Cpu>& data) {
  Dataset<T, Cuda> copy;
  copy.rows = data.rows;
  copy.cols = data.cols;
  copy.nonzeros = data.nonzeros;
  copy.values = uploaded(ctx, data.values);
  copy.offsets = uploaded(ctx, data.offsets);
  copy.columns = uploaded(ctx, data.columns);
  copy.targets = uploaded(ctx, data.targets);
  return copy;
}

template Dataset<float, Cuda> copy_to(Context<Cuda>&, const Dataset<float, Cpu>&);
template Dataset<double, Cuda> copy_to(Context<Cuda>&, const Dataset<double, Cpu>&);

}  // namespace randnla
