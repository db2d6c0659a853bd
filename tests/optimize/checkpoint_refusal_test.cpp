// What checkpoints are refused, in memory and as files. On the CPU.
#include "optimize/checkpoints.hpp"
#include "optimize/runs.hpp"
#include "support/temporary.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace randnla {
namespace {

using test::dataset;
using test::expect_same;
using test::Method;
using test::minimize;
using test::Problem;
using Rule = GradientOptions::Rule;
using Size = HessianOptions::Size;

/// A problem, a run on it that was interrupted, and the last checkpoint of that.
class CheckpointOfARun : public ::testing::Test {
 protected:
  CheckpointOfARun() : data_(dataset<Cpu, double>(ctx_, p_)), f_(ctx_, data_) {
    options_.checkpoint_seconds = 0;
    options_.checkpoint = [this](const Checkpoint& at) { at_ = at; };
    options_.progress = [](const Iteration& row) { return row.iteration < 6; };
    minimize<double, Cpu>(Method::trust_region, ctx_, f_, test::normals(3, 4), options_);
    options_.checkpoint = nullptr, options_.progress = nullptr;
  }
  std::string refusal(FiniteSumRef<Cpu, double> f, const SecondOrderOptions& options,
                      const Checkpoint& from, Method method = Method::trust_region) {
    SecondOrderOptions with = options;
    with.resume = &from;
    try {
      minimize<double, Cpu>(method, ctx_, f, std::vector<double>(static_cast<std::size_t>(f.dim())),
                            with);
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return "";
  }

  Context<Cpu> ctx_{1};
  Problem p_ = test::classes(21, 300, 4);
  Dataset<double, Cpu> data_;
  NonlinearLeastSquares<Cpu, double> f_;
  SecondOrderOptions options_;
  Checkpoint at_;
};

TEST_F(CheckpointOfARun, OtherLimitsAreAllowed) {
  SecondOrderOptions options = options_;
  options.resume = &at_;
  options.stopping.max_props = at_.result.work.props + 1;
  const auto props = minimize<double, Cpu>(Method::trust_region, ctx_, f_, {0, 0, 0, 0}, options);
  EXPECT_EQ(props.result.stop, Stop::max_props);
  EXPECT_EQ(props.result.iterations, at_.result.iterations + 1);
  options.stopping.max_props = at_.result.work.props;
  const auto none = minimize<double, Cpu>(Method::trust_region, ctx_, f_, {0, 0, 0, 0}, options);
  EXPECT_EQ(none.result.iterations, at_.result.iterations);
  EXPECT_EQ(none.x, at_.x);
  EXPECT_EQ(none.result.loss, at_.loss);
  options = options_, options.resume = &at_;
  options.stopping.max_iterations = at_.result.iterations + 2;
  const auto two = minimize<double, Cpu>(Method::trust_region, ctx_, f_, {0, 0, 0, 0}, options);
  EXPECT_EQ(two.result.stop, Stop::max_iterations);
  EXPECT_EQ(two.result.iterations, at_.result.iterations + 2);
  options = options_, options.resume = &at_, options.stopping.target_loss = at_.loss;
  const auto target = minimize<double, Cpu>(Method::trust_region, ctx_, f_, {0, 0, 0, 0}, options);
  EXPECT_EQ(target.result.stop, Stop::target_loss);
}

TEST_F(CheckpointOfARun, OtherOptionsAreRefusedByName) {
  ASSERT_EQ(refusal(f_, options_, at_), "");
  struct Case {
    const char *was, *is;
    std::function<void(SecondOrderOptions&)> change;
  };
  using O = SecondOrderOptions;
  const Case cases[] = {
      {"gradient.rule = 0", "gradient.rule = 1", [](O& o) { o.gradient.rule = Rule::uniform; }},
      {"gradient.fraction = 0.05", "gradient.fraction = 0.5",
       [](O& o) { o.gradient.fraction = 0.5; }},
      {"gradient.factor = 1.2", "gradient.factor = 1.25", [](O& o) { o.gradient.factor = 1.25; }},
      {"gradient.min_fraction = 0.02", "gradient.min_fraction = 0.25",
       [](O& o) { o.gradient.min_fraction = 0.25; }},
      {"gradient.max_fraction = 0.5", "gradient.max_fraction = 1",
       [](O& o) { o.gradient.max_fraction = 1; }},
      {"gradient.tolerance = 0.5", "gradient.tolerance = 2",
       [](O& o) { o.gradient.tolerance = 2; }},
      {"hessian.sampling = 0", "hessian.sampling = 3",
       [](O& o) { o.hessian.sampling = Sampling::row_norm; }},
      {"hessian.fraction = 0.01", "hessian.fraction = 1", [](O& o) { o.hessian.fraction = 1; }},
      {"hessian.size = 0", "hessian.size = 1", [](O& o) { o.hessian.size = Size::error_driven; }},
      {"hessian.tolerance = 0.1", "hessian.tolerance = 1.5",
       [](O& o) { o.hessian.tolerance = 1.5; }},
      {"hessian.refresh = 10", "hessian.refresh = 11", [](O& o) { o.hessian.refresh = 11; }},
      {"hessian.curvature = 0", "hessian.curvature = 1",
       [](O& o) { o.hessian.curvature = Curvature::gauss_newton; }},
      {"hessian.form = 0", "hessian.form = 1",
       [](O& o) { o.hessian.form = HessianOptions::Form::passes; }},
      {"stopping.eps_g = 1e-05", "stopping.eps_g = 1e-06", [](O& o) { o.stopping.eps_g = 1e-6; }},
      {"stopping.eps_h = 0.001", "stopping.eps_h = 0", [](O& o) { o.stopping.eps_h = 0; }},
      {"stopping.failure_probability = 1e-06", "stopping.failure_probability = 0.25",
       [](O& o) { o.stopping.failure_probability = 0.25; }},
      {"stopping.lanczos_steps = 300", "stopping.lanczos_steps = 3",
       [](O& o) { o.stopping.lanczos_steps = 3; }},
      {"initial_radius = 10", "initial_radius = 1", [](O& o) { o.initial_radius = 1; }},
      {"max_radius = inf", "max_radius = 5", [](O& o) { o.max_radius = 5; }},
      {"initial_sigma = 0", "initial_sigma = 1", [](O& o) { o.initial_sigma = 1; }},
      {"min_sigma = 1e-06", "min_sigma = 2", [](O& o) { o.min_sigma = 2; }},
      {"eta1 = 0.8", "eta1 = 0.75", [](O& o) { o.eta1 = 0.75; }},
      {"eta2 = 1e-04", "eta2 = 0.5", [](O& o) { o.eta2 = 0.5; }},
      {"gamma1 = 2", "gamma1 = 3", [](O& o) { o.gamma1 = 3; }},
      {"gamma2 = 1.2", "gamma2 = 1.5", [](O& o) { o.gamma2 = 1.5; }},
      {"max_failures = 3", "max_failures = 4", [](O& o) { o.max_failures = 4; }},
      {"inner_iterations = 500", "inner_iterations = 50", [](O& o) { o.inner_iterations = 50; }},
      {"inner_tolerance = 1e-15", "inner_tolerance = 1e-14",
       [](O& o) { o.inner_tolerance = 1e-14; }},
      {"random_start = 1", "random_start = 0", [](O& o) { o.random_start = false; }},
      {"ball = 0", "ball = 1", [](O& o) { o.ball = O::Ball::gltr; }},
      {"cubic = 0", "cubic = 1", [](O& o) { o.cubic = O::Cubic::shifted; }},
      {"seed = 1", "seed = 12", [](O& o) { o.seed = 12; }}};
  for (const Case& each : cases) {
    SecondOrderOptions other = options_;
    each.change(other);
    const std::string text = refusal(f_, other, at_);
    EXPECT_EQ(text,
              std::string("the checkpoint is of a run with ") + each.was + ", not " + each.is);
  }
  const std::string method = refusal(f_, options_, at_, Method::cubic);
  EXPECT_NE(method.find("trust_region"), std::string::npos) << method;
  EXPECT_NE(method.find("cubic_newton"), std::string::npos) << method;
  const auto narrow = dataset<Cpu, float>(ctx_, p_);
  const NonlinearLeastSquares<Cpu, float> g(ctx_, narrow);
  SecondOrderOptions options = options_;
  options.resume = &at_;
  EXPECT_THROW((minimize<float, Cpu>(Method::trust_region, ctx_, g, {0, 0, 0, 0}, options)),
               InvalidArgument);
}

TEST_F(CheckpointOfARun, OtherProblemsAreRefused) {
  Problem other = p_;
  other.values[17] += 0.5;
  const auto changed = dataset<Cpu, double>(ctx_, other);
  const NonlinearLeastSquares<Cpu, double> f(ctx_, changed);
  EXPECT_NE(refusal(f, options_, at_).find("other data"), std::string::npos);
  const NonlinearLeastSquares<Cpu, double> heavier(ctx_, data_, {1e-3});
  EXPECT_NE(refusal(heavier, options_, at_).find("other data"), std::string::npos);
  const LogisticRegression<Cpu, double> loss(ctx_, data_);
  EXPECT_NE(refusal(loss, options_, at_).find("another loss"), std::string::npos);
  for (const auto& [rows, cols] : {std::pair{300, 5}, {301, 4}}) {
    const Problem q = test::classes(21, rows, cols);
    const auto resized = dataset<Cpu, double>(ctx_, q);
    const NonlinearLeastSquares<Cpu, double> g(ctx_, resized);
    const std::string text = refusal(g, options_, at_);
    for (const auto number : {index_t{300}, index_t{4}, q.rows, q.cols}) {
      EXPECT_NE(text.find(std::to_string(number)), std::string::npos) << text;
    }
  }
  // One that no run made.
  Checkpoint bad = at_;
  bad.x.pop_back();
  EXPECT_NE(refusal(f_, options_, bad), "");
  bad = at_, bad.leverage_ratio = {1, 2};
  EXPECT_NE(refusal(f_, options_, bad), "");
}

TEST_F(CheckpointOfARun, FilesThatAreNotWholeAreRefused) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("run");
  save(path, at_);
  expect_same(load_checkpoint(path), at_);
  const std::string bytes = test::bytes_of(path);
  const auto refusal_of = [&](const std::string& content) -> std::string {
    try {
      load_checkpoint(folder.write("bad", content));
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  ASSERT_EQ(refusal_of(bytes), "");
  const std::size_t header = bytes.find('\n') + 1;
  for (std::size_t size = 0; size < bytes.size(); size += size < header ? 7 : 101) {
    EXPECT_NE(refusal_of(bytes.substr(0, size)).find("/bad: "), std::string::npos) << size;
  }
  EXPECT_NE(refusal_of(bytes.substr(0, bytes.size() - 1)).find("truncated"), std::string::npos);
  EXPECT_NE(refusal_of(bytes + '\0'), "");
  EXPECT_NE(refusal_of(bytes + bytes), "");
  for (std::size_t at = 0; at < bytes.size(); at += at < header ? 7 : 101) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    EXPECT_NE(refusal_of(flipped), "") << at;
  }
  std::string flipped = bytes;  // in the checksum
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  EXPECT_NE(refusal_of(flipped).find("corrupt"), std::string::npos);
  std::string version = bytes;
  version[version.find('.')] = ',';
  EXPECT_NE(refusal_of(version).find("another version"), std::string::npos);
  EXPECT_NE(refusal_of("1 1:0.5 2:0.25\n").find("no checkpoint"), std::string::npos);
  EXPECT_NE(refusal_of("").find("no checkpoint"), std::string::npos);
  EXPECT_THROW(load_checkpoint(folder.path()), DataError);
  EXPECT_THROW(load_checkpoint(folder.file("missing")), DataError);
}

TEST_F(CheckpointOfARun, SavingReplacesTheFileOrLeavesIt) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("run");
  Checkpoint second = at_;
  second.x[0] += 1, second.leverage_ratio = {0.5, 0.25, 4};
  save(path, at_);
  save(path, second);
  expect_same(load_checkpoint(path), second);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"run"});  // nothing else left behind
  EXPECT_THROW(save(folder.file("no/such/folder"), at_), DataError);
  std::filesystem::create_directory(folder.file("taken"));
  EXPECT_THROW(save(folder.file("taken"), at_), DataError);
  EXPECT_EQ(folder.names().size(), 2U);
}

TEST_F(CheckpointOfARun, NotMoreOftenThanAsked) {
  SecondOrderOptions options = options_;
  int seen = 0;
  options.checkpoint = [&](const Checkpoint&) { ++seen; };
  options.checkpoint_seconds = 3600;
  minimize<double, Cpu>(Method::trust_region, ctx_, f_, test::normals(3, 4), options);
  EXPECT_EQ(seen, 0);
}

}  // namespace
}  // namespace randnla
