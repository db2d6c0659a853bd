#include "cpu/xtrace.hpp"
#include "spectra/vectors.hpp"

#include <randnla/spectra/trace.hpp>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace randnla {
namespace {

struct Mean {
  double value, error;  // standard error
};

Mean mean_of(const std::vector<double>& samples) {
  const double n = static_cast<double>(samples.size());
  double sum = 0, squares = 0;
  for (const double v : samples) sum += v;
  for (const double v : samples) squares += (v - sum / n) * (v - sum / n);
  return {sum / n, std::sqrt(squares / (n * (n - 1)))};
}

/// Q (n x count) = an orthonormal basis of H times `count` vectors of signs; returns R, H X = Q R, or nothing where a
/// product is not finite. Waits.
template <Backend B, Scalar T>
std::optional<std::vector<double>> random_range(Context<B>& ctx, const OperatorRef<B, T>& H,
                                                Rng& rng, VectorView<T, B> x, MatrixView<T, B> Q) {
  for (index_t c = 0; c < Q.cols; ++c) {
    fill_signs(ctx, rng.next(), x);
    H.apply(ctx, x, Q.col(c));
  }
  Buffer<double, B> squares(ctx, 1);
  dot<B, T>(ctx, Q.rows * Q.cols, Q.data, Q.data, squares.data());
  if (!std::isfinite(squares.read(0))) return std::nullopt;
  return householder_qr(ctx, Q);
}

/// x'Hx over `count` vectors of signs, their part in the complement of Q's range where Q has columns. Waits.
template <Backend B, Scalar T>
std::vector<double> sample_forms(Context<B>& ctx, const OperatorRef<B, T>& H, Rng& rng,
                                 MatrixView<const T, B> Q, int count) {
  const index_t n = H.dim();
  Buffer<T, B> x(ctx, n), Hx(ctx, n), along(ctx, Q.cols);
  Buffer<double, B> forms(ctx, count);
  for (int i = 0; i < count; ++i) {
    fill_signs(ctx, rng.next(), x.view());
    if (Q.cols > 0) {
      gemv<T>(ctx, Transpose::yes, T(1), Q, x.data(), T(0), along.data());
      gemv<T>(ctx, Transpose::no, T(-1), Q, along.data(), T(1), x.data());
    }
    H.apply(ctx, x.view(), Hx.view());
    dot(ctx, n, x.data(), Hx.data(), forms.data() + i);
  }
  return forms.download();
}

TraceEstimate not_finite(int products) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  return {nan, nan, products};
}

template <Backend B, Scalar T>
TraceEstimate hutch_pp(Context<B>& ctx, const OperatorRef<B, T>& H, Rng rng, int products) {
  const index_t n = H.dim();
  const int range = products / 3, samples = products - 2 * range;
  Buffer<T, B> basis(ctx, n * range), x(ctx, n);
  Buffer<double, B> diagonal(ctx, range);
  const MatrixView<T, B> Q{basis.data(), n, range, n};
  if (!random_range(ctx, H, rng, x.view(), Q)) return not_finite(range);
  for (int c = 0; c < range; ++c) {
    H.apply(ctx, Q.col(c), x.view());
    dot<B, T>(ctx, n, Q.col(c).data, x.data(), diagonal.data() + c);
  }
  const Mean outside = mean_of(sample_forms<B, T>(ctx, H, rng, Q, samples));
  TraceEstimate out{outside.value, outside.error, products};
  for (const double v : diagonal.download()) out.value += v;
  return out;
}

/// Columns, of Q's number of entries each, to the host in double.
template <class T, Backend B>
std::vector<double> widened(const Buffer<T, B>& values) {
  const std::vector<T> host = values.download();
  return {host.begin(), host.end()};
}

template <Backend B, Scalar T>
TraceEstimate xtrace(Context<B>& ctx, const OperatorRef<B, T>& H, const Rng rng, int products) {
  const index_t n = H.dim(), r = products / 2;
  Buffer<T, B> basis(ctx, n * r), x(ctx, n), along(ctx, r * r), projected(ctx, r * r);
  const MatrixView<T, B> Q{basis.data(), n, r, n};
  Rng first = rng, again = rng;
  const auto R = random_range(ctx, H, first, x.view(), Q);
  if (!R) return not_finite(static_cast<int>(r));
  for (index_t c = 0; c < r; ++c) {
    fill_signs(ctx, again.next(), x.view());
    gemv<T>(ctx, Transpose::yes, T(1), Q, x.data(), T(0), along.data() + c * r);
    H.apply(ctx, Q.col(c), x.view());
    gemv<T>(ctx, Transpose::yes, T(1), Q, x.data(), T(0), projected.data() + c * r);
  }
  const Mean mean =
      mean_of(xtrace_estimates(*R, widened(along), widened(projected), r,
                               static_cast<double>(std::numeric_limits<T>::epsilon())));
  return {mean.value, mean.error, static_cast<int>(2 * r)};
}

/// The sum of the diagonal.
template <Backend B, Scalar T>
TraceEstimate exact_trace(Context<B>& ctx, const OperatorRef<B, T>& H) {
  const index_t n = H.dim();
  Buffer<T, B> unit(ctx, n), column(ctx, n);
  Buffer<double, B> diagonal(ctx, n);
  T* const e = unit.data();
  const T* const He = column.data();
  double* const to = diagonal.data();
  for (index_t c = 0; c < n; ++c) {
    for_each(ctx, n, [=] RANDNLA_FN(index_t i) { e[i] = i == c ? T(1) : T(0); });
    H.apply(ctx, unit.view(), column.view());
    for_each(ctx, 1, [=] RANDNLA_FN(index_t) { to[c] = static_cast<double>(He[c]); });
  }
  TraceEstimate out{0, 0, static_cast<int>(n), true};
  for (const double v : diagonal.download()) out.value += v;
  return out;
}

}  // namespace

template <Backend B, Scalar T>
TraceEstimate trace_estimate(Context<B>& ctx, OperatorRef<B, T> H, Rng rng,
                             const TraceOptions& options) {
  const index_t n = H.dim();
  const int least = options.method == TraceMethod::hutchinson ? 2 : 4;
  require(options.products >= std::min<index_t>(n, least),
          "trace_estimate: products = " + std::to_string(options.products) + ", at least " +
              std::to_string(std::min<index_t>(n, least)) + " for " + name(options.method));
  if (options.products >= n) return exact_trace(ctx, H);
  if (options.method == TraceMethod::hutch_pp) return hutch_pp(ctx, H, rng, options.products);
  if (options.method == TraceMethod::xtrace) return xtrace(ctx, H, rng, options.products);
  const Mean mean = mean_of(
      sample_forms<B, T>(ctx, H, rng, MatrixView<const T, B>{nullptr, n, 0, n}, options.products));
  return {mean.value, mean.error, options.products};
}

template TraceEstimate trace_estimate(Context<ThisBackend>&, OperatorRef<ThisBackend, float>, Rng,
                                      const TraceOptions&);
template TraceEstimate trace_estimate(Context<ThisBackend>&, OperatorRef<ThisBackend, double>, Rng,
                                      const TraceOptions&);

}  // namespace randnla
