// Runs that go on from a checkpoint take the steps of the run that made it, to the last bit; and
// what is refused.
#include "optimize/runs.hpp"
#include "support/temporary.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace randnla {
namespace {

using test::dataset;
using test::Method;
using test::methods;
using test::minimize;
using test::Problem;
using Rule = GradientOptions::Rule;
using Size = HessianOptions::Size;

/// Equal bits, so that NaN is equal to NaN and 0 is not -0.
void expect_bits(double a, double b, const char* what) {
  EXPECT_EQ(std::bit_cast<std::uint64_t>(a), std::bit_cast<std::uint64_t>(b))
      << what << ": " << a << " and " << b;
}

void expect_same(const Work& a, const Work& b) {
  EXPECT_EQ(a.props, b.props);
  EXPECT_EQ(a.values, b.values);
  EXPECT_EQ(a.gradients, b.gradients);
  EXPECT_EQ(a.hessian_products, b.hessian_products);
  EXPECT_EQ(a.hessian_matrices, b.hessian_matrices);
  expect_bits(a.data_passes, b.data_passes, "data_passes");
  EXPECT_EQ(a.host_waits, b.host_waits);
  EXPECT_EQ(a.flag_polls, b.flag_polls);
}

/// All but the seconds.
void expect_same(const Iteration& a, const Iteration& b) {
  EXPECT_EQ(a.iteration, b.iteration);
  expect_bits(a.loss, b.loss, "loss");
  expect_bits(a.gradient_norm, b.gradient_norm, "gradient_norm");
  expect_bits(a.size, b.size, "size");
  expect_bits(a.rho, b.rho, "rho");
  expect_bits(a.step_norm, b.step_norm, "step_norm");
  EXPECT_EQ(a.accepted, b.accepted);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.gradient_sample, b.gradient_sample);
  EXPECT_EQ(a.hessian_sample, b.hessian_sample);
  expect_bits(a.gradient_error, b.gradient_error, "gradient_error");
  expect_bits(a.hessian_error, b.hessian_error, "hessian_error");
  expect_bits(a.true_gradient_error, b.true_gradient_error, "true_gradient_error");
  expect_bits(a.true_hessian_error, b.true_hessian_error, "true_hessian_error");
  EXPECT_EQ(a.hessian_formed, b.hessian_formed);
  EXPECT_EQ(a.inner_iterations, b.inner_iterations);
  EXPECT_EQ(a.inner_stop, b.inner_stop);
  expect_same(a.work, b.work);
}

void expect_same(const OptimizationResult& a, const OptimizationResult& b) {
  EXPECT_EQ(a.stop, b.stop);
  expect_bits(a.loss, b.loss, "loss");
  expect_bits(a.initial_loss, b.initial_loss, "initial_loss");
  EXPECT_EQ(a.iterations, b.iterations);
  EXPECT_EQ(a.accepted, b.accepted);
  const Certificate &c = a.certificate, &d = b.certificate;
  expect_bits(c.gradient_norm, d.gradient_norm, "certificate.gradient_norm");
  expect_bits(c.lambda_min, d.lambda_min, "lambda_min");
  expect_bits(c.lambda_min_bound, d.lambda_min_bound, "lambda_min_bound");
  EXPECT_EQ(c.eps_g_met, d.eps_g_met);
  EXPECT_EQ(c.eps_h_met, d.eps_h_met);
  EXPECT_EQ(c.lanczos_steps, d.lanczos_steps);
  expect_same(a.work, b.work);
  expect_same(a.certificate_work, b.certificate_work);
  ASSERT_EQ(a.trace.size(), b.trace.size());
  for (std::size_t i = 0; i < a.trace.size(); ++i) {
    SCOPED_TRACE("row " + std::to_string(i));
    expect_same(a.trace[i], b.trace[i]);
  }
}

void expect_same(const Checkpoint& a, const Checkpoint& b) {
  EXPECT_EQ(a.options, b.options);
  EXPECT_EQ(a.dim, b.dim);
  EXPECT_EQ(a.terms, b.terms);
  EXPECT_EQ(a.x, b.x);
  EXPECT_EQ(a.leverage_ratio, b.leverage_ratio);
  expect_same(a.result, b.result);
  EXPECT_EQ(a.rng.seed, b.rng.seed);
  EXPECT_EQ(a.rng.counter, b.rng.counter);
  expect_bits(a.loss, b.loss, "loss");
  expect_bits(a.size, b.size, "size");
  expect_bits(a.gradient_fraction, b.gradient_fraction, "gradient_fraction");
  expect_bits(a.gradient_reference, b.gradient_reference, "gradient_reference");
  expect_bits(a.gradient_second, b.gradient_second, "gradient_second");
  EXPECT_EQ(a.hessian_size, b.hessian_size);
  EXPECT_EQ(a.draws_since_refresh, b.draws_since_refresh);
  EXPECT_EQ(a.expected_products, b.expected_products);
  EXPECT_EQ(a.next_look, b.next_look);
  EXPECT_EQ(a.look_gap, b.look_gap);
  EXPECT_EQ(a.gradient_at_trial, b.gradient_at_trial);
  EXPECT_EQ(a.sampled_gradient_small, b.sampled_gradient_small);
}

SecondOrderOptions plain() {
  SecondOrderOptions options;
  options.initial_radius = 1;
  options.stopping.max_iterations = 14;
  return options;
}

/// Options of every kind of state that a run carries from one iteration to the next.
struct Variant {
  const char* name;
  std::function<void(SecondOrderOptions&)> change;
};

const std::vector<Variant>& variants() {
  static const std::vector<Variant> all{
      {"full", [](SecondOrderOptions&) {}},
      {"fixed samples",
       [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::uniform, o.hessian.fraction = 0.3;
         o.gradient.rule = Rule::uniform, o.gradient.fraction = 0.3;
         o.errors = SecondOrderOptions::Errors::exact;
       }},
      {"adaptive",
       [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::row_norm_bernoulli, o.hessian.fraction = 0.3;
         o.gradient.rule = Rule::adaptive, o.gradient.fraction = 0.2;
         o.initial_sigma = 1e-4;
       }},
      {"error-driven",
       [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::row_norm, o.hessian.fraction = 0.05;
         o.hessian.size = Size::error_driven, o.hessian.tolerance = 0.01;
         o.gradient.rule = Rule::error_driven, o.gradient.tolerance = 0.7;
       }},
      {"error-driven, uniform, Gauss-Newton",
       [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::uniform, o.hessian.fraction = 0.05;
         o.hessian.size = Size::error_driven, o.hessian.tolerance = 0.02;
         o.hessian.curvature = Curvature::gauss_newton;
         o.gradient.rule = Rule::error_driven;
         o.random_start = false, o.max_failures = 0;
       }},
      {"looks at the full gradient", [](SecondOrderOptions& o) {
         o.hessian.sampling = Sampling::row_norm, o.hessian.fraction = 0.3;
         o.hessian.form = HessianOptions::Form::passes;
         o.gradient.rule = Rule::uniform, o.gradient.fraction = 0.3;
         o.stopping.eps_g = 0.05, o.stopping.eps_h = 0.5;
         o.cubic = SecondOrderOptions::Cubic::shifted, o.ball = SecondOrderOptions::Ball::gltr;
       }}};
  return all;
}

template <class Instance>
class Checkpoints : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(Checkpoints, test::Instances, test::InstanceName);

TYPED_TEST(Checkpoints, EveryOneContinuesTheRunToTheLastBit) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const index_t n = 400, d = 5;
  const Problem p = test::classes(21, n, d);
  const auto data = dataset<B, T>(this->ctx(), p);
  const NonlinearLeastSquares<B, T> f(this->ctx(), data, 0.0078125);
  const test::TemporaryFolder folder;
  for (const Method method : methods) {
    for (const Variant& variant : variants()) {
      SCOPED_TRACE(std::string(test::name(method)) + ", " + variant.name);
      SecondOrderOptions options = plain();
      variant.change(options);
      options.stopping.max_iterations = test::sized<B>(14, 6);
      std::vector<Checkpoint> seen;
      const auto silent = minimize<T, B>(method, this->ctx(), f, test::normals(3, d, 2), options);
      options.checkpoint = [&](const Checkpoint& at) { seen.push_back(at); };
      options.checkpoint_seconds = 0;
      const auto whole = minimize<T, B>(method, this->ctx(), f, test::normals(3, d, 2), options);
      EXPECT_EQ(whole.x, silent.x);  // looking at it changes nothing
      expect_same(whole.result, silent.result);
      ASSERT_EQ(static_cast<std::int64_t>(seen.size()), whole.result.accepted);
      ASSERT_GE(seen.size(), 2U);
      options.checkpoint = nullptr;
      constexpr std::size_t stride = test::sized<B>(1, 3);
      for (std::size_t k = 0; k < seen.size(); k += stride) {
        SCOPED_TRACE("checkpoint " + std::to_string(k));
        Checkpoint from = seen[k];
        if (k % 3 == 1) {
          save(folder.file("run"), seen[k]);
          from = load_checkpoint(folder.file("run"));
          expect_same(seen[k], from);
        }
        options.resume = &from;
        // The point to start from is the checkpoint's.
        const auto rest =
            minimize<T, B>(method, this->ctx(), f, std::vector<double>(d, 1e9), options);
        EXPECT_EQ(rest.x, whole.x);
        expect_same(rest.result, whole.result);
        EXPECT_GE(rest.result.seconds, from.result.seconds);
      }
    }
  }
}

TYPED_TEST(Checkpoints, AResumedRunMakesTheSameOnes) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const index_t n = 300, d = 4;
  const Problem p = test::classes(21, n, d);
  const auto data = dataset<B, T>(this->ctx(), p);
  const NonlinearLeastSquares<B, T> f(this->ctx(), data, 0.0078125);
  SecondOrderOptions options = plain();
  variants()[3].change(options);
  options.stopping.max_iterations = 6;
  std::vector<Checkpoint> first, second;
  options.checkpoint_seconds = 0;
  options.checkpoint = [&](const Checkpoint& at) { first.push_back(at); };
  minimize<T, B>(Method::cubic, this->ctx(), f, test::normals(3, d, 2), options);
  ASSERT_GE(first.size(), 3U);
  // Iterations are limits, no steps: the run that goes on may have others.
  options.stopping.max_iterations = 5, options.resume = &first[0];
  options.checkpoint = [&](const Checkpoint& at) { second.push_back(at); };
  const auto rest = minimize<T, B>(Method::cubic, this->ctx(), f, test::normals(3, d, 2), options);
  EXPECT_LE(rest.result.iterations, 5);
  ASSERT_GE(second.size(), 1U);
  for (std::size_t k = 0; k < second.size(); ++k) expect_same(second[k], first[k + 1]);
}

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
      {"hessian.tolerance = 1", "hessian.tolerance = 1.5", [](O& o) { o.hessian.tolerance = 1.5; }},
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
  const NonlinearLeastSquares<Cpu, double> heavier(ctx_, data_, 1e-3);
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
  for (std::size_t size = 0; size < bytes.size(); size += size < header + 70 ? 1 : 37) {
    EXPECT_NE(refusal_of(bytes.substr(0, size)).find("/bad: "), std::string::npos) << size;
  }
  EXPECT_NE(refusal_of(bytes.substr(0, bytes.size() - 1)).find("truncated"), std::string::npos);
  EXPECT_NE(refusal_of(bytes + '\0'), "");
  EXPECT_NE(refusal_of(bytes + bytes), "");
  for (std::size_t at = 0; at < bytes.size(); at += at < header ? 1 : 41) {
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
