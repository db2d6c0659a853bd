#include <randnla/core/error.hpp>
#include <randnla/learn/landscape.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace randnla {
namespace {

void require_size(const char* what, index_t size, index_t want) {
  require(size == want, std::string("landscape: ") + what + " has " + std::to_string(size) +
                            " entries, want " + std::to_string(want));
}

template <Scalar T>
double norm(const T* values, index_t size) {
  double sum = 0;
  for (index_t i = 0; i < size; ++i) {
    const auto value = static_cast<double>(values[i]);
    sum += value * value;
  }
  return std::sqrt(sum);
}

/// values *= factor
template <Scalar T>
void scale(T* values, index_t size, double factor) {
  for (index_t i = 0; i < size; ++i) values[i] = static_cast<T>(factor * values[i]);
}

}  // namespace

std::vector<double> even_steps(double least, double most, int count) {
  require(count >= 2, "even_steps: count = " + std::to_string(count) + ", want at least 2");
  require(std::isfinite(least) && std::isfinite(most) && least < most,
          "even_steps: from " + std::to_string(least) + " to " + std::to_string(most));
  // From the middle, which a symmetric range has at 0.
  const double middle = (least + most) / 2, half = (most - least) / 2;
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    values.push_back(middle + half * (static_cast<double>(2 * i + 1 - count) / (count - 1)));
  }
  values.front() = least, values.back() = most;
  return values;
}

template <Scalar T>
std::vector<double> loss_over(Context<Cpu>& ctx, FiniteSumRef<Cpu, T> f, VectorView<const T, Cpu> x,
                              VectorView<const T, Cpu> u, VectorView<const T, Cpu> v,
                              const std::vector<double>& alphas, const std::vector<double>& betas,
                              const std::function<void(index_t)>& progress) {
  require_size("x", x.size, f.dim());
  require_size("u", u.size, f.dim());
  require_size("v", v.size, f.dim());
  const Sample<Cpu, T> all = Sample<Cpu, T>::all(f.terms());
  std::vector<T> point(static_cast<std::size_t>(f.dim()));
  std::vector<double> losses;
  losses.reserve(alphas.size() * betas.size());
  for (const double a : alphas) {
    for (const double b : betas) {
      for (index_t i = 0; i < f.dim(); ++i) {
        point[static_cast<std::size_t>(i)] =
            static_cast<T>(x.data[i] + a * u.data[i] + b * v.data[i]);
      }
      double loss = 0;
      f.evaluate(ctx, {point.data(), f.dim()}, all, {.value = &loss});
      losses.push_back(loss);
      if (progress) progress(static_cast<index_t>(losses.size()));
    }
  }
  return losses;
}

template <Scalar T>
std::vector<double> loss_along(Context<Cpu>& ctx, FiniteSumRef<Cpu, T> f,
                               VectorView<const T, Cpu> x, VectorView<const T, Cpu> u,
                               const std::vector<double>& alphas,
                               const std::function<void(index_t)>& progress) {
  return loss_over(ctx, f, x, u, u, alphas, {0.0}, progress);
}

template <Scalar T>
void filter_normalise(VectorView<const T, Cpu> x, const std::vector<ParameterBlock>& blocks,
                      VectorView<T, Cpu> direction) {
  require_size("the direction", direction.size, x.size);
  index_t end = 0;
  for (const ParameterBlock& block : blocks) {
    require(block.begin == end, "landscape: parameter " + block.name + " begins at " +
                                    std::to_string(block.begin) + ", want " + std::to_string(end));
    end += block.size();
  }
  require_size("the parameters", end, x.size);
  for (const ParameterBlock& block : blocks) {
    T* const part = direction.data + block.begin;
    if (block.shape.size() < 2 || block.size() == 0) {
      std::fill_n(part, block.size(), T(0));
      continue;
    }
    const index_t filter = block.size() / block.shape[0];
    for (index_t begin = 0; begin < block.size(); begin += filter) {
      const double length = norm(part + begin, filter);
      if (length == 0) continue;
      scale(part + begin, filter, norm(x.data + block.begin + begin, filter) / length);
    }
  }
}

namespace {

/// The ascent of sharpness(): e on the ball, with F and its gradient at x + e.
template <Scalar T>
class Ascent {
 public:
  Ascent(Context<Cpu>& ctx, FiniteSumRef<Cpu, T> f, VectorView<const T, Cpu> x, double radius)
      : ctx_(ctx), f_(f), x_(x), radius_(radius), e_(entries(f)), gradient_(e_) {
    value_ = evaluate(e_, gradient_);
    slope_ = norm(gradient_.data(), f.dim());
  }

  double value() const { return value_; }
  double slope() const { return slope_; }
  int gradients() const { return gradients_; }

  /// To radius g / |g|, or to a random point for g = 0.
  void start(Rng rng) {
    e_ = gradient_;
    if (slope_ == 0) fill_normal(ctx_, rng, T(1), VectorView<T, Cpu>{e_.data(), f_.dim()});
    scale(e_.data(), f_.dim(), radius_ / norm(e_.data(), f_.dim()));
    value_ = evaluate(e_, gradient_);
    slope_ = norm(gradient_.data(), f_.dim());
    length_ = radius_;
  }

  void step() {
    std::vector<T> e = e_, gradient(e_.size());
    for (std::size_t i = 0; i < e.size() && slope_ > 0; ++i) {
      e[i] = static_cast<T>(e[i] + length_ / slope_ * gradient_[i]);
    }
    const double distance = norm(e.data(), f_.dim());
    if (distance > radius_) scale(e.data(), f_.dim(), radius_ / distance);
    const double value = evaluate(e, gradient);
    const bool better = value >= value_;
    length_ *= better ? 2 : 0.5;
    if (!better) return;
    e_.swap(e), gradient_.swap(gradient);
    value_ = value;
    slope_ = norm(gradient_.data(), f_.dim());
  }

 private:
  static std::vector<T> entries(FiniteSumRef<Cpu, T> f) {
    return std::vector<T>(static_cast<std::size_t>(f.dim()), T(0));
  }
  double evaluate(const std::vector<T>& e, std::vector<T>& gradient) {
    std::vector<T> point = e;
    for (index_t i = 0; i < f_.dim(); ++i) point[static_cast<std::size_t>(i)] += x_.data[i];
    double value = 0;
    f_.evaluate(ctx_, {point.data(), f_.dim()}, Sample<Cpu, T>::all(f_.terms()),
                {.value = &value, .gradient = gradient.data()});
    ++gradients_;
    return value;
  }

  Context<Cpu>& ctx_;
  FiniteSumRef<Cpu, T> f_;
  VectorView<const T, Cpu> x_;
  double radius_, length_ = 0, value_ = 0, slope_ = 0;  // length_: of the next step
  int gradients_ = 0;
  std::vector<T> e_, gradient_;
};

}  // namespace

template <Scalar T>
Sharpness sharpness(Context<Cpu>& ctx, FiniteSumRef<Cpu, T> f, VectorView<const T, Cpu> x, Rng rng,
                    const SharpnessOptions& options) {
  require_size("x", x.size, f.dim());
  require(options.radius > 0 && std::isfinite(options.radius),
          "sharpness: radius = " + std::to_string(options.radius));
  require(options.steps >= 0, "sharpness: steps = " + std::to_string(options.steps));
  Ascent<T> ascent(ctx, f, x, options.radius);
  const double value = ascent.value();
  if (!std::isfinite(value) || !std::isfinite(ascent.slope())) {
    return {std::nan(""), ascent.gradients()};
  }
  ascent.start(rng);
  for (int k = 0; k < options.steps; ++k) ascent.step();
  return {std::max(0.0, ascent.value() - value), ascent.gradients()};
}

template std::vector<double> loss_over(Context<Cpu>&, FiniteSumRef<Cpu, float>,
                                       VectorView<const float, Cpu>, VectorView<const float, Cpu>,
                                       VectorView<const float, Cpu>, const std::vector<double>&,
                                       const std::vector<double>&,
                                       const std::function<void(index_t)>&);
template std::vector<double> loss_over(Context<Cpu>&, FiniteSumRef<Cpu, double>,
                                       VectorView<const double, Cpu>, VectorView<const double, Cpu>,
                                       VectorView<const double, Cpu>, const std::vector<double>&,
                                       const std::vector<double>&,
                                       const std::function<void(index_t)>&);
template std::vector<double> loss_along(Context<Cpu>&, FiniteSumRef<Cpu, float>,
                                        VectorView<const float, Cpu>, VectorView<const float, Cpu>,
                                        const std::vector<double>&,
                                        const std::function<void(index_t)>&);
template std::vector<double> loss_along(Context<Cpu>&, FiniteSumRef<Cpu, double>,
                                        VectorView<const double, Cpu>,
                                        VectorView<const double, Cpu>, const std::vector<double>&,
                                        const std::function<void(index_t)>&);
template void filter_normalise(VectorView<const float, Cpu>, const std::vector<ParameterBlock>&,
                               VectorView<float, Cpu>);
template void filter_normalise(VectorView<const double, Cpu>, const std::vector<ParameterBlock>&,
                               VectorView<double, Cpu>);
template Sharpness sharpness(Context<Cpu>&, FiniteSumRef<Cpu, float>, VectorView<const float, Cpu>,
                             Rng, const SharpnessOptions&);
template Sharpness sharpness(Context<Cpu>&, FiniteSumRef<Cpu, double>,
                             VectorView<const double, Cpu>, Rng, const SharpnessOptions&);

}  // namespace randnla
