// Tests of every operation of the seam, for the backend of this compilation: seam_test.cpp runs
// them on the CPU, seam_cuda_test.cu on the device. References are naive loops in long double.
//
// Error bounds: a sum of n products in any order errs by at most gamma_n = n eps / (1 - n eps)
// times the sum of their magnitudes (Higham, Accuracy and Stability, section 3.1); tests allow
// twice n eps.
#include "seam/seam.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace randnla {
namespace {

using B = ThisBackend;

constexpr index_t sizes[] = {0, 1, 31, 32, 33, 257, 4097};

template <class T>
class Seam : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::same_as<B, Cuda> && cuda_device_count() == 0) GTEST_SKIP() << "no device";
  }
};

struct TypeNames {
  template <class T>
  static std::string GetName(int) {
    return std::string(std::same_as<B, Cuda> ? "Cuda" : "Cpu") +
           (std::same_as<T, float> ? "Float" : "Double");
  }
};

using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Seam, Scalars, TypeNames);

template <class T>
std::vector<T> random_values(index_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> values(static_cast<std::size_t>(n));
  for (T& value : values) value = uniform(generator);
  return values;
}

/// The sizes and a longer one, beyond what one wave of blocks takes.
std::vector<index_t> with_longer(index_t n) {
  std::vector<index_t> all(std::begin(sizes), std::end(sizes));
  all.push_back(n);
  return all;
}

template <class T>
const T& at(const std::vector<T>& values, index_t i) {
  return values[static_cast<std::size_t>(i)];
}
template <class T>
T& at(std::vector<T>& values, index_t i) {
  return values[static_cast<std::size_t>(i)];
}

/// Relative to the sum of magnitudes of n products.
template <class T>
double bound(index_t n) {
  return 2 * static_cast<double>(n) * static_cast<double>(std::numeric_limits<T>::epsilon());
}

/// Contexts whose results must agree in bits: on the CPU any number of threads, on the device a
/// second run.
template <class F>
void for_equal_contexts(F run) {
  if constexpr (std::same_as<B, Cpu>) {
    for (const int threads : {1, 2, 7}) {
      Context<Cpu> ctx(threads);
      run(ctx);
    }
  } else {
    Context<B> ctx;
    run(ctx);
    run(ctx);
  }
}

/// EXPECT_EQ on the bits of every call's argument.
template <class T>
class SameBits {
 public:
  void operator()(const std::vector<T>& values) {
    if (!seen_) first_ = values;
    seen_ = true;
    ASSERT_EQ(first_.size(), values.size());
    if (values.empty()) return;
    EXPECT_EQ(std::memcmp(first_.data(), values.data(), values.size() * sizeof(T)), 0);
  }

 private:
  bool seen_ = false;
  std::vector<T> first_;
};

// Extended lambdas of nvcc want a named function around them, neither a test nor another lambda:
// what works on the backend stands in functions of its own.

// Loops and reductions ---------------------------------------------------------------------------

template <class T>
void add_index(Context<B>& ctx, Buffer<T, B>& x) {
  T* const p = x.data();
  for_each(ctx, x.size(), [=] RANDNLA_FN(index_t i) { p[i] += static_cast<T>(i); });
}

TYPED_TEST(Seam, ForEachVisitsEveryIndexOnce) {
  using T = TypeParam;
  Context<B> ctx;
  for (const index_t n : with_longer(300'001)) {
    Buffer<T, B> x(ctx, std::vector<T>(static_cast<std::size_t>(n), T(1)));
    add_index(ctx, x);
    const auto values = x.download();
    for (index_t i = 0; i < n; ++i) ASSERT_EQ(at(values, i), T(1) + static_cast<T>(i)) << n;
  }
}

template <class T>
struct Outcome {
  T value;
  int runs;
};

template <class T>
Outcome<T> add_up(Context<B>& ctx, const std::vector<T>& host) {
  const Buffer<T, B> x(ctx, host);
  Buffer<Outcome<T>, B> outcome(ctx, std::vector<Outcome<T>>{{T(-1), 0}});
  const T* const p = x.data();
  Outcome<T>* const o = outcome.data();
  sum_then<T>(
      ctx, x.size(), [=] RANDNLA_FN(index_t i) { return p[i]; },
      [=] RANDNLA_FN(T sum) {
        o->value = sum;
        ++o->runs;
      });
  return outcome.read(0);
}

TYPED_TEST(Seam, SumIsRightRunsThenOnceAndRepeatsItsBits) {
  using T = TypeParam;
  for (const index_t n : with_longer(1'100'001)) {
    const auto host = random_values<T>(n, 1);
    long double want = 0, magnitude = 0;
    for (const T value : host) want += value, magnitude += std::abs(value);
    SameBits<T> same;
    for_equal_contexts([&](Context<B>& ctx) {
      const Outcome<T> got = add_up(ctx, host);
      EXPECT_LE(std::abs(got.value - want), bound<T>(n) * magnitude) << n;
      EXPECT_EQ(got.runs, 1) << n;
      same({got.value});
    });
  }
}

/// 64 bytes, the largest sum that the seam allows.
struct EightSums {
  double sum[8] = {};
  RANDNLA_HD EightSums& operator+=(const EightSums& other) {
    for (int i = 0; i < 8; ++i) sum[i] += other.sum[i];
    return *this;
  }
};

EightSums add_records(Context<B>& ctx, index_t n) {
  Buffer<EightSums, B> result(ctx, 1);
  EightSums* const r = result.data();
  sum_then<EightSums>(
      ctx, n,
      [=] RANDNLA_FN(index_t i) {
        EightSums term;
        for (int c = 0; c < 8; ++c) term.sum[c] = static_cast<double>((c + 1) * i);
        return term;
      },
      [=] RANDNLA_FN(const EightSums& sums) { *r = sums; });
  return result.read(0);
}

TYPED_TEST(Seam, SumOfRecordsIsExactOnIntegers) {
  Context<B> ctx;
  for (const index_t n : sizes) {
    const EightSums got = add_records(ctx, n);
    for (int c = 0; c < 8; ++c) {
      EXPECT_EQ(got.sum[c], static_cast<double>((c + 1) * (n * (n - 1) / 2))) << n;
    }
  }
}

template <class T>
Outcome<T> find_largest(Context<B>& ctx, index_t n, index_t top) {
  Buffer<Outcome<T>, B> outcome(ctx, std::vector<Outcome<T>>{{T(-1), 0}});
  Outcome<T>* const o = outcome.data();
  max_then<T>(
      ctx, n, [=] RANDNLA_FN(index_t i) { return i == top ? T(3) : T(-1) - static_cast<T>(i); },
      [=] RANDNLA_FN(T largest) {
        o->value = largest;
        ++o->runs;
      });
  return outcome.read(0);
}

TYPED_TEST(Seam, MaximumIsExactAndNotBelowZero) {
  using T = TypeParam;
  Context<B> ctx;
  for (const index_t n : sizes) {
    for (const index_t top : {index_t{-1}, index_t{0}, n / 2, n - 1}) {
      const Outcome<T> got = find_largest<T>(ctx, n, top);
      EXPECT_EQ(got.value, top >= 0 && top < n ? T(3) : T(0)) << n << " " << top;
      EXPECT_EQ(got.runs, 1);
    }
  }
}

TYPED_TEST(Seam, InclusiveScanIsExact) {
  Context<B> ctx;
  for (const index_t n : with_longer(70'001)) {
    std::vector<std::uint64_t> host(static_cast<std::size_t>(n));
    std::mt19937_64 generator(2);
    for (auto& value : host) value = generator() >> 20;
    Buffer<std::uint64_t, B> values(ctx, host);
    inclusive_scan(ctx, values.data(), n);
    std::partial_sum(host.begin(), host.end(), host.begin());
    EXPECT_EQ(values.download(), host) << n;
  }
}

// The stop flag ----------------------------------------------------------------------------------

void store(Context<B>& ctx, int* flag, int value) {
  for_each(ctx, 1, [=] RANDNLA_FN(index_t) { *flag = value; });
}

TYPED_TEST(Seam, LaggedFlagIsExactlyLate) {
  Context<B> ctx;
  for (const int lag : {0, 1, 4}) {
    ctx.poll_lag = lag;
    ctx.counters = {};
    Buffer<int, B> flags(ctx, std::vector<int>{0, 0});
    auto late = lagged_flag(ctx, flags.data()), other = lagged_flag(ctx, flags.data() + 1);
    for (int call = 0; call < 12; ++call) {
      if (call == 5) store(ctx, flags.data(), 1);
      if (call == 8) store(ctx, flags.data(), 0);
      EXPECT_EQ(late(), call - lag >= 5 && call - lag < 8) << lag << " " << call;
      EXPECT_FALSE(other());
    }
    EXPECT_EQ(ctx.counters.flag_polls, 24);
    EXPECT_EQ(ctx.counters.host_waits, 0);
  }
}

TYPED_TEST(Seam, HostWaitsCountDownloadsAndSynchronisations) {
  Context<B> ctx;
  Buffer<int, B> x(ctx, std::vector<int>{1, 2, 3}), y(ctx, 3);
  ctx.mark(0);
  ctx.copy(y.data(), x.data(), 3 * sizeof(int));
  store(ctx, y.data() + 1, 7);
  ctx.mark(1);
  EXPECT_EQ(ctx.counters.host_waits, 0);
  EXPECT_EQ(y.download(), (std::vector<int>{1, 7, 3}));
  EXPECT_EQ(y.read(2), 3);
  ctx.synchronize();
  EXPECT_EQ(ctx.counters.host_waits, 3);
  EXPECT_GE(ctx.seconds_between(0, 1), 0);
  EXPECT_FALSE(ctx.device_name().empty());
}

// Dense BLAS -------------------------------------------------------------------------------------

/// y = alpha op(A) x + beta y against long double, A m x n with ld > m.
template <class T>
void check_gemv(Context<B>& ctx, Transpose trans, index_t m, index_t n, T alpha, T beta) {
  const index_t ld = m + 3, results = trans == Transpose::no ? m : n, terms = m + n - results;
  const auto a = random_values<T>(ld * n, 3), x = random_values<T>(terms, 4);
  const T not_read = std::numeric_limits<T>::quiet_NaN();
  const auto y = beta == 0 ? std::vector<T>(static_cast<std::size_t>(results), not_read)
                           : random_values<T>(results, 5);
  const Buffer<T, B> A(ctx, a), X(ctx, x);
  Buffer<T, B> Y(ctx, y);
  gemv<T>(ctx, trans, alpha, {A.data(), m, n, ld}, X.data(), beta, Y.data());
  const auto got = Y.download();
  for (index_t i = 0; i < results; ++i) {
    long double want = beta == 0 ? 0 : static_cast<long double>(beta) * at(y, i);
    long double magnitude = std::abs(want);
    for (index_t j = 0; j < terms; ++j) {
      const long double entry = at(a, trans == Transpose::no ? i + j * ld : j + i * ld);
      want += alpha * entry * at(x, j);
      magnitude += std::abs(alpha * entry * at(x, j));
    }
    ASSERT_LE(std::abs(at(got, i) - want), bound<T>(terms + 3) * magnitude)
        << m << " x " << n << (trans == Transpose::no ? "" : " transposed");
  }
}

TYPED_TEST(Seam, GemvMatchesTheReference) {
  using T = TypeParam;
  Context<B> ctx;
  for (const Transpose trans : {Transpose::no, Transpose::yes}) {
    for (const index_t n : {0, 1, 7, 33}) {
      for (const index_t m : sizes) {
        check_gemv<T>(ctx, trans, m, n, T(-1), T(1));
        check_gemv<T>(ctx, trans, m, n, T(2), T(0));
      }
    }
    check_gemv<T>(ctx, trans, 100, 5, T(0.5), T(-0.25));
    check_gemv<T>(ctx, trans, 0, 5, T(1), T(-0.25));
    check_gemv<T>(ctx, trans, 5, 0, T(1), T(-0.25));
  }
}

template <class T>
struct SquareOf {
  const T* w;
  RANDNLA_FN double operator()(index_t i) const {
    return static_cast<double>(w[i]) * static_cast<double>(w[i]);
  }
};

struct CountAndKeep {
  double* out;
  RANDNLA_FN void operator()(double sum) const { out[0] += 1, out[1] = sum; }
};

/// What is left of w and the parts along Q, for a Q of which nothing is asked. Errors are bounded by those of the sums
/// of magnitudes.
template <class T>
void check_project_twice(Context<B>& ctx, index_t n, index_t columns) {
  const index_t ld = n + 3;
  auto q = random_values<T>(ld * columns, 3);
  for (T& entry : q) entry *= static_cast<T>(std::sqrt(3.0 / static_cast<double>(n)));
  const auto start = random_values<T>(n, 4);
  const Buffer<T, B> Q(ctx, q);
  const auto run = [&] {
    Buffer<T, B> W(ctx, start), H(ctx, columns), Again(ctx, columns);
    Buffer<double, B> sums(ctx, std::vector<double>{0, 0});
    project_twice<double>(ctx, MatrixView<const T, B>{Q.data(), n, columns, ld}, W.data(), H.data(),
                          Again.data(), SquareOf<T>{W.data()}, CountAndKeep{sums.data()});
    return std::tuple{W.download(), H.download(), Again.download(), sums.download()};
  };
  const auto got = run();
  const auto& [w, h, again, sums] = got;
  EXPECT_EQ(got, run()) << n << " x " << columns << " does not repeat";

  std::vector<long double> want(start.begin(), start.end()), size(want);
  for (long double& s : size) s = std::abs(s);
  const long double error = bound<T>(2 * (n + columns) + 8);
  for (const auto* parts : {&h, &again}) {
    std::vector<long double> along(static_cast<std::size_t>(columns)), along_size(along);
    for (index_t j = 0; j < columns; ++j) {
      for (index_t i = 0; i < n; ++i) {
        at(along, j) += at(q, i + j * ld) * at(want, i);
        at(along_size, j) += std::abs(at(q, i + j * ld)) * at(size, i);
      }
      ASSERT_LE(std::abs(at(*parts, j) - at(along, j)), error * at(along_size, j))
          << n << " x " << columns << (parts == &h ? ", part " : ", part found again ") << j;
    }
    for (index_t i = 0; i < n; ++i) {
      for (index_t j = 0; j < columns; ++j) {
        at(want, i) -= at(q, i + j * ld) * at(along, j);
        at(size, i) += std::abs(at(q, i + j * ld)) * at(along_size, j);
      }
    }
  }
  long double ww = 0;
  for (index_t i = 0; i < n; ++i) {
    ASSERT_LE(std::abs(at(w, i) - at(want, i)), error * at(size, i)) << n << " x " << columns;
    ww += static_cast<long double>(at(w, i)) * at(w, i);
  }
  EXPECT_EQ(sums[0], 1) << "then, once";
  EXPECT_NEAR(sums[1], static_cast<double>(ww), static_cast<double>(bound<double>(n + 3) * ww));
}

TYPED_TEST(Seam, ProjectsTwice) {
  Context<B> ctx;
  for (const index_t columns : {1, 3, 4, 33, 70}) {
    for (const index_t n : {1, 63, 64, 65, 1000}) check_project_twice<TypeParam>(ctx, n, columns);
  }
  // Beyond 256 blocks' small tiles, and more large ones than blocks.
  check_project_twice<TypeParam>(ctx, 16400, 5);
  check_project_twice<TypeParam>(ctx, 65800, 2);
}

// Rows -------------------------------------------------------------------------------------------

/// Host copy of a matrix by rows, dense or sparse, beside the backend's.
template <class T>
struct HostRows {
  index_t rows = 0, cols = 0;
  bool sparse = false;
  std::vector<T> values;
  std::vector<index_t> offsets;  // of a dense matrix too
  std::vector<std::int32_t> columns;

  template <class Visit>
  void for_row(index_t row, Visit visit) const {
    for (index_t e = at(offsets, row); e < at(offsets, row + 1); ++e) {
      visit(static_cast<index_t>(at(columns, e)), at(values, e));
    }
  }
};

template <class T>
HostRows<T> dense_rows(index_t rows, index_t cols) {
  HostRows<T> host{rows, cols, false, random_values<T>(rows * cols, 6), {0}, {}};
  for (index_t i = 0; i < rows; ++i) {
    for (index_t j = 0; j < cols; ++j) host.columns.push_back(static_cast<std::int32_t>(j));
    host.offsets.push_back((i + 1) * cols);
  }
  return host;
}

/// About per_row entries in a row: every third row is empty, every seventh five times as long.
template <class T>
HostRows<T> sparse_rows(index_t rows, index_t cols, double per_row) {
  HostRows<T> host{rows, cols, true, {}, {0}, {}};
  std::mt19937 generator(7);
  for (index_t i = 0; i < rows; ++i) {
    const double wanted = i % 3 == 0 ? 0 : i % 7 == 1 ? 5 * per_row : per_row;
    const double step = static_cast<double>(cols) / std::max(wanted, 1e-9);
    std::uniform_real_distribution<double> jump(0.25 * step, 1.75 * step);
    for (double j = jump(generator) / 2; j < static_cast<double>(cols);
         j = std::max(std::floor(j) + 1, j + jump(generator))) {
      host.columns.push_back(static_cast<std::int32_t>(j));
    }
    host.offsets.push_back(static_cast<index_t>(host.columns.size()));
  }
  host.values = random_values<T>(static_cast<index_t>(host.columns.size()), 8);
  return host;
}

template <class T>
class BackendRows {
 public:
  /// shift  the values start so many places into their buffer: unaligned for wide loads
  BackendRows(Context<B>& ctx, const HostRows<T>& host, index_t shift = 0)
      : host_(host), shift_(shift), offsets_(ctx, host.offsets), columns_(ctx, host.columns) {
    auto values = host.values;
    values.insert(values.begin(), static_cast<std::size_t>(shift), T(0));
    values_ = Buffer<T, B>(ctx, values);
  }
  Rows<T, B> view() const {
    const T* const values = values_.data() + shift_;
    if (!host_.sparse) return DenseRows<T, B>{values, host_.rows, host_.cols};
    return CsrRows<T, B>{offsets_.data(), columns_.data(),
                         values,          host_.rows,
                         host_.cols,      static_cast<index_t>(host_.values.size())};
  }

 private:
  const HostRows<T>& host_;
  index_t shift_;
  Buffer<index_t, B> offsets_;
  Buffer<std::int32_t, B> columns_;
  Buffer<T, B> values_;
};

template <class T>
void check_row_norms(Context<B>& ctx, const HostRows<T>& host) {
  const BackendRows<T> A(ctx, host);
  Buffer<T, B> out(ctx, host.rows);
  row_norms<T>(ctx, A.view(), out.data());
  const auto got = out.download();
  for (index_t i = 0; i < host.rows; ++i) {
    long double want = 0;
    host.for_row(i, [&](index_t, T x) { want += static_cast<long double>(x) * x; });
    ASSERT_LE(std::abs(at(got, i) - want), bound<T>(host.cols) * want) << host.cols << " " << i;
  }
}

TYPED_TEST(Seam, RowNormsMatchTheReference) {
  using T = TypeParam;
  Context<B> ctx;
  for (const index_t cols : {1, 2, 31, 54, 300, 2048}) {
    check_row_norms(ctx, dense_rows<T>(33, cols));
    check_row_norms(ctx, sparse_rows<T>(257, cols, 4));
    check_row_norms(ctx, sparse_rows<T>(33, cols, 40));
  }
  for (const index_t rows : sizes) {
    check_row_norms(ctx, dense_rows<T>(rows, 5));
    check_row_norms(ctx, sparse_rows<T>(rows, 5, 2));
  }
}

/// out[i] = |P D a_i|^2 in the arithmetic of V: a projection's z_c errs by cols + 2 eps m_c, m_c the sum of its
/// magnitudes, the sum of squares by twice that and its own.
template <class V, class T>
void check_projected_row_norms(const HostRows<T>& host, index_t r, bool scaled = false) {
  SCOPED_TRACE(std::to_string(host.rows) + " x " + std::to_string(host.cols) + " to " +
               std::to_string(r) + (scaled ? ", scaled" : ""));
  const index_t ld = r + 3;
  auto P = random_values<V>(ld * host.cols, 12);
  for (index_t j = 0; j < host.cols; ++j) {  // two thirds of the columns begin with zeros
    std::fill_n(P.begin() + j * ld, std::min(r, j % 3 * r / 2), V(0));
  }
  auto D = random_values<T>(host.cols, 13);
  SameBits<T> same;
  for_equal_contexts([&](Context<B>& ctx) {
    const BackendRows<T> A(ctx, host, 1);
    const Buffer<V, B> projection(ctx, P);
    const Buffer<T, B> scale(ctx, D);
    Buffer<T, B> out(ctx, std::vector<T>(static_cast<std::size_t>(host.rows + 8), T(-7)));
    projected_row_norms(ctx, A.view(), scaled ? scale.data() : nullptr,
                        MatrixView<const V, B>{projection.data(), r, host.cols, ld}, out.data());
    const auto got = out.download();
    same(got);
    for (index_t i = 0; i < host.rows; ++i) {
      long double want = 0, magnitude = 0;
      for (index_t c = 0; c < r; ++c) {
        long double z = 0, m = 0;
        host.for_row(i, [&](index_t j, T x) {
          const long double term = static_cast<long double>(x) * at(P, c + j * ld) *
                                   (scaled ? static_cast<long double>(at(D, j)) : 1);
          z += term, m += std::abs(term);
        });
        want += z * z, magnitude += m * m;
      }
      ASSERT_LE(std::abs(at(got, i) - want), bound<V>(2 * host.cols + r + 4) * magnitude) << i;
    }
    for (index_t i = host.rows; i < host.rows + 8; ++i) ASSERT_EQ(at(got, i), T(-7));
  });
}

TYPED_TEST(Seam, ProjectedRowNormsMatchTheReference) {
  using T = TypeParam;
  for (const index_t r : {0, 1, 7, 16, 17, 64, 65, 130}) {
    for (const index_t cols : {1, 15, 16, 33}) {
      check_projected_row_norms<T>(dense_rows<T>(53, cols), r);
      check_projected_row_norms<T>(sparse_rows<T>(53, cols, 5), r);
    }
  }
  for (const index_t rows : {0, 1, 5, 6, 47, 48, 49, 64, 65, 129, 300}) {
    check_projected_row_norms<T>(dense_rows<T>(rows, 9), 5);
    check_projected_row_norms<T>(sparse_rows<T>(rows, 9, 4), 5);
  }
  check_projected_row_norms<T>(dense_rows<T>(20, 300), 140);
  check_projected_row_norms<T>(sparse_rows<T>(20, 3000, 40), 33);
  check_projected_row_norms<T>(dense_rows<T>(53, 1100), 50, true);  // pieces of 512 columns
  check_projected_row_norms<T>(sparse_rows<T>(53, 40, 5), 50, true);
}

/// A = Q R and Q'Q = I to some eps of the column lengths, also where A has zero columns and repeated ones.
template <class T>
void check_householder_qr(index_t rows, index_t cols) {
  SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(cols));
  const index_t ld = rows + 3;
  auto A = random_values<T>(ld * cols, 31);
  for (index_t i = 0; i < rows && cols > 4; ++i) {
    A[static_cast<std::size_t>(i + 2 * ld)] = 0;
    A[static_cast<std::size_t>(i + 4 * ld)] = A[static_cast<std::size_t>(i + ld)];
  }
  SameBits<T> same;
  for_equal_contexts([&](Context<B>& ctx) {
    Buffer<T, B> memory(ctx, A);
    const std::vector<double> R =
        householder_qr(ctx, MatrixView<T, B>{memory.data(), rows, cols, ld});
    const auto Q = memory.download();
    same(Q);
    const long double tolerance =
        40 * bound<T>(1) * std::sqrt(static_cast<long double>(rows * cols));
    for (index_t j = 0; j < cols; ++j) {
      for (index_t i = 0; i < rows; ++i) {
        long double product = 0;
        for (index_t k = 0; k < cols; ++k) {
          product += static_cast<long double>(at(Q, i + k * ld)) *
                     R[static_cast<std::size_t>(k + j * cols)];
        }
        ASSERT_LE(std::abs(product - at(A, i + j * ld)), tolerance) << i << ", " << j;
      }
      for (index_t k = 0; k < cols; ++k) {
        long double product = 0;
        for (index_t i = 0; i < rows; ++i)
          product += static_cast<long double>(at(Q, i + j * ld)) * at(Q, i + k * ld);
        ASSERT_LE(std::abs(product - (j == k ? 1 : 0)), tolerance) << j << ", " << k;
        if (k > j) {
          ASSERT_EQ(R[static_cast<std::size_t>(k + j * cols)], 0);
        }
      }
    }
  });
}

TYPED_TEST(Seam, HouseholderQrIsOrthonormalWhateverTheRank) {
  for (const auto& [rows, cols] :
       {std::pair<index_t, index_t>{1, 1}, {40, 1}, {7, 7}, {30, 9}, {144, 9}, {900, 13}}) {
    check_householder_qr<TypeParam>(rows, cols);
  }
}

#if !defined(__CUDACC__)
TEST(SeamFloatProjection, OfRowsInDouble) {
  for (const index_t cols : {1, 40, 1100}) {
    for (const bool scaled : {false, true}) {
      check_projected_row_norms<float>(dense_rows<double>(53, cols), 50, scaled);
      check_projected_row_norms<float>(sparse_rows<double>(53, cols, 5), 50, scaled);
    }
  }
  for (const double size : {1e-150, 1e-60, 1e60, 1e150}) {  // each row has its own unit
    HostRows<double> tiny = dense_rows<double>(20, 30);
    for (double& v : tiny.values) v *= size;
    check_projected_row_norms<float>(tiny, 9);
  }
}
#endif

/// Weight u[k] z, value u[k] z^2; notes z and the row, and counts its calls at k.
template <class T>
struct NotingRow {
  const T* u;
  T* z;
  index_t* row;
  int* calls;

  RANDNLA_HD RowTerm<T> operator()(index_t k, index_t row_number, T margin) const {
    z[k] = margin;
    row[k] = row_number;
    ++calls[k];
    return {u[k] * margin, u[k] * margin * margin};
  }
};

struct PassCase {
  bool selected = false;  // a list of rows, with repeats
  index_t count = -1;     // known on the backend only, when not negative
  bool vector = true, value = true;
  double ridge = 0.5;
  index_t shift = 0;
};

/// What the rows that count give in long double, beside the sum of magnitudes for the bound.
struct PassReference {
  std::vector<long double> out, magnitude;
  long double value = 0, value_magnitude = 0;
};

template <class T>
PassReference pass_reference(const HostRows<T>& host, const std::vector<index_t>& rows,
                             const std::vector<T>& u, const std::vector<T>& v, double ridge) {
  PassReference want;
  for (const T x : v) {
    want.out.push_back(ridge * x);
    want.magnitude.push_back(std::abs(ridge * x));
    want.value += ridge / 2 * x * x;
  }
  want.value_magnitude = want.value;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    long double z = 0, size = 0;
    host.for_row(rows[k], [&](index_t j, T x) {
      z += static_cast<long double>(x) * at(v, j);
      size += std::abs(static_cast<long double>(x) * at(v, j));
    });
    host.for_row(rows[k], [&](index_t j, T x) {
      want.out[static_cast<std::size_t>(j)] += u[k] * z * x;
      want.magnitude[static_cast<std::size_t>(j)] += std::abs(u[k] * size * x);
    });
    want.value += u[k] * z * z;
    want.value_magnitude += std::abs(u[k]) * size * size;
  }
  return want;
}

template <class T>
void check_pass(const HostRows<T>& host, PassCase pass = {}) {
  SCOPED_TRACE(std::to_string(host.rows) + " x " + std::to_string(host.cols));
  const index_t bound_rows = pass.selected ? host.rows + host.rows / 2 : host.rows;
  std::vector<index_t> rows(static_cast<std::size_t>(bound_rows));
  for (index_t k = 0; k < bound_rows; ++k) {
    rows[static_cast<std::size_t>(k)] = pass.selected ? k * 7919 % host.rows : k;
  }
  const index_t count = pass.count >= 0 ? pass.count : bound_rows;
  const auto u = random_values<T>(bound_rows, 9), v = random_values<T>(host.cols, 10);
  const T ridge = static_cast<T>(pass.ridge);
  const auto want = pass_reference(host, std::vector<index_t>(rows.begin(), rows.begin() + count),
                                   u, v, pass.ridge);
  SameBits<T> same_out;
  SameBits<double> same_value;
  for_equal_contexts([&](Context<B>& ctx) {
    const BackendRows<T> A(ctx, host, pass.shift);
    const Buffer<index_t, B> list(ctx, rows), counted(ctx, std::vector<index_t>{count});
    const Buffer<T, B> U(ctx, u), V(ctx, v);
    Buffer<T, B> out(ctx, v), Z(ctx, u);
    Buffer<double, B> value(ctx, std::vector<double>{-1});
    Buffer<index_t, B> row(ctx, rows);
    Buffer<int, B> calls(ctx, std::vector<int>(rows.size(), 0));
    fused_pass<T>(ctx, A.view(),
                  {pass.selected ? list.data() : nullptr, bound_rows,
                   pass.count >= 0 ? counted.data() : nullptr},
                  V.data(), NotingRow<T>{U.data(), Z.data(), row.data(), calls.data()}, ridge,
                  pass.vector ? out.data() : nullptr, pass.value ? value.data() : nullptr);
    const auto got = out.download();
    const double got_value = value.read(0);
    const auto called = calls.download();
    const auto noted = row.download();
    for (index_t k = 0; k < bound_rows; ++k) {
      ASSERT_EQ(at(called, k), k < count ? 1 : 0) << k;
      ASSERT_EQ(at(noted, k), at(rows, k)) << k;
    }
    // A margin is a sum of cols products; its product with u and the sum over the rows follow.
    const double allowed = bound<T>(host.cols + count + 3);
    for (index_t j = 0; j < host.cols; ++j) {
      if (!pass.vector) {
        ASSERT_EQ(at(got, j), at(v, j));
      } else {
        ASSERT_LE(std::abs(at(got, j) - at(want.out, j)), allowed * at(want.magnitude, j)) << j;
      }
    }
    if (pass.value) {
      ASSERT_LE(std::abs(got_value - want.value), 2 * allowed * want.value_magnitude);
    } else {
      ASSERT_EQ(got_value, -1);
    }
    same_out(got);
    same_value({got_value});
  });
}

TYPED_TEST(Seam, FusedPassOverDenseRowsOfAnyLength) {
  using T = TypeParam;
  for (index_t cols = 1; cols <= 70; cols += cols < 18 ? 1 : 3) check_pass(dense_rows<T>(45, cols));
  for (const index_t cols : {127, 128, 129, 300, 513, 1000, 2048, 3001}) {
    check_pass(dense_rows<T>(21, cols));
  }
  for (const index_t cols : {4097, 5000, 8196}) check_pass(dense_rows<T>(5, cols));
  check_pass(dense_rows<T>(3, 60'001));  // sums beyond a multiprocessor's shared memory
}

TYPED_TEST(Seam, FusedPassOverAnyNumberOfDenseRows) {
  using T = TypeParam;
  for (const index_t rows : sizes) {
    check_pass(dense_rows<T>(rows, 1));
    check_pass(dense_rows<T>(rows, 54));
  }
  check_pass(dense_rows<T>(700, 300));
}

TYPED_TEST(Seam, FusedPassOverUnalignedRows) {
  using T = TypeParam;
  check_pass(dense_rows<T>(40, 16), {.shift = 1});
  check_pass(dense_rows<T>(20, 512), {.shift = 1});
}

template <class T>
std::vector<HostRows<T>> one_of_each_kind() {
  return {dense_rows<T>(90, 54), dense_rows<T>(20, 300), dense_rows<T>(4, 9000),
          sparse_rows<T>(90, 40, 6), sparse_rows<T>(40, 60'000, 9)};
}

TYPED_TEST(Seam, FusedPassOverSelectionsAndCounts) {
  using T = TypeParam;
  for (const auto& host : one_of_each_kind<T>()) {
    check_pass(host, {.selected = true});
    for (const index_t count : {index_t{0}, index_t{1}, host.rows / 2, host.rows}) {
      check_pass(host, {.count = count});
      check_pass(host, {.selected = true, .count = count});
    }
  }
}

TYPED_TEST(Seam, FusedPassComputesWhatIsWanted) {
  using T = TypeParam;
  for (const auto& host : one_of_each_kind<T>()) {
    check_pass(host, {.vector = false});
    check_pass(host, {.value = false});
    check_pass(host, {.vector = false, .value = false});
    check_pass(host, {.ridge = 0});
    check_pass(host, {.count = 0, .ridge = 0});
  }
}

TYPED_TEST(Seam, FusedPassOverSparseRows) {
  using T = TypeParam;
  for (const double per_row : {0.2, 3.0, 12.0, 100.0}) {
    for (const index_t cols : {1, 33, 700}) check_pass(sparse_rows<T>(257, cols, per_row));
  }
  check_pass(sparse_rows<T>(300, 20'000, 60));  // one sum a block in shared memory
  check_pass(sparse_rows<T>(200, 60'000, 60));  // none
  for (const index_t rows : sizes) check_pass(sparse_rows<T>(rows, 22, 13));
}

/// Rows whose weight is zero hold NaN.
template <class T>
void check_gram(HostRows<T> host, PassCase pass = {}) {
  SCOPED_TRACE(std::to_string(host.rows) + " x " + std::to_string(host.cols));
  const index_t cols = host.cols, ld = cols + 3;
  const index_t bound_rows = pass.selected ? host.rows + host.rows / 2 : host.rows;
  std::vector<index_t> rows(static_cast<std::size_t>(bound_rows));
  auto d = random_values<T>(bound_rows, 11);
  for (index_t k = 0; k < bound_rows; ++k) {
    const index_t row = pass.selected ? k * 7919 % host.rows : k;
    rows[static_cast<std::size_t>(k)] = row;
    if (row % 5 == 2) d[static_cast<std::size_t>(k)] = 0;
  }
  for (index_t i = 2; i < host.rows; i += 5) {
    for (index_t e = at(host.offsets, i); e < at(host.offsets, i + 1); ++e) {
      host.values[static_cast<std::size_t>(e)] = std::numeric_limits<T>::quiet_NaN();
    }
  }
  const index_t count = pass.count >= 0 ? pass.count : bound_rows;
  const T ridge = static_cast<T>(pass.ridge);
  std::vector<long double> want(static_cast<std::size_t>(cols * cols)), magnitude = want;
  for (index_t j = 0; j < cols; ++j) {
    want[static_cast<std::size_t>(j * (cols + 1))] = pass.ridge;
    magnitude[static_cast<std::size_t>(j * (cols + 1))] = pass.ridge;
  }
  for (index_t k = 0; k < count; ++k) {
    const long double weight = at(d, k);
    if (weight == 0) continue;
    host.for_row(at(rows, k), [&](index_t i, T x) {
      host.for_row(at(rows, k), [&](index_t j, T y) {
        want[static_cast<std::size_t>(i * cols + j)] += weight * x * y;
        magnitude[static_cast<std::size_t>(i * cols + j)] += std::abs(weight * x * y);
      });
    });
  }
  SameBits<T> same;
  for_equal_contexts([&](Context<B>& ctx) {
    const BackendRows<T> A(ctx, host);
    const Buffer<index_t, B> list(ctx, rows), counted(ctx, std::vector<index_t>{count});
    const Buffer<T, B> D(ctx, d);
    Buffer<T, B> H(ctx, std::vector<T>(static_cast<std::size_t>(ld * cols), T(-7)));
    gram<T>(ctx, A.view(),
            {pass.selected ? list.data() : nullptr, bound_rows,
             pass.count >= 0 ? counted.data() : nullptr},
            D.data(), ridge, {H.data(), cols, cols, ld});
    const auto got = H.download();
    for (index_t i = 0; i < cols; ++i) {
      for (index_t j = 0; j < cols; ++j) {
        const index_t e = i * cols + j;
        ASSERT_LE(std::abs(at(got, j + i * ld) - at(want, e)),
                  bound<T>(count + 3) * at(magnitude, e))
            << i << " " << j;
        ASSERT_EQ(at(got, j + i * ld), at(got, i + j * ld));
      }
      for (index_t j = cols; j < ld; ++j) ASSERT_EQ(at(got, j + i * ld), T(-7));
    }
    same(got);
  });
}

TYPED_TEST(Seam, GramMatchesTheReference) {
  using T = TypeParam;
  for (const index_t cols : {1, 7, 31, 32, 33, 63, 64, 65, 130}) {
    check_gram(dense_rows<T>(33, cols));
    check_gram(sparse_rows<T>(33, cols, 6));
  }
  for (const index_t rows : sizes) {
    check_gram(dense_rows<T>(rows, 5));
    check_gram(sparse_rows<T>(rows, 9, 4));
  }
  check_gram(dense_rows<T>(12, 300));
  check_gram(sparse_rows<T>(257, 300, 20));
}

TYPED_TEST(Seam, GramOverSelectionsAndCounts) {
  using T = TypeParam;
  for (const auto& host : {dense_rows<T>(90, 70), sparse_rows<T>(90, 70, 6)}) {
    check_gram(host, {.selected = true});
    check_gram(host, {.ridge = 0});
    for (const index_t count : {0, 1, 45}) {
      check_gram(host, {.count = count});
      check_gram(host, {.selected = true, .count = count});
    }
  }
}

}  // namespace
}  // namespace randnla
