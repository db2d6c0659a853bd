// The data of the device's benches, made on the host: no kernel but the measured ones runs.
#pragma once

#include "measure.cuh"
#include "support/random_sparse.hpp"

#include <randnla/core/random.hpp>
#include <randnla/data/synthetic.hpp>

#include <variant>
#include <vector>

namespace randnla::bench {

/// n normal numbers.
template <class T>
Buffer<T, Cuda> normal(Context<Cuda>& ctx, index_t n, std::uint64_t stream) {
  Context<Cpu> host;
  Buffer<T, Cpu> values(host, n);
  fill_normal(host, Rng{1, stream}, T(1), values.view());
  Buffer<T, Cuda> out(ctx, n);
  if (n > 0) ctx.upload(out.data(), values.data(), static_cast<std::size_t>(n) * sizeof(T));
  ctx.synchronize();
  return out;
}

/// Arguments: rows, columns; for sparse rows their entries, too.
template <class T>
struct Problem {
  explicit Problem(const benchmark::State& state, bool sparse)
      : rows(state.range(0)), cols(state.range(1)), data(made(state, sparse)) {}

  double matrix_bytes() const {
    const auto bytes = [](index_t n, std::size_t size) {
      return static_cast<double>(n) * static_cast<double>(size);
    };
    return bytes(data.values.size(), sizeof(T)) + bytes(data.columns.size(), sizeof(std::int32_t)) +
           bytes(data.offsets.size(), sizeof(index_t));
  }
  double bytes(index_t numbers) const {
    return matrix_bytes() + static_cast<double>(numbers) * sizeof(T);
  }

  Context<Cuda> ctx;
  index_t rows, cols;
  Dataset<T, Cuda> data;

 private:
  Dataset<T, Cuda> made(const benchmark::State& state, bool sparse) {
    Context<Cpu> host;
    auto out = sparse ? copy_to(ctx, random_sparse<T>(host, rows, cols, state.range(2), true))
                      : copy_to(ctx, synthetic<T>(host, {.rows = rows, .cols = cols}));
    ctx.synchronize();
    return out;
  }
};

}  // namespace randnla::bench
