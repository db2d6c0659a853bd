#include "commands.hpp"
#include "device_data.hpp"
#include "interrupt.hpp"
#include "matrix_file.hpp"
#include "outputs.hpp"
#include "progress.hpp"
#include "report.hpp"

#include <randnla/io/npy.hpp>
#include <randnla/version.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double frobenius_norm(const double* values, index_t n) {
  double sum = 0;
  for (index_t i = 0; i < n; ++i) sum += values[i] * values[i];
  return std::sqrt(sum);
}

Sketch sketch_for(const SketchCommand& options, const Dataset<double, Cpu>& data) {
  return {.kind = options.kind,
          .rows = options.rows.value_or(4 * data.cols),
          .cols = data.rows,
          .nonzeros = options.nonzeros,
          .rng = {options.seed, 0}};
}

template <Backend B, class Data>
std::vector<double> sketched(Context<B>& ctx, const Sketch& S, const Data& data) {
  Buffer<double, B> SA(ctx, S.rows * data.cols);
  apply(ctx, S, data.view(), MatrixView<double, B>{SA.data(), S.rows, data.cols, S.rows});
  return SA.download();
}

std::vector<double> sketched_on(const SketchCommand& options, Context<Cpu>& host, const Sketch& S,
                                const Dataset<double, Cpu>& data) {
  if (options.device == Device::cpu) return sketched(host, S, data);
  Context<Cuda> ctx;
#ifdef RANDNLA_HAS_CUDA
  return std::visit([&](const auto& there) { return sketched(ctx, S, there); },
                    to_device(ctx, data, options.device_memory));
#else
  return {};  // not reached: the context is an error without CUDA
#endif
}

/// By rows what lies by columns.
std::vector<double> by_rows(const std::vector<double>& columns, index_t rows, index_t cols) {
  std::vector<double> out(columns.size());
  for (index_t j = 0; j < cols; ++j) {
    for (index_t i = 0; i < rows; ++i) {
      out[static_cast<std::size_t>(i * cols + j)] = columns[static_cast<std::size_t>(i + j * rows)];
    }
  }
  return out;
}

Json to_json(const SketchCommand& options, const Sketch& S, const Dataset<double, Cpu>& data) {
  return {{"matrix", options.matrix.path},
          {"out", options.out},
          {"rows", data.rows},
          {"cols", data.cols},
          {"storage", data.sparse() ? "sparse" : "dense"},
          {"sketch", name_in(sketch_names, S.kind)},
          {"sketch_rows", S.rows},
          {"nonzeros", nonzeros_per_column(S)},
          {"seed", options.seed},
          {"device", name_in(device_names, options.device)}};
}

}  // namespace

int sketch(const SketchCommand& options) {
  check_outputs({options.out}, {options.matrix.path});
  Context<Cpu> ctx(options.threads);
  StatusLine status(stderr);
  const Dataset<double, Cpu> data = read_matrix(ctx, options.matrix, [&](index_t bytes) {
                                      status.show("reading", bytes / 1'000'000, "MB of text");
                                    }).data;
  const Sketch S = sketch_for(options, data);
  const auto begin = Clock::now();
  const std::vector<double> SA = sketched_on(options, ctx, S, data);
  const double seconds = seconds_since(begin);
  const double norm = frobenius_norm(data.values.data(), data.values.size());
  const double sketch_norm = frobenius_norm(SA.data(), static_cast<index_t>(SA.size()));

  // From here on an interrupt must remove what is half written.
  finish_work_on_interrupt();
  const std::vector<double> rows = by_rows(SA, S.rows, data.cols);
  write_npy_matrix<double>(options.out, DenseRows<double, Cpu>{rows.data(), S.rows, data.cols},
                           [](index_t) {
                             if (interrupted()) throw Interrupted();
                           });
  status.clear();
  if (options.json) {
    Json json = to_json(options, S, data);
    json["frobenius_norm"] = norm;
    json["sketch_frobenius_norm"] = sketch_norm;
    json["sketch_seconds"] = seconds;
    json["version"] = RANDNLA_VERSION;
    std::printf("%s\n", one_line(json).c_str());
  } else {
    std::printf(
        "%s: %lld x %lld, %s; sketched to %lld rows (%s, %lld nonzeros a column) in %.3g s\n",
        options.matrix.path.c_str(), static_cast<long long>(data.rows),
        static_cast<long long>(data.cols), data.sparse() ? "sparse" : "dense",
        static_cast<long long>(S.rows), name_in(sketch_names, S.kind),
        static_cast<long long>(nonzeros_per_column(S)), seconds);
    std::printf("Frobenius norm %.6g, of the sketch %.6g; written to %s\n", norm, sketch_norm,
                options.out.c_str());
  }
  return 0;
}

}  // namespace randnla::app
