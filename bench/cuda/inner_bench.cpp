// Twenty iterations of the inner solvers with a formed H: in one launch, in loops as with any other operator, and, of CG,
// in loops of which one is recorded and replayed. GB/s and %copy are of one read of H.
#include "problem.cuh"

#include <randnla/krylov/cubic.hpp>
#include <randnla/krylov/gltr.hpp>
#include <randnla/krylov/steihaug.hpp>

#include <vector>

namespace randnla {
namespace {

constexpr int iterations = 20;

/// How a solve is run.
constexpr index_t in_one_launch = 0, in_loops = 1, replayed = 2;

/// Hides that H is formed.
struct AnyOperator {
  SymmetricMatrix<Cuda, double> H;
  bool replays;

  index_t dim() const { return H.dim(); }
  bool replayable() const { return replays; }
  void apply(Context<Cuda>& ctx, VectorView<const double, Cuda> x,
             VectorView<double, Cuda> y) const {
    H.apply(ctx, x, y);
  }
};

/// H = diag(0.5 to 8) + vv'/n, eigenvalues in (0.5, 10) for normal v.
struct Formed {
  explicit Formed(const benchmark::State& state)
      : n(state.range(0)), g(bench::normal<double>(ctx, n, 1)), s(ctx, n), result(ctx, 1) {
    const auto v = bench::normal<double>(ctx, n, 2).download();
    const auto size = v.size();
    std::vector<double> H(size * size);
    for (std::size_t j = 0; j < size; ++j) {
      for (std::size_t i = 0; i < size; ++i) H[i + j * size] = v[i] * v[j] / static_cast<double>(n);
      H[j + j * size] += 0.5 + 7.5 * static_cast<double>(j) / static_cast<double>(size);
    }
    entries = Buffer<double, Cuda>(ctx, H);
    ctx.synchronize();
  }

  template <class Solve>
  void measure(benchmark::State& state, const Solve& solve) {
    const SymmetricMatrix<Cuda, double> formed{{entries.data(), n, n, n}};
    const AnyOperator any{formed, state.range(1) == replayed};
    const bool loops = state.range(1) != in_one_launch;
    index_t launches = 0;
    const auto call = [&] {
      const index_t before = ctx.counters.launches;
      solve(loops ? OperatorRef<Cuda, double>(any) : OperatorRef<Cuda, double>(formed));
      launches = ctx.counters.launches - before;
    };
    bench::measure(state, ctx, 8.0 * static_cast<double>(n) * static_cast<double>(n), call);
    state.counters["launches"] = static_cast<double>(launches);
    state.counters["iterations"] = result.read(0).iterations;
  }

  Context<Cuda> ctx;
  index_t n;
  Buffer<double, Cuda> g, s, entries;
  Buffer<InnerResult, Cuda> result;
};

void steihaug_solve(benchmark::State& state) {
  Formed p(state);
  p.measure(state, [&](OperatorRef<Cuda, double> H) {
    steihaug<Cuda, double>(p.ctx, H, p.g.view(), p.s.view(), p.result.data(),
                           {1e6, 0, iterations, false});
  });
}

template <class Solver, class Options>
void model_solve(benchmark::State& state, const Options& options) {
  Formed p(state);
  Solver solver(p.ctx, p.n, iterations);
  p.measure(state, [&](OperatorRef<Cuda, double> H) {
    solver.solve(p.ctx, H, p.g.view(), p.s.view(), p.result.data(), Rng{1, 7}, options);
  });
}

void cubic_solve(benchmark::State& state) {
  model_solve<CubicSolver<Cuda, double>>(state, CubicOptions{1, 0, iterations});
}
void gltr_solve(benchmark::State& state) {
  model_solve<GltrSolver<Cuda, double>>(state, GltrOptions{1, 0, iterations});
}

void shapes(benchmark::internal::Benchmark* bench, bool replays) {
  bench->ArgNames({"rows", "run"})->Apply(bench::options);
  const bool tiny = bench::asked_shapes() == bench::Shapes::tiny;
  for (const index_t n :
       tiny ? std::vector<index_t>{22, 130} : std::vector<index_t>{22, 54, 200, 1000}) {
    bench->Args({n, in_one_launch})->Args({n, in_loops});
    if (replays) bench->Args({n, replayed});
  }
}
void sizes(benchmark::internal::Benchmark* bench) { shapes(bench, false); }
void sizes_and_replayed(benchmark::internal::Benchmark* bench) { shapes(bench, true); }

BENCHMARK(steihaug_solve)->Name("solve_inner_steihaug<double>")->Apply(sizes_and_replayed);
BENCHMARK(cubic_solve)->Name("solve_inner_cubic<double>")->Apply(sizes);
BENCHMARK(gltr_solve)->Name("solve_inner_gltr<double>")->Apply(sizes);

}  // namespace
}  // namespace randnla
