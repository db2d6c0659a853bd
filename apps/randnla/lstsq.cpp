#include "commands.hpp"
#include "device_data.hpp"
#include "interrupt.hpp"
#include "matrix_file.hpp"
#include "outputs.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "right_hand_side.hpp"

#include <randnla/io/npy.hpp>
#include <randnla/least_squares/least_squares.hpp>
#include <randnla/version.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

using Clock = std::chrono::steady_clock;

struct Solution {
  std::vector<double> x;  // by columns
  LeastSquaresResult result;
  double seconds = 0;
};

template <Backend B, class Data>
Solution solved(Context<B>& ctx, const Data& A, const RightHandSides& sides,
                const LeastSquaresOptions& options) {
  const Buffer<double, B> b(ctx, sides.values);
  Buffer<double, B> x(ctx, A.cols * sides.count);
  Solution out;
  const auto begin = Clock::now();
  out.result = least_squares(ctx, A.view(),
                             MatrixView<const double, B>{b.data(), A.rows, sides.count, A.rows},
                             MatrixView<double, B>{x.data(), A.cols, sides.count, A.cols}, options);
  out.x = x.download();
  out.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return out;
}

Solution solved_on(const LstsqOptions& options, Context<Cpu>& host, const Dataset<double, Cpu>& A,
                   const RightHandSides& sides) {
  if (options.device == Device::cpu) return solved(host, A, sides, options.solver);
  Context<Cuda> ctx;
#ifdef RANDNLA_HAS_CUDA
  return std::visit([&](const auto& there) { return solved(ctx, there, sides, options.solver); },
                    to_device(ctx, A, options.device_memory));
#else
  return {};  // not reached: the context is an error without CUDA
#endif
}

Loaded<double> read(Context<Cpu>& ctx, const LstsqOptions& options) {
  if (options.synthetic()) {
    Loaded<double> generated;
    generated.data = synthetic<double>(ctx, options.generator);
    return generated;
  }
  StatusLine status(stderr);
  return read_matrix(ctx, options.matrix, [&](index_t bytes) {
    status.show("reading", bytes / 1'000'000, "MB of text");
  });
}

/// One right-hand side: an array of one dimension; several: a column each.
void write(const std::string& path, const std::vector<double>& x, index_t count) {
  if (count == 1) return write_npy(path, x);
  const auto sides = static_cast<std::size_t>(count), cols = x.size() / sides;
  std::vector<double> rows;
  for (std::size_t j = 0; j < cols; ++j) {
    for (std::size_t k = 0; k < sides; ++k) rows.push_back(x[j + k * cols]);
  }
  write_npy_matrix<double>(path,
                           DenseRows<double, Cpu>{rows.data(), static_cast<index_t>(cols), count});
}

std::string right_hand_side_text(const LstsqOptions& options) {
  if (options.rhs_column > 0) return "column " + std::to_string(options.rhs_column);
  return options.rhs.empty() ? "targets" : options.rhs;
}

Json to_json(const LstsqOptions& options, const Dataset<double, Cpu>& A, const Solution& solution) {
  const LeastSquaresOptions& solver = options.solver;
  const LeastSquaresResult& result = solution.result;
  Json sides = Json::array();
  for (const LeastSquaresColumn& column : result.columns) {
    sides.push_back({{"residual_norm", column.residual_norm},
                     {"solution_norm", column.solution_norm},
                     {"optimality", column.optimality},
                     {"backward_error", column.backward_error}});
  }
  const bool sketched = result.sketch_rows > 0 && !solver.sampling;
  const index_t nonzeros = nonzeros_per_column(
      {.kind = solver.sketch, .rows = result.sketch_rows, .nonzeros = solver.nonzeros});
  return {{"matrix", options.matrix.path},
          {"rhs", right_hand_side_text(options)},
          {"out", options.out.empty() ? Json() : Json(options.out)},
          {"rows", A.rows},
          {"cols", A.cols},
          {"storage", A.sparse() ? "sparse" : "dense"},
          {"method", name_in(least_squares_names, result.method)},
          {"stop", name(result.stop)},
          {"rank", result.rank},
          {"condition", result.condition},
          {"iterations", result.iterations},
          {"passes", result.passes},
          {"sketch", sketched ? Json(name_in(sketch_names, solver.sketch)) : Json()},
          {"nonzeros", sketched ? Json(nonzeros) : Json()},
          {"sampling", solver.sampling ? Json(name_in(sampling_names, *solver.sampling)) : Json()},
          {"sketch_rows", result.sketch_rows},
          {"ridge", solver.ridge},
          {"tolerance", solver.tolerance},
          {"max_iterations", solver.max_iterations},
          {"seed", solver.rng.seed},
          {"right_hand_sides", sides},
          {"device", name_in(device_names, options.device)},
          {"solve_seconds", solution.seconds},
          {"version", RANDNLA_VERSION}};
}

void print(const LstsqOptions& options, const Dataset<double, Cpu>& A, const Solution& solution) {
  const LeastSquaresResult& result = solution.result;
  std::printf("%s: %lld x %lld, %s; right-hand side: %s\n", options.matrix.path.c_str(),
              static_cast<long long>(A.rows), static_cast<long long>(A.cols),
              A.sparse() ? "sparse" : "dense", right_hand_side_text(options).c_str());
  std::printf("%s: %s in %.3g s (iterations %d, passes over the matrix %.3g)\n",
              name_in(least_squares_names, result.method), name(result.stop), solution.seconds,
              result.iterations, result.passes);
  std::printf("rank %lld, condition %.3g with columns of length one\n",
              static_cast<long long>(result.rank), result.condition);
  std::printf("%14s %14s %22s %15s\n", "|b - A x|", "|x|", "|A(x - x*)|/|b - A x|",
              "backward error");
  for (const LeastSquaresColumn& column : result.columns) {
    std::printf("%14.6g %14.6g %22.2g %15.2g\n", column.residual_norm, column.solution_norm,
                column.optimality, column.backward_error);
  }
  if (!options.out.empty()) std::printf("x is written to %s\n", options.out.c_str());
}

}  // namespace

int lstsq(const LstsqOptions& options) {
  check_outputs({options.out}, {options.synthetic() ? "" : options.matrix.path, options.rhs});
  Context<Cpu> ctx(options.threads);
  Loaded<double> matrix = read(ctx, options);
  const RightHandSides sides = right_hand_sides(ctx, options, matrix);
  const Solution solution = solved_on(options, ctx, matrix.data, sides);
  // From here on an interrupt must remove what is half written.
  finish_work_on_interrupt();
  if (!options.out.empty()) write(options.out, solution.x, sides.count);
  if (options.json) {
    std::printf("%s\n", one_line(to_json(options, matrix.data, solution)).c_str());
  } else {
    print(options, matrix.data, solution);
  }
  return 0;
}

}  // namespace randnla::app
