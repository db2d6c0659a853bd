#include "support/dense_reference.hpp"
#include "support/near.hpp"
#include "support/problems.hpp"

#include <randnla/spectra/eigenpairs.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace randnla {
namespace {

using test::CountedMatrix;
using test::Dense;
using test::near;
using test::ramp;
using test::real;
using test::Vector;

template <class Instance>
class TopEigenpairs : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(TopEigenpairs, test::Instances, test::InstanceName);

struct Found {
  Eigenpairs pairs;
  std::vector<Vector> V;
};

/// What V held before does not matter.
template <Scalar T, Backend B>
Found search(Context<B>& ctx, const Dense& A, const EigenpairOptions& options,
             std::uint64_t seed = 1) {
  const CountedMatrix<B, T> H(ctx, A);
  const index_t n = H.dim(), ld = n + 3;
  const double nan = std::nan("");
  Buffer<T, B> V =
      test::place<T>(ctx, std::vector<double>(static_cast<std::size_t>(ld * options.count), nan));
  Found out{top_eigenpairs<B, T>(ctx, H, MatrixView<T, B>{V.data(), n, options.count, ld},
                                 Rng{seed, 0}, options),
            {}};
  EXPECT_EQ(out.pairs.products, H.products);
  const std::vector<T> host = V.download();
  for (int c = 0; c < options.count; ++c) {
    const auto first = host.begin() + c * ld;
    out.V.emplace_back(first, first + n);
  }
  return out;
}

double key(SpectrumEnd end, double value) {
  if (end == SpectrumEnd::magnitude) return std::abs(value);
  return end == SpectrumEnd::largest ? value : -value;
}

template <class T>
real rounding(std::size_t n) {
  return 8 * std::sqrt(static_cast<real>(n)) * std::numeric_limits<T>::epsilon();
}

/// A matrix and its eigenvalues.
struct Known {
  explicit Known(const Dense& matrix)
      : A(matrix), values(test::cast<double>(test::eigen(matrix).values)) {}
  Known(std::uint64_t seed, const std::vector<double>& spectrum)
      : Known(test::with_spectrum(seed, spectrum)) {}
  Dense A;
  std::vector<double> values;
};

/// |A v - value v| of the k-th pair.
real residual(const Dense& A, const Found& got, std::size_t k) {
  Vector r = A.times(got.V[k]);
  for (std::size_t i = 0; i < A.n; ++i) r[i] -= got.pairs.values[k] * got.V[k][i];
  return test::norm2(r);
}

/// All that the header promises: `wrong` is how far values may be off, times |H|.
template <class T>
void expect_pairs(const Found& got, const Known& known, const EigenpairOptions& options,
                  real wrong) {
  const Dense& A = known.A;
  std::vector<double> want = known.values;
  const real norm = std::max(std::abs(want.front()), std::abs(want.back()));
  std::ranges::stable_sort(
      want, [&](double a, double b) { return key(options.end, a) > key(options.end, b); });
  const auto count = static_cast<std::size_t>(options.count);
  const real eps = rounding<T>(A.n);
  EXPECT_TRUE(got.pairs.converged);
  EXPECT_FALSE(got.pairs.not_finite);
  ASSERT_EQ(got.pairs.values.size(), count);
  ASSERT_EQ(got.pairs.residuals.size(), count);
  EXPECT_LE(got.pairs.scale, norm * (1 + eps));
  EXPECT_GE(got.pairs.scale, norm * 0.95L);  // the other end's value need not have converged
  for (std::size_t k = 0; k < count; ++k) {
    EXPECT_TRUE(near(key(options.end, got.pairs.values[k]), key(options.end, want[k]),
                     (wrong + eps) * norm))
        << k;
    EXPECT_TRUE(near(got.pairs.residuals[k], residual(A, got, k), eps * norm)) << k;
    EXPECT_LE(got.pairs.residuals[k], std::max<real>(options.tolerance, eps) * norm) << k;
    for (std::size_t j = 0; j <= k; ++j) {
      EXPECT_TRUE(near(test::dot(got.V[j], got.V[k]), j == k, eps)) << j << ", " << k;
    }
  }
}

std::vector<double> with(std::vector<double> values, const std::vector<double>& more) {
  values.insert(values.end(), more.begin(), more.end());
  return values;
}

/// Residuals of this size show eigenvalues to rounding, as residuals squared over the gap.
template <class T>
constexpr double tight = std::is_same_v<T, float> ? 1e-4 : 1e-9;

TYPED_TEST(TopEigenpairs, OfEveryEndWithMultipleNegativeAndClusteredValues) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const int n = test::sized<B>(40, 24);
  const std::vector<std::vector<double>> spectra = {
      ramp(-1, 2, n),
      with(ramp(-1, 1, n), {5, 5, 5, -5, -5}),                 // multiple, both signs
      with(ramp(0, 0.5, n), {3, 3 + 1e-3, 3 - 1e-3, 2.9, 9}),  // a cluster below an isolated one
      with(ramp(-0.1, 0.1, n), {-7, -6, 4}),
  };
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    const Known known(10 + i, spectra[i]);
    for (const SpectrumEnd end :
         {SpectrumEnd::magnitude, SpectrumEnd::largest, SpectrumEnd::smallest}) {
      for (const int count : {1, 3, 5}) {
        SCOPED_TRACE(testing::Message() << "spectrum " << i << ", end " << static_cast<int>(end)
                                        << ", count " << count);
        const EigenpairOptions options{count, end, tight<T>};
        expect_pairs<T>(search<T>(this->ctx(), known.A, options), known, options, tight<T>);
      }
    }
  }
}

TYPED_TEST(TopEigenpairs, OfExactlyMultipleValues) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const Known known(test::diagonal(with(ramp(-1, 1, test::sized<B>(40, 20)), {5, 5, 5, -4, -4})));
  for (const int count : {2, 4, 6}) {
    SCOPED_TRACE(count);
    const EigenpairOptions options{count, SpectrumEnd::magnitude, tight<T>};
    expect_pairs<T>(search<T>(this->ctx(), known.A, options), known, options, tight<T>);
  }
}

TYPED_TEST(TopEigenpairs, AtALooseToleranceAsWell) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const Known known(3, with(ramp(-1, 1, test::sized<B>(45, 30)), {4, 4, 3, -3, 2}));
  for (std::uint64_t seed = 1; seed <= test::sized<B>(20, 2); ++seed) {
    const EigenpairOptions options{4, SpectrumEnd::magnitude, 1e-2};
    expect_pairs<T>(search<T>(this->ctx(), known.A, options, seed), known, options, 1e-2L);
  }
}

TYPED_TEST(TopEigenpairs, OfTinyAndDegenerateMatrices) {
  using T = typename TypeParam::Real;
  std::vector<double> rank_one(30, 0.0);
  rank_one[7] = -3;
  const std::vector<std::vector<double>> spectra = {{2},
                                                    {0},
                                                    {-4},
                                                    {1, 2},
                                                    {3, 3},
                                                    {0, 0},
                                                    rank_one,
                                                    std::vector<double>(20, 0.0),
                                                    std::vector<double>(20, -2.0)};
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    const Known known(20 + i, spectra[i]);
    for (const int count : {1, 2, 4, static_cast<int>(known.A.n)}) {
      if (count > static_cast<int>(known.A.n)) continue;
      SCOPED_TRACE(testing::Message() << "spectrum " << i << ", count " << count);
      const EigenpairOptions options{count, SpectrumEnd::magnitude, tight<T>};
      expect_pairs<T>(search<T>(this->ctx(), known.A, options), known, options, tight<T>);
    }
  }
}

TYPED_TEST(TopEigenpairs, AllOfThem) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const Known known(5, with(ramp(-2, 1, test::sized<B>(25, 10)), {1, 1, -2}));
  const EigenpairOptions options{static_cast<int>(known.A.n), SpectrumEnd::largest, tight<T>};
  expect_pairs<T>(search<T>(this->ctx(), known.A, options), known, options, tight<T>);
}

TYPED_TEST(TopEigenpairs, RestartsWithinABoundedBasis) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const Known known(6, with(ramp(0, 1, test::sized<B>(60, 40)), {1.2, 1.2, 1.3}));
  for (const int basis : {6, 9, 20}) {
    SCOPED_TRACE(basis);
    const EigenpairOptions options{3, SpectrumEnd::largest, tight<T>, 3000, basis};
    const Found got = search<T>(this->ctx(), known.A, options);
    expect_pairs<T>(got, known, options, tight<T>);
    EXPECT_GT(got.pairs.products, 2 * basis);  // it did restart
  }
}

TYPED_TEST(TopEigenpairs, OneLookForOthersIsEnoughWhereTheyAreFar) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  const Known known(7, with(ramp(-1, 1, test::sized<B>(60, 40)), {50, -40}));
  const EigenpairOptions one{1, SpectrumEnd::magnitude, 1e-3};
  EXPECT_LE(search<T>(this->ctx(), known.A, one).pairs.products, 10);
  const EigenpairOptions two{2, SpectrumEnd::magnitude, 1e-3};
  const Found got = search<T>(this->ctx(), known.A, two);
  expect_pairs<T>(got, known, two, 1e-3L);
  EXPECT_LE(got.pairs.products, 40);
}

TYPED_TEST(TopEigenpairs, WhereTheProductsDoNotSufficeItSaysSo) {
  using T = typename TypeParam::Real;
  const Dense A = test::with_spectrum(8, ramp(-1, 1, 40));
  const Found got = search<T>(this->ctx(), A, {3, SpectrumEnd::largest, tight<T>, 8});
  EXPECT_FALSE(got.pairs.converged);
  EXPECT_EQ(got.pairs.products, 8 + 3);
  ASSERT_EQ(got.pairs.values.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_TRUE(near(got.pairs.residuals[k], residual(A, got, k), rounding<T>(A.n)));
    EXPECT_GT(got.pairs.residuals[k], tight<T>);
  }
  const Found few = search<T>(this->ctx(), A, {3, SpectrumEnd::largest, tight<T>, 2});
  EXPECT_FALSE(few.pairs.converged);
  EXPECT_EQ(few.pairs.values.size(), 2U);
  for (const real v : few.V[2]) EXPECT_EQ(v, 0);
  // All found, but the look for others has not ended.
  const Dense B = test::with_spectrum(9, with(ramp(-1, 1, 40), {30, 20}));
  const int enough = search<T>(this->ctx(), B, {2, SpectrumEnd::largest, 1e-2}).pairs.products - 2;
  EXPECT_TRUE(search<T>(this->ctx(), B, {2, SpectrumEnd::largest, 1e-2, enough}).pairs.converged);
  const Found cut = search<T>(this->ctx(), B, {2, SpectrumEnd::largest, 1e-2, enough - 1});
  EXPECT_FALSE(cut.pairs.converged);
  EXPECT_EQ(cut.pairs.values.size(), 2U);
}

TYPED_TEST(TopEigenpairs, NanAndMisuse) {
  using B = typename TypeParam::Space;
  using T = typename TypeParam::Real;
  auto& ctx = this->ctx();
  Dense A = test::diagonal({1, 2, 3, 4, 5, 6});
  const auto message = [&](const EigenpairOptions& options) -> std::string {
    try {
      const CountedMatrix<B, T> H(ctx, A);
      Buffer<T, B> V(ctx, 6 * 2);
      top_eigenpairs<B, T>(ctx, H, MatrixView<T, B>{V.data(), 6, 2, 6}, Rng{}, options);
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return "";
  };
  using enum SpectrumEnd;
  EXPECT_EQ(message({2, magnitude}), "");
  EXPECT_EQ(message({0, magnitude}), "top_eigenpairs: count = 0 of dimension 6");
  EXPECT_EQ(message({7, magnitude}), "top_eigenpairs: count = 7 of dimension 6");
  EXPECT_EQ(message({3, magnitude}), "top_eigenpairs: H of dimension 6, V of 6 x 2 for 3 pairs");
  EXPECT_EQ(message({2, magnitude, -1}), "top_eigenpairs: tolerance = -1.000000");
  EXPECT_EQ(message({2, magnitude, std::nan("")}).rfind("top_eigenpairs: tolerance = ", 0), 0U);
  EXPECT_EQ(message({2, magnitude, 0.1, 0}), "top_eigenpairs: max_products = 0");
  EXPECT_EQ(message({2, magnitude, 0.1, 9, 4}), "top_eigenpairs: max_basis = 4, at least 5");
  A(1, 1) = std::nan("");
  const Found got = search<T>(ctx, A, {2, magnitude});
  EXPECT_TRUE(got.pairs.not_finite);
  EXPECT_FALSE(got.pairs.converged);
  EXPECT_TRUE(got.pairs.values.empty());
  for (const real v : got.V[0]) EXPECT_EQ(v, 0);
}

TEST(TopEigenpairsThreads, SameBitsForAnyNumber) {
  const index_t n = 20'000;  // several parts of a loop
  test::DiagonalOperator H{ramp(-1, 1, static_cast<int>(n))};
  H.values[77] = 3, H.values[9000] = 3, H.values[12'345] = -2;
  const auto run = [&](int threads) {
    Context<Cpu> ctx(threads);
    Buffer<double, Cpu> V(ctx, 3 * n);
    const Eigenpairs pairs =
        top_eigenpairs<Cpu, double>(ctx, H, MatrixView<double, Cpu>{V.data(), n, 3, n}, Rng{4, 0},
                                    {3, SpectrumEnd::magnitude, 1e-8});
    EXPECT_TRUE(pairs.converged);
    auto out = V.download();
    out.insert(out.end(), pairs.values.begin(), pairs.values.end());
    out.insert(out.end(), pairs.residuals.begin(), pairs.residuals.end());
    return out;
  };
  const auto one = run(1);
  EXPECT_EQ(one, run(2));
  EXPECT_EQ(one, run(5));
}

}  // namespace
}  // namespace randnla
