// The C++ side of bench/peers/run: makes the data, runs randnla and LIBLINEAR on them, and leaves the data
// and the end points as .npy in a folder. Prints a line of JSON a solve. Times are those of the solve alone,
// the best of three for randnla and the best of 20 where a solve takes
// milliseconds, as run does for the peer: reading and conversions are not in them.
//
//   randnla_peers FOLDER ROWS COLS [IJCNN1]
#include <randnla/data/preprocess.hpp>
#include <randnla/data/synthetic.hpp>
#include <randnla/io/libsvm.hpp>
#include <randnla/io/npy.hpp>
#include <randnla/objective/linear_model.hpp>
#include <randnla/optimize/second_order.hpp>

#include <linear.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

using namespace randnla;

namespace {

using Data = Dataset<double, Cpu>;

template <class T>
std::vector<double> copy(const Buffer<T, Cpu>& values) {
  return {values.data(), values.data() + values.size()};
}

struct Folder {
  std::string path;
  void keep(const std::string& name, const std::vector<double>& values) const {
    write_npy(path + "/" + name + ".npy", values);
  }
};

/// Solves from zero several times, which gives the same bits, and reports the fastest: the seconds to the
/// stopping rule, as the peers', and those with the certificate, which they do not have.
template <class T, class Objective>
void solve(Context<Cpu>& ctx, const Folder& folder, const std::string& name, const Objective& f,
           const SecondOrderOptions& options, int repetitions = 3) {
  Buffer<T, Cpu> x(ctx, f.dim());
  OptimizationResult best;
  best.seconds = HUGE_VAL;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    std::fill_n(x.data(), x.size(), T{0});
    const OptimizationResult result = trust_region<Cpu, T>(ctx, f, x.view(), options);
    if (result.seconds < best.seconds) best = result;
  }
  folder.keep(name, copy(x));
  std::printf(
      "{\"name\": \"%s\", \"seconds\": %.6g, \"certified\": %.6g, \"iterations\": %lld, \"stop\": "
      "\"%s\", \"products\": "
      "%lld, "
      "\"phases\": {\"gradient\": %.4g, \"hessian\": %.4g, \"inner\": %.4g, \"trial\": %.4g}}\n",
      name.c_str(), best.trace.back().seconds, best.seconds,
      static_cast<long long>(best.iterations), randnla::name(best.stop),
      static_cast<long long>(best.work.hessian_products), best.phases.gradient, best.phases.hessian,
      best.phases.inner, best.phases.trial);
  std::fflush(stdout);
}

/// L2-regularised logistic regression by LIBLINEAR's primal solver, to a gradient norm as near below
/// eps_g as its own rule |g| <= eps min(p, q)/n |g_0| can say.
void solve_liblinear(const Folder& folder, const Data& data, double l2, double eps_g) {
  const auto n = static_cast<std::size_t>(data.rows), d = static_cast<std::size_t>(data.cols);
  std::vector<feature_node> nodes(n * (d + 1));
  std::vector<feature_node*> rows(n);
  std::vector<double> labels(n), g0(d, 0.0);
  double positive = 0;
  for (std::size_t i = 0; i < n; ++i) {
    rows[i] = &nodes[i * (d + 1)];
    labels[i] = data.targets.data()[i] > 0.5 ? 1 : -1;
    positive += labels[i] > 0;
    for (std::size_t j = 0; j < d; ++j) {
      rows[i][j] = {static_cast<int>(j) + 1, data.values.data()[i * d + j]};
      g0[j] -= labels[i] / 2 * rows[i][j].value / static_cast<double>(n);
    }
    rows[i][d] = {-1, 0};
  }
  double norm = 0;
  for (const double g : g0) norm += g * g;
  const double share =
      std::min(positive / static_cast<double>(n), 1 - positive / static_cast<double>(n));
  problem p{static_cast<int>(n), static_cast<int>(d), labels.data(), rows.data(), -1};
  parameter how{};
  how.solver_type = L2R_LR;
  how.C = 1 / (static_cast<double>(n) * l2);
  how.eps = eps_g / (std::sqrt(norm) * share);
  set_print_string_function([](const char*) {});
  const auto start = std::chrono::steady_clock::now();
  model* const result = train(&p, &how);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::vector<double> w(result->w, result->w + d);
  if (result->label[0] != 1) std::transform(w.begin(), w.end(), w.begin(), std::negate<>());
  free_and_destroy_model(const_cast<model**>(&result));
  folder.keep("logistic_liblinear", w);
  std::printf("{\"name\": \"logistic_liblinear\", \"seconds\": %.6g, \"version\": \"%d\"}\n",
              seconds, liblinear_version);
  std::fflush(stdout);
}

SecondOrderOptions full_newton() {
  SecondOrderOptions options;
  options.stopping.eps_g = 1e-6;
  options.random_start = false;
  options.inner_tolerance = 1e-6;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: randnla_peers FOLDER ROWS COLS [IJCNN1]\n");
    return 2;
  }
  const Folder folder{argv[1]};
  Context<Cpu> ctx;
  {
    const Data data =
        synthetic<double>(ctx, {.rows = std::stoll(argv[2]), .cols = std::stoll(argv[3])});
    write_npy_matrix<double>(folder.path + "/A.npy", data.view());
    folder.keep("y", copy(data.targets));
    // Without the regulariser everyone ends in another local minimum.
    const NonlinearLeastSquares<Cpu, double> nls(ctx, data, Regulariser{.l2 = 1e-5});
    solve<double>(ctx, folder, "nls_full", nls, full_newton());
    SecondOrderOptions sampled = full_newton();
    sampled.hessian.sampling = Sampling::row_norm;
    sampled.hessian.fraction = 0.05;
    sampled.inner_tolerance = 1e-2;
    solve<double>(ctx, folder, "nls_row_norm", nls, sampled);
    const double l2 = 1 / static_cast<double>(data.rows);
    const LogisticRegression<Cpu, double> logistic(ctx, data, Regulariser{.l2 = l2});
    solve<double>(ctx, folder, "logistic_full", logistic, full_newton());
    solve<double>(ctx, folder, "logistic_row_norm", logistic, sampled);
    solve_liblinear(folder, data, l2, 1e-6);
  }
  if (argc > 4) {
    Data data = read_libsvm<double>(ctx, argv[4], {.storage = LibsvmOptions::Storage::dense});
    map_labels(data, find_labels(data));
    write_npy_matrix<double>(folder.path + "/ijcnn1_A.npy", data.view());
    folder.keep("ijcnn1_y", copy(data.targets));
    const NonlinearLeastSquares<Cpu, double> nls(ctx, data);
    SecondOrderOptions options = full_newton();
    options.stopping.eps_g = 1e-8;
    solve<double>(ctx, folder, "ijcnn1_optimum", nls, options);
    Buffer<double, Cpu> x(ctx, nls.dim());
    std::fill_n(x.data(), x.size(), 0.0);
    const double optimum = trust_region<Cpu, double>(ctx, nls, x.view(), options).loss;
    options = full_newton();
    options.stopping.target_loss = optimum + 1e-3;
    options.hessian.sampling = Sampling::uniform;
    options.hessian.fraction = 0.05;
    options.inner_tolerance = 1e-2;
    solve<double>(ctx, folder, "ijcnn1_subsampled", nls, options, 20);
    // The same target with the data in single precision.
    auto rounded = read_libsvm<float>(ctx, argv[4], {.storage = LibsvmOptions::Storage::dense});
    map_labels(rounded, find_labels(rounded));
    solve<float>(ctx, folder, "ijcnn1_subsampled_f32",
                 NonlinearLeastSquares<Cpu, float>(ctx, rounded), options, 20);
  }
}
