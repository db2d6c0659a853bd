// Whole solves beside LAPACK's dgels and the normal equations by OpenBLAS, which have the same threads and the
// matrix by columns, as suits them.
#include "support/ceiling.hpp"

#include <randnla/data/synthetic.hpp>
#include <randnla/least_squares/least_squares.hpp>

#include <benchmark/benchmark.h>
#include <cblas.h>
#include <lapacke.h>

#include <memory>

namespace randnla {
namespace {

/// One problem, of condition 100, and the peers' seconds for it.
struct Problem {
  Problem(index_t m, index_t n, int thread_count)
      : rows(m),
        cols(n),
        threads(thread_count),
        ctx(thread_count),
        data(synthetic<double>(ctx, {.rows = m, .cols = n, .condition = 100})) {
    openblas_set_num_threads(threads);
    const std::vector<double> by_columns = columns();
    normal_seconds = best_of_two([&] { normal_equations(by_columns); });
    dgels_seconds = best_of_two([&, copy = by_columns]() mutable {
      copy = by_columns;
      return bench::seconds([&] { dgels(copy); });
    });
    bench::let_threads_sleep();
  }

  /// The best of two runs, which is the peer's favour; f gives its own seconds, or is timed whole.
  template <class F>
  static double best_of_two(F f) {
    const auto once = [&] {
      if constexpr (std::is_void_v<decltype(f())>) {
        return bench::seconds(f);
      } else {
        return f();
      }
    };
    const double first = once();
    return std::min(first, once());
  }

  std::vector<double> columns() const {
    std::vector<double> out(static_cast<std::size_t>(rows * cols));
    for (index_t i = 0; i < rows; ++i) {
      for (index_t j = 0; j < cols; ++j)
        out[static_cast<std::size_t>(i + j * rows)] = data.values.data()[i * cols + j];
    }
    return out;
  }

  void normal_equations(const std::vector<double>& A) const {
    const auto m = static_cast<int>(rows), n = static_cast<int>(cols);
    std::vector<double> H(static_cast<std::size_t>(cols * cols)), x(static_cast<std::size_t>(cols));
    cblas_dsyrk(CblasColMajor, CblasUpper, CblasTrans, n, m, 1, A.data(), m, 0, H.data(), n);
    cblas_dgemv(CblasColMajor, CblasTrans, m, n, 1, A.data(), m, data.targets.data(), 1, 0,
                x.data(), 1);
    LAPACKE_dposv(LAPACK_COL_MAJOR, 'U', n, 1, H.data(), n, x.data(), n);
  }

  void dgels(std::vector<double>& A) const {
    const auto m = static_cast<int>(rows), n = static_cast<int>(cols);
    std::vector<double> b(data.targets.data(), data.targets.data() + rows);
    LAPACKE_dgels(LAPACK_COL_MAJOR, 'N', m, n, 1, A.data(), m, b.data(), m);
  }

  index_t rows, cols;
  int threads;
  Context<Cpu> ctx;
  Dataset<double, Cpu> data;
  double normal_seconds = 0, dgels_seconds = 0;
};

/// The problem of the last benchmark is kept for the next one: the peers' runs take longest.
Problem& problem(index_t rows, index_t cols, int threads) {
  static std::unique_ptr<Problem> kept;
  if (!kept || kept->rows != rows || kept->cols != cols || kept->threads != threads) {
    kept.reset();
    kept = std::make_unique<Problem>(rows, cols, threads);
  }
  return *kept;
}

/// Arguments: rows, columns, threads, method.
void solve(benchmark::State& state) {
  Problem& p = problem(state.range(0), state.range(1), static_cast<int>(state.range(2)));
  const LeastSquaresOptions options{.method = static_cast<LeastSquaresMethod>(state.range(3))};
  Buffer<double, Cpu> x(p.ctx, p.cols);
  LeastSquaresResult result;
  std::vector<double> seconds;
  for ([[maybe_unused]] auto _ : state) {
    seconds.push_back(bench::seconds([&] {
      result = least_squares<Cpu, double>(p.ctx, p.data.view(), p.data.targets.view(), x.view(),
                                          options);
    }));
    state.SetIterationTime(seconds.back());
  }
  state.SetLabel(std::string(name(result.method)) + ", " + name(result.stop));
  const double median = bench::median(seconds);
  state.counters["dgels/this"] = p.dgels_seconds / median;
  state.counters["normal/this"] = p.normal_seconds / median;
  state.counters["passes"] = result.passes;
  state.counters["backward"] = result.columns[0].backward_error;
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "cols", "threads", "method"});
  for (const auto& [rows, cols] :
       {std::pair{464'810, 54}, {200'000, 200}, {100'000, 1'000}, {20'000, 2'000}}) {
    for (int method = 0; method <= static_cast<int>(LeastSquaresMethod::fossils); ++method)
      bench->Args({rows, cols, 2, method});
  }
  bench->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);
}

BENCHMARK(solve)->Name("least_squares")->Apply(shapes);

}  // namespace
}  // namespace randnla
