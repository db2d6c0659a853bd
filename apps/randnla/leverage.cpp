#include "commands.hpp"
#include "device_data.hpp"
#include "interrupt.hpp"
#include "matrix_file.hpp"
#include "outputs.hpp"
#include "plot.hpp"
#include "progress.hpp"
#include "report.hpp"

#include <randnla/io/npy.hpp>
#include <randnla/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace randnla::app {
namespace {

struct Scores {
  LeverageResult result;
  std::vector<double> of_row;
  std::vector<ScoredRow> top;
};

template <Backend B, class Data>
Scores scores_of(Context<B>& ctx, const Data& data, const LeverageCommand& command) {
  Buffer<double, B> scores(ctx, data.rows);
  Scores out;
  out.result = leverage_scores(ctx, data.view(), command.options, scores.view());
  out.top = top_k<B, double>(ctx, scores.view(), command.top);
  out.of_row = scores.download();
  return out;
}

Scores scores_on(Context<Cpu>& host, const Dataset<double, Cpu>& data,
                 const LeverageCommand& command) {
  if (command.device == Device::cpu) return scores_of(host, data, command);
  Context<Cuda> ctx;
#ifdef RANDNLA_HAS_CUDA
  return std::visit([&](const auto& there) { return scores_of(ctx, there, command); },
                    to_device(ctx, data, command.device_memory));
#else
  return {};  // not reached: the context is an error without CUDA
#endif
}

/// The scores, largest first, and their mean; of more than some hundreds of them those at places that grow by a
/// hundredth.
Panel panel(const LeverageCommand& command, const Scores& scores) {
  std::vector<double> sorted = scores.of_row;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  Curve curve{"scores", {}, {}};
  for (std::size_t place = 1; place <= sorted.size();) {
    curve.x.push_back(static_cast<double>(place)), curve.y.push_back(sorted[place - 1]);
    const std::size_t next = std::max(place + 1, place + place / 100);
    place = place < sorted.size() ? std::min(next, sorted.size()) : next;
  }
  const double n = static_cast<double>(sorted.size());
  const double mean = scores.result.sum / n;
  return {"Leverage scores of " + command.matrix.path,
          {"rows, by score", true},
          {"score", true},
          {curve, {"mean", {1, n}, {mean, mean}}}};
}

Json to_json(const LeverageCommand& command, const Dataset<double, Cpu>& data,
             const Scores& scores) {
  const LeverageResult& result = scores.result;
  Json top = Json::array();
  for (const ScoredRow& row : scores.top) top.push_back({{"row", row.row}, {"score", row.score}});
  const auto file = [](const std::string& path) { return path.empty() ? Json() : Json(path); };
  return {{"matrix", command.matrix.path},
          {"out", file(command.out)},
          {"plot", file(command.plot)},
          {"rows", data.rows},
          {"cols", data.cols},
          {"storage", data.sparse() ? "sparse" : "dense"},
          {"method", name_in(leverage_names, command.options.method)},
          {"used", name_in(leverage_names, result.used)},
          {"fell_back", result.fell_back},
          {"ridge", command.options.ridge},
          {"seed", command.options.rng.seed},
          {"rank", result.rank},
          {"condition", result.condition},
          {"coherence", result.coherence},
          {"sum", result.sum},
          {"error_estimate", result.error_estimate},
          {"sketch_rows", result.sketch_rows},
          {"projections", result.projections},
          {"passes", result.passes},
          {"top", top},
          {"device", name_in(device_names, command.device)}};
}

void print(const LeverageCommand& command, const Dataset<double, Cpu>& data, const Scores& scores,
           double seconds) {
  const LeverageResult& result = scores.result;
  std::printf("%s: %lld x %lld, %s; scores by %s%s in %.3g s\n", command.matrix.path.c_str(),
              static_cast<long long>(data.rows), static_cast<long long>(data.cols),
              data.sparse() ? "sparse" : "dense", name_in(leverage_names, result.used),
              result.fell_back ? " (cholesky would have lost too much)" : "", seconds);
  std::printf(
      "rank %lld, condition %.3g with columns of one length, sum %.6g, largest %.6g, "
      "relative error about %.2g\n",
      static_cast<long long>(result.rank), result.condition, result.sum, result.coherence,
      result.error_estimate);
  for (const ScoredRow& row : scores.top) {
    std::printf("%12lld  %.6g\n", static_cast<long long>(row.row), row.score);
  }
}

}  // namespace

int leverage(const LeverageCommand& command) {
  std::vector<std::string> outputs;
  for (const std::string& path : {command.out, command.plot}) {
    if (!path.empty()) outputs.push_back(path);
  }
  check_outputs(outputs, {command.matrix.path});
  Context<Cpu> ctx(command.threads);
  StatusLine status(stderr);
  const Dataset<double, Cpu> data = read_matrix(ctx, command.matrix, [&](index_t bytes) {
                                      status.show("reading", bytes / 1'000'000, "MB of text");
                                    }).data;
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const Scores scores = scores_on(ctx, data, command);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();

  // From here on an interrupt must remove what is half written.
  finish_work_on_interrupt();
  if (!command.out.empty()) write_npy(command.out, scores.of_row);
  if (!command.plot.empty()) write_text(command.plot, to_svg({panel(command, scores)}));
  status.clear();
  if (command.json) {
    Json json = to_json(command, data, scores);
    json["leverage_seconds"] = seconds;
    json["version"] = RANDNLA_VERSION;
    std::printf("%s\n", one_line(json).c_str());
  } else {
    print(command, data, scores, seconds);
  }
  return 0;
}

}  // namespace randnla::app
