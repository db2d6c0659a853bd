#include "core/philox.hpp"
#include "seam/seam.hpp"

#include <randnla/core/random.hpp>

namespace randnla {

template <Backend B, Scalar T>
void fill_normal(Context<B>& ctx, Rng rng, T scale, VectorView<T, B> out) {
  T* const x = out.data;
  const index_t n = out.size;
  for_each(ctx, (n + 1) / 2, [=] RANDNLA_FN(index_t i) {
    const philox::Normals pair = philox::normals(rng, i);
    x[2 * i] = scale * static_cast<T>(pair.first);
    if (2 * i + 1 < n) x[2 * i + 1] = scale * static_cast<T>(pair.second);
  });
}

template void fill_normal(Context<ThisBackend>&, Rng, float, VectorView<float, ThisBackend>);
template void fill_normal(Context<ThisBackend>&, Rng, double, VectorView<double, ThisBackend>);

}  // namespace randnla
