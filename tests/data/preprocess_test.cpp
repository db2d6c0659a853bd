#include "support/peak_memory.hpp"

#include <randnla/core/error.hpp>
#include <randnla/data/preprocess.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace randnla {
namespace {

template <class T>
T epsilon() {
  return std::numeric_limits<T>::epsilon();
}

/// Dense rows; targets are the row numbers, so that a row is known wherever it goes.
template <class T>
Dataset<T, Cpu> dense_data(Context<Cpu>& ctx, index_t rows, index_t cols,
                           const std::vector<T>& values) {
  Dataset<T, Cpu> data;
  data.rows = rows;
  data.cols = cols;
  data.nonzeros = rows * cols;
  data.values = Buffer<T, Cpu>(ctx, values);
  std::vector<T> targets;
  for (index_t i = 0; i < rows; ++i) targets.push_back(static_cast<T>(i));
  data.targets = Buffer<T, Cpu>(ctx, targets);
  return data;
}

/// The nonzero values of dense rows.
template <class T>
Dataset<T, Cpu> sparse_data(Context<Cpu>& ctx, index_t rows, index_t cols,
                            const std::vector<T>& values) {
  Dataset<T, Cpu> data = dense_data(ctx, rows, cols, values);
  std::vector<T> kept;
  std::vector<std::int32_t> columns;
  std::vector<index_t> offsets = {0};
  for (index_t i = 0; i < rows; ++i) {
    for (index_t j = 0; j < cols; ++j) {
      const T value = values[static_cast<std::size_t>(i * cols + j)];
      if (value == 0) continue;
      kept.push_back(value);
      columns.push_back(static_cast<std::int32_t>(j));
    }
    offsets.push_back(static_cast<index_t>(kept.size()));
  }
  data.nonzeros = static_cast<index_t>(kept.size());
  data.values = Buffer<T, Cpu>(ctx, kept);
  data.columns = Buffer<std::int32_t, Cpu>(ctx, columns);
  data.offsets = Buffer<index_t, Cpu>(ctx, offsets);
  return data;
}

/// As dense rows again; checks that the structure is one.
template <class T>
std::vector<T> densified(const Dataset<T, Cpu>& data) {
  if (!data.sparse()) {
    EXPECT_EQ(data.values.size(), data.rows * data.cols);
    EXPECT_EQ(data.nonzeros, data.rows * data.cols);
    EXPECT_EQ(data.columns.size(), 0);
    return data.values.download();
  }
  EXPECT_EQ(data.values.size(), data.nonzeros);
  EXPECT_EQ(data.columns.size(), data.nonzeros);
  EXPECT_EQ(data.offsets.size(), data.rows + 1);
  EXPECT_EQ(data.offsets.data()[0], 0);
  EXPECT_EQ(data.offsets.data()[data.rows], data.nonzeros);
  std::vector<T> values(static_cast<std::size_t>(data.rows * data.cols), 0);
  for (index_t i = 0; i < data.rows; ++i) {
    for (index_t k = data.offsets.data()[i]; k < data.offsets.data()[i + 1]; ++k) {
      const index_t j = data.columns.data()[k];
      EXPECT_TRUE(j >= 0 && j < data.cols);
      EXPECT_TRUE(k == data.offsets.data()[i] || data.columns.data()[k - 1] < j);
      values[static_cast<std::size_t>(i * data.cols + j)] = data.values.data()[k];
    }
  }
  return values;
}

/// Normal numbers, feature j scaled by 10^(j mod 5) around `centre` times that, a fraction of them
/// zero.
template <class T>
std::vector<T> random_values(index_t rows, index_t cols, double centre, double zeros,
                             unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<T> values;
  for (index_t i = 0; i < rows; ++i) {
    for (index_t j = 0; j < cols; ++j) {
      const double x = (normal(random) + centre) * std::pow(10.0, static_cast<double>(j % 5));
      values.push_back(unit(random) < zeros ? T(0) : static_cast<T>(x));
    }
  }
  return values;
}

template <class T>
class Preprocess : public testing::Test {
 protected:
  using Values = std::vector<T>;

  Dataset<T, Cpu> labelled(const Values& targets) {
    Dataset<T, Cpu> data =
        dense_data<T>(ctx_, static_cast<index_t>(targets.size()), 1, Values(targets.size(), 1));
    data.targets = Buffer<T, Cpu>(ctx_, targets);
    return data;
  }
  std::string label_error(const Values& targets) {
    try {
      find_labels(labelled(targets));
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  }

  Context<Cpu> ctx_{2};
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Preprocess, Scalars);

TYPED_TEST(Preprocess, LabelsOfAnyTwoValues) {
  using T = TypeParam;
  for (const auto& [low, high] :
       {std::pair<T, T>{-1, 1}, {0, 1}, {1, 2}, {-3.5, -2}, {T(0.1), T(0.2)}, {-7, 1e30}}) {
    for (const bool low_first : {true, false}) {
      auto data = this->labelled(low_first ? std::vector<T>{low, low, high, low, high}
                                           : std::vector<T>{high, low, low, high, low});
      const LabelPair labels = find_labels(data);
      EXPECT_EQ(labels.negative, static_cast<double>(low));
      EXPECT_EQ(labels.positive, static_cast<double>(high));
      map_labels(data, labels);
      EXPECT_EQ(data.targets.download(),
                (low_first ? std::vector<T>{0, 0, 1, 0, 1} : std::vector<T>{1, 0, 0, 1, 0}));
    }
  }
}

TYPED_TEST(Preprocess, PositiveNeedNotBeTheLarger) {
  auto data = this->labelled({-1, 1, 1});
  map_labels(data, {.negative = 1, .positive = -1});
  EXPECT_EQ(data.targets.download(), (std::vector<TypeParam>{1, 0, 0}));
}

TYPED_TEST(Preprocess, LabelsThatAreNoPair) {
  const TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  EXPECT_EQ(this->label_error({3, 3}), "one class only: every label is 3, want two values");
  EXPECT_EQ(this->label_error({2, 0.5, 2, -1}),
            "more than two classes: labels 2, 0.5, -1; want two values");
  EXPECT_EQ(this->label_error({1, 2, 3, 4, 5}),
            "more than two classes: labels 1, 2, 3, 4, 5; want two values");
  EXPECT_EQ(this->label_error({1, 2, 3, 4, 5, 6, 7}),
            "more than two classes: labels 1, 2, 3, 4, 5, ...; want two values");
  EXPECT_EQ(this->label_error({1, 2, nan}), "the label of row 3 is nan");
  EXPECT_EQ(this->label_error({}), "no rows to find two classes in");
}

TYPED_TEST(Preprocess, AnUnknownLabelChangesNothing) {
  const TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  for (const TypeParam bad : {TypeParam(2), nan}) {
    auto data = this->labelled({-1, 1, bad});
    try {
      map_labels(data, {-1, 1});
      FAIL();
    } catch (const DataError& error) {
      EXPECT_EQ(std::string(error.what()), std::string("the label of row 3 is ") +
                                               (bad == 2 ? "2" : "nan") + ", want -1 or 1");
    }
    EXPECT_EQ(data.targets.read(0), -1);
    EXPECT_EQ(data.targets.read(1), 1);
  }
  auto data = this->labelled({-1, 1});
  EXPECT_THROW(map_labels(data, {1, 1}), InvalidArgument);
}

TYPED_TEST(Preprocess, StandardizeBySmallExample) {
  // Means 2 and 0, deviations sqrt(2/3) and 0.
  using T = TypeParam;
  auto data = dense_data<T>(this->ctx_, 3, 2, {1, 0, 2, 0, 3, 0});
  const FeatureMap map = fit_scaling(this->ctx_, data, Scaling::standardize);
  EXPECT_EQ(map.shift, (std::vector<double>{2, 0}));
  EXPECT_NEAR(map.scale[0], std::sqrt(1.5), 4 * epsilon<double>());
  EXPECT_EQ(map.scale[1], 1);
  apply_scaling(this->ctx_, map, data);
  const std::vector<T> got = data.values.download();
  const T s = static_cast<T>(map.scale[0]);
  EXPECT_EQ(got, (std::vector<T>{-s, 0, 0, 0, s, 0}));
}

/// Mean and deviation of each feature in long double.
template <class T>
void expect_standardized(const FeatureMap& map, const std::vector<T>& values, index_t rows,
                         index_t cols) {
  // A sum of n terms in any order errs by at most n eps sum |x| (Higham, "Accuracy and Stability",
  // 4.2); so the mean by n eps mean |x|, and the mean's error enters the deviation squared.
  const double n = static_cast<double>(rows), eps = epsilon<double>();
  for (index_t j = 0; j < cols; ++j) {
    long double sum = 0, size = 0, squares = 0;
    auto at = [&](index_t i) {
      return static_cast<long double>(values[static_cast<std::size_t>(i * cols + j)]);
    };
    for (index_t i = 0; i < rows; ++i) sum += at(i), size += std::abs(at(i));
    const long double mean = sum / n;
    for (index_t i = 0; i < rows; ++i) squares += (at(i) - mean) * (at(i) - mean);
    const long double deviation = std::sqrt(squares / n);
    const auto k = static_cast<std::size_t>(j);
    const double mean_error = n * eps * static_cast<double>(size) / n;
    EXPECT_NEAR(map.shift[k], static_cast<double>(mean), mean_error) << j;
    const auto relative_mean_error = static_cast<double>(mean_error / deviation);
    EXPECT_NEAR(map.scale[k] * static_cast<double>(deviation), 1,
                (n + 4) * eps + relative_mean_error * relative_mean_error)
        << j;
  }
}

TYPED_TEST(Preprocess, StandardizeAgainstLongDouble) {
  using T = TypeParam;
  for (const index_t rows : {2, 31, 33, 257, 4097}) {
    // Far from zero, where the square of the mean would drown the variance: centre 1e4.
    for (const double centre : {0.0, 10'000.0}) {
      const auto values = random_values<T>(rows, 7, centre, 0, 40);
      auto data = dense_data<T>(this->ctx_, rows, 7, values);
      const FeatureMap map = fit_scaling(this->ctx_, data, Scaling::standardize);
      expect_standardized(map, values, rows, 7);
      apply_scaling(this->ctx_, map, data);
      const std::vector<T> got = data.values.download();
      for (std::size_t k = 0; k < values.size(); ++k) {
        // Both operations in double, rounded to T once.
        const double want = (static_cast<double>(values[k]) - map.shift[k % 7]) * map.scale[k % 7];
        ASSERT_EQ(got[k], static_cast<T>(want));
      }
    }
  }
}

TYPED_TEST(Preprocess, StandardizeMakesSparseDense) {
  using T = TypeParam;
  for (const index_t rows : {1, 33, 4097}) {
    const auto values = random_values<T>(rows, 9, 1, 0.8, 41);
    auto dense = dense_data<T>(this->ctx_, rows, 9, values);
    auto sparse = sparse_data<T>(this->ctx_, rows, 9, values);
    const FeatureMap map = fit_scaling(this->ctx_, sparse, Scaling::standardize);
    if (rows > 1) expect_standardized(map, values, rows, 9);
    apply_scaling(this->ctx_, map, dense);
    apply_scaling(this->ctx_, map, sparse);
    EXPECT_FALSE(sparse.sparse());
    EXPECT_EQ(densified(sparse), dense.values.download());
    EXPECT_EQ(sparse.targets.download(), dense.targets.download());
  }
}

TYPED_TEST(Preprocess, SparseStaysSparseWhereNothingShifts) {
  // Symmetric features have mean zero: standardising keeps the zeros.
  using T = TypeParam;
  auto data = sparse_data<T>(this->ctx_, 4, 2, {2, 0, -2, 0, 0, 3, 0, -3});
  const FeatureMap map = fit_scaling(this->ctx_, data, Scaling::standardize);
  apply_scaling(this->ctx_, map, data);
  EXPECT_TRUE(data.sparse());
  EXPECT_EQ(data.nonzeros, 4);
  const auto got = densified(data);
  EXPECT_NEAR(got[0], std::sqrt(2.0), 4 * epsilon<T>());
  EXPECT_NEAR(got[7], -std::sqrt(2.0), 4 * epsilon<T>());
}

TYPED_TEST(Preprocess, ConstantFeatures) {
  // 0.1 a thousand times: the mean of the sum is not 0.1, and what rounding leaves is no deviation.
  using T = TypeParam;
  constexpr index_t rows = 1000;
  std::vector<T> values;
  for (index_t i = 0; i < rows; ++i) values.insert(values.end(), {T(0.1), 0, T(i % 2)});
  for (const bool sparse : {false, true}) {
    auto data = sparse ? sparse_data<T>(this->ctx_, rows, 3, values)
                       : dense_data<T>(this->ctx_, rows, 3, values);
    const FeatureMap map = fit_scaling(this->ctx_, data, Scaling::standardize);
    EXPECT_EQ(map.shift[0], static_cast<double>(T(0.1)));
    EXPECT_EQ(map.scale[0], 1);
    EXPECT_EQ(map.shift[1], 0);
    EXPECT_EQ(map.scale[1], 1);
    apply_scaling(this->ctx_, map, data);
    const auto got = densified(data);
    for (index_t i = 0; i < rows; ++i) {
      const auto k = static_cast<std::size_t>(3 * i);
      ASSERT_EQ(got[k], 0);
      ASSERT_EQ(got[k + 1], 0);
      ASSERT_NEAR(got[k + 2], i % 2 == 0 ? -1 : 1, 4 * epsilon<T>());
    }
  }
}

TYPED_TEST(Preprocess, StoredZerosAndAbsentOnesAreTheSame) {
  using T = TypeParam;
  auto stored = sparse_data<T>(this->ctx_, 4, 1, {5, 9, 5, 9});
  stored.values.upload({5, 0, 5, 0});
  auto absent = sparse_data<T>(this->ctx_, 4, 1, {5, 0, 5, 0});
  for (const Scaling scaling : {Scaling::standardize, Scaling::max_abs}) {
    const FeatureMap a = fit_scaling(this->ctx_, stored, scaling);
    const FeatureMap b = fit_scaling(this->ctx_, absent, scaling);
    EXPECT_EQ(a.shift, b.shift);
    EXPECT_EQ(a.scale, b.scale);
  }
  // Five in every stored entry, but not in every row: not constant.
  EXPECT_EQ(fit_scaling(this->ctx_, absent, Scaling::standardize).scale[0], 1 / 2.5);
}

TYPED_TEST(Preprocess, MaxAbsKeepsSparsity) {
  using T = TypeParam;
  auto data = sparse_data<T>(this->ctx_, 3, 4, {1, 0, 0, -8, 0, -4, 0, 2, 2, 0, 0, 4});
  const FeatureMap map = fit_scaling(this->ctx_, data, Scaling::max_abs);
  EXPECT_EQ(map.shift, (std::vector<double>{0, 0, 0, 0}));
  EXPECT_EQ(map.scale, (std::vector<double>{0.5, 0.25, 1, 0.125}));
  apply_scaling(this->ctx_, map, data);
  EXPECT_TRUE(data.sparse());
  EXPECT_EQ(data.nonzeros, 6);
  const std::vector<T> want = {0.5, 0, 0, -1, 0, -1, 0, 0.25, 1, 0, 0, 0.5};
  EXPECT_EQ(densified(data), want);
  auto dense = dense_data<T>(this->ctx_, 3, 4, {1, 0, 0, -8, 0, -4, 0, 2, 2, 0, 0, 4});
  const FeatureMap same = fit_scaling(this->ctx_, dense, Scaling::max_abs);
  EXPECT_EQ(same.scale, map.scale);
  apply_scaling(this->ctx_, same, dense);
  EXPECT_EQ(densified(dense), want);
}

TYPED_TEST(Preprocess, TestDataAreMappedAsTrainingData) {
  using T = TypeParam;
  auto train = dense_data<T>(this->ctx_, 2, 1, {1, 3});
  const FeatureMap map = fit_scaling(this->ctx_, train, Scaling::standardize);
  auto other = sparse_data<T>(this->ctx_, 3, 1, {10, 0, 2});
  apply_scaling(this->ctx_, map, other);
  EXPECT_EQ(densified(other), (std::vector<T>{8, -2, 0}));
}

TYPED_TEST(Preprocess, NoScalingIsTheIdentity) {
  using T = TypeParam;
  auto data = dense_data<T>(this->ctx_, 2, 2, {1, 2, 3, 4});
  const FeatureMap map = fit_scaling(this->ctx_, data, Scaling::none);
  EXPECT_TRUE(map.shift.empty() && map.scale.empty());
  apply_scaling(this->ctx_, map, data);
  EXPECT_EQ(densified(data), (std::vector<T>{1, 2, 3, 4}));
}

TYPED_TEST(Preprocess, ScalingMisused) {
  using T = TypeParam;
  auto data = dense_data<T>(this->ctx_, 2, 2, {1, 2, 3, 4});
  EXPECT_THROW(apply_scaling(this->ctx_, {{0, 0, 0}, {1, 1, 1}}, data), InvalidArgument);
  EXPECT_THROW(apply_scaling(this->ctx_, {{0, 0}, {1}}, data), InvalidArgument);
  EXPECT_EQ(densified(data), (std::vector<T>{1, 2, 3, 4}));
  Dataset<T, Cpu> empty;
  empty.cols = 2;
  EXPECT_THROW(fit_scaling(this->ctx_, empty, Scaling::standardize), InvalidArgument);
  EXPECT_THROW(fit_scaling(this->ctx_, empty, Scaling::max_abs), InvalidArgument);
}

TYPED_TEST(Preprocess, FeaturesThatAreNotFiniteAreNamed) {
  using T = TypeParam;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  constexpr T infinity = std::numeric_limits<T>::infinity();
  for (const T bad : {nan, infinity, -infinity}) {
    for (const index_t at : {1, 3}) {
      std::vector<T> values = {1, 2, 3, 4};
      values[static_cast<std::size_t>(at)] = bad;
      for (const bool sparse : {false, true}) {
        const auto data = sparse ? sparse_data<T>(this->ctx_, 2, 2, values)
                                 : dense_data<T>(this->ctx_, 2, 2, values);
        for (const Scaling scaling : {Scaling::standardize, Scaling::max_abs}) {
          try {
            fit_scaling(this->ctx_, data, scaling);
            ADD_FAILURE() << "no error for " << bad;
          } catch (const DataError& error) {
            EXPECT_EQ(std::string(error.what()).find("feature 2 cannot be "), 0u) << error.what();
          }
        }
      }
    }
  }
}

TYPED_TEST(Preprocess, TinyAndHugeFeatures) {
  using T = TypeParam;
  constexpr T tiny = std::numeric_limits<T>::min(), huge = std::numeric_limits<T>::max();
  for (const T size : {tiny, T(1), huge}) {
    auto data = dense_data<T>(this->ctx_, 2, 1, {size / 2, -size});
    apply_scaling(this->ctx_, fit_scaling(this->ctx_, data, Scaling::max_abs), data);
    EXPECT_NEAR(data.values.read(0), 0.5, epsilon<T>()) << size;
    EXPECT_NEAR(data.values.read(1), -1, epsilon<T>()) << size;
  }
  // A float's square fits a double; that of the largest doubles does not and must not pass.
  const auto data = dense_data<T>(this->ctx_, 2, 1, {huge, -huge});
  if constexpr (sizeof(T) == 4) {
    const FeatureMap map = fit_scaling(this->ctx_, data, Scaling::standardize);
    EXPECT_NEAR(map.scale[0] * static_cast<double>(huge), 1, 4 * epsilon<double>());
  } else {
    EXPECT_THROW(fit_scaling(this->ctx_, data, Scaling::standardize), DataError);
  }
}

TYPED_TEST(Preprocess, BiasIsAppended) {
  using T = TypeParam;
  auto dense = dense_data<T>(this->ctx_, 2, 2, {1, 2, 0, 4});
  add_bias(this->ctx_, dense);
  EXPECT_EQ(dense.cols, 3);
  EXPECT_EQ(densified(dense), (std::vector<T>{1, 2, 1, 0, 4, 1}));
  auto sparse = sparse_data<T>(this->ctx_, 3, 2, {1, 0, 0, 0, 0, 4});
  add_bias(this->ctx_, sparse);
  EXPECT_TRUE(sparse.sparse());
  EXPECT_EQ(sparse.nonzeros, 5);
  EXPECT_EQ(densified(sparse), (std::vector<T>{1, 0, 1, 0, 0, 1, 0, 4, 1}));
  EXPECT_EQ(sparse.targets.download(), (std::vector<T>{0, 1, 2}));
}

TYPED_TEST(Preprocess, BiasOfManyRows) {
  using T = TypeParam;
  const auto values = random_values<T>(20'011, 5, 1, 0.5, 42);
  for (const bool sparse : {false, true}) {
    auto data = sparse ? sparse_data<T>(this->ctx_, 20'011, 5, values)
                       : dense_data<T>(this->ctx_, 20'011, 5, values);
    add_bias(this->ctx_, data);
    const auto got = densified(data);
    for (std::size_t i = 0; i < 20'011; ++i) {
      ASSERT_TRUE(std::equal(&values[5 * i], &values[5 * i] + 5, &got[6 * i])) << i;
      ASSERT_EQ(got[6 * i + 5], 1) << i;
    }
  }
}

TYPED_TEST(Preprocess, BiasBeyondTheLargestIndexIsRefused) {
  using T = TypeParam;
  auto data = sparse_data<T>(this->ctx_, 1, 2, {1, 2});
  data.cols = std::numeric_limits<std::int32_t>::max();
  EXPECT_THROW(add_bias(this->ctx_, data), InvalidArgument);
  --data.cols;
  add_bias(this->ctx_, data);
  EXPECT_EQ(data.columns.read(2), std::numeric_limits<std::int32_t>::max() - 1);
}

TYPED_TEST(Preprocess, SplitKeepsEveryRowOnceAndInOrder) {
  using T = TypeParam;
  for (const index_t rows : {2, 33, 4097, 30'011}) {
    const auto values = random_values<T>(rows, 3, 1, 0.4, 43);
    for (const bool sparse : {false, true}) {
      for (const double fraction : {0.5, 0.2501, 0.9}) {
        const auto tests = static_cast<index_t>(std::floor(fraction * static_cast<double>(rows)));
        if (tests == 0) continue;
        const auto [train, test] = split(this->ctx_,
                                         sparse ? sparse_data<T>(this->ctx_, rows, 3, values)
                                                : dense_data<T>(this->ctx_, rows, 3, values),
                                         fraction, 7);
        ASSERT_EQ(test.rows, tests);
        ASSERT_EQ(train.rows, rows - tests);
        std::vector<bool> seen(static_cast<std::size_t>(rows), false);
        for (const auto* part : {&train, &test}) {
          ASSERT_EQ(part->sparse(), sparse);
          ASSERT_EQ(part->cols, 3);
          const auto targets = part->targets.download();
          ASSERT_EQ(static_cast<index_t>(targets.size()), part->rows);
          ASSERT_TRUE(std::is_sorted(targets.begin(), targets.end()));
          const auto got = densified(*part);
          for (std::size_t i = 0; i < targets.size(); ++i) {
            const auto row = static_cast<std::size_t>(targets[i]);
            ASSERT_FALSE(seen[row]);
            seen[row] = true;
            ASSERT_TRUE(std::equal(&got[3 * i], &got[3 * i] + 3, &values[3 * row])) << row;
          }
        }
      }
    }
  }
}

/// The rows drawn for testing.
template <class T>
std::vector<T> drawn(Context<Cpu>& ctx, index_t rows, double fraction, std::uint64_t seed) {
  return split(ctx, dense_data<T>(ctx, rows, 1, std::vector<T>(static_cast<std::size_t>(rows), 1)),
               fraction, seed)
      .second.targets.download();
}

TYPED_TEST(Preprocess, SplitIsSeeded) {
  using T = TypeParam;
  EXPECT_EQ(drawn<T>(this->ctx_, 100, 0.3, 5), drawn<T>(this->ctx_, 100, 0.3, 5));
  EXPECT_NE(drawn<T>(this->ctx_, 100, 0.3, 5), drawn<T>(this->ctx_, 100, 0.3, 6));
}

TYPED_TEST(Preprocess, SplitDrawsEveryRowEquallyOften) {
  // Row i of 20 is among the 5 drawn in a quarter of 4,000 splits. Variance 4,000 / 4 * 3 / 4;
  // five deviations, two-sided, 20 rows: significance 1.2e-5.
  std::array<int, 20> counts{};
  Context<Cpu> ctx(1);
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    for (const auto row : drawn<TypeParam>(ctx, 20, 0.25, seed)) {
      ++counts[static_cast<std::size_t>(row)];
    }
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 5 * std::sqrt(750.0));
}

TYPED_TEST(Preprocess, SplitMisused) {
  using T = TypeParam;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double fraction : {0.0, 1.0, -0.5, 1.5, nan, 0.09}) {
    EXPECT_THROW(
        split(this->ctx_, dense_data<T>(this->ctx_, 10, 1, std::vector<T>(10, 1)), fraction, 1),
        InvalidArgument)
        << fraction;
  }
  EXPECT_THROW(split(this->ctx_, dense_data<T>(this->ctx_, 1, 1, {1}), 0.5, 1), InvalidArgument);
}

TYPED_TEST(Preprocess, SameBitsForOneAndSevenThreads) {
  using T = TypeParam;
  Context<Cpu> one(1), seven(7);
  constexpr index_t rows = 50'021, cols = 6;
  const auto values = random_values<T>(rows, cols, 2, 0.5, 44);
  for (const bool sparse : {false, true}) {
    auto result = [&](Context<Cpu>& ctx, Scaling scaling) {
      auto data =
          sparse ? sparse_data<T>(ctx, rows, cols, values) : dense_data<T>(ctx, rows, cols, values);
      const FeatureMap map = fit_scaling(ctx, data, scaling);
      apply_scaling(ctx, map, data);
      add_bias(ctx, data);
      const auto [train, test] = split(ctx, std::move(data), 0.3, 9);
      return std::tuple{map.shift, map.scale, densified(train), densified(test),
                        test.targets.download()};
    };
    for (const Scaling scaling : {Scaling::standardize, Scaling::max_abs}) {
      EXPECT_TRUE(result(one, scaling) == result(seven, scaling));
    }
  }
}

/// What the header promises: the larger of before and after. The margin is what the counted arrays
/// leave out: huge pages at their ends, the keys of a split (16 bytes a row), freed parts not yet
/// given back.
template <class Make, class Work>
void expect_low_peak(Make make, Work work) {
  if (RANDNLA_SANITIZED) GTEST_SKIP() << "sanitizers keep memory";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Context<Cpu> ctx(2);
        test::exit_by_peak(1.25, [&] { return work(ctx, make(ctx)); });
      },
      testing::ExitedWithCode(0), "");
}

double bytes_of(const Dataset<double, Cpu>& data) {
  return 8.0 * static_cast<double>(data.values.size() + data.offsets.size() + data.rows) +
         4.0 * static_cast<double>(data.columns.size());
}

/// 120 MB of dense or sparse rows, without a second copy of them.
Dataset<double, Cpu> large(Context<Cpu>& ctx, index_t rows, index_t cols, index_t stored) {
  Dataset<double, Cpu> data;
  data.rows = rows;
  data.cols = cols;
  data.nonzeros = rows * stored;
  data.values = Buffer<double, Cpu>(ctx, data.nonzeros);
  data.targets = Buffer<double, Cpu>(ctx, rows);
  std::fill_n(data.values.data(), data.nonzeros, 0.5);
  std::fill_n(data.targets.data(), rows, 1.0);
  if (stored < cols) {
    data.columns = Buffer<std::int32_t, Cpu>(ctx, data.nonzeros);
    data.offsets = Buffer<index_t, Cpu>(ctx, rows + 1);
    for (index_t k = 0; k < data.nonzeros; ++k) {
      data.columns.data()[k] = static_cast<std::int32_t>(k % stored * 2);
    }
    for (index_t i = 0; i <= rows; ++i) data.offsets.data()[i] = i * stored;
  }
  return data;
}

TEST(PreprocessMemory, SplitOfDenseRows) {
  expect_low_peak([](Context<Cpu>& ctx) { return large(ctx, 300'000, 50, 50); },
                  [](Context<Cpu>& ctx, Dataset<double, Cpu> data) {
                    const double before = bytes_of(data);
                    const auto parts = split(ctx, std::move(data), 0.5, 1);
                    return before;
                  });
}

TEST(PreprocessMemory, SplitOfSparseRows) {
  expect_low_peak([](Context<Cpu>& ctx) { return large(ctx, 200'000, 100, 50); },
                  [](Context<Cpu>& ctx, Dataset<double, Cpu> data) {
                    const double before = bytes_of(data);
                    const auto parts = split(ctx, std::move(data), 0.5, 1);
                    return before;
                  });
}

TEST(PreprocessMemory, Bias) {
  expect_low_peak([](Context<Cpu>& ctx) { return large(ctx, 300'000, 50, 50); },
                  [](Context<Cpu>& ctx, Dataset<double, Cpu> data) {
                    add_bias(ctx, data);
                    return bytes_of(data);
                  });
}

TEST(PreprocessMemory, SparseToDense) {
  expect_low_peak([](Context<Cpu>& ctx) { return large(ctx, 150'000, 100, 50); },
                  [](Context<Cpu>& ctx, Dataset<double, Cpu> data) {
                    FeatureMap map;
                    map.shift.assign(100, 0.25);
                    map.scale.assign(100, 2);
                    apply_scaling(ctx, map, data);
                    return bytes_of(data);
                  });
}

}  // namespace
}  // namespace randnla
