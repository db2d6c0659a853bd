#include <randnla/core/error.hpp>
#include <randnla/data/preprocess.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace randnla {
namespace {

template <class T>
class Labels : public testing::Test {
 protected:
  Dataset<T, Cpu> labelled(const std::vector<T>& targets) {
    Dataset<T, Cpu> data;
    data.rows = static_cast<index_t>(targets.size());
    data.cols = 1;
    data.nonzeros = data.rows;
    data.values = Buffer<T, Cpu>(ctx_, std::vector<T>(targets.size(), 1));
    data.targets = Buffer<T, Cpu>(ctx_, targets);
    return data;
  }
  template <class Work>
  std::string error_of(Work work) {
    try {
      work();
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  }

  Context<Cpu> ctx_{1};
  T nan_ = std::numeric_limits<T>::quiet_NaN(), infinity_ = std::numeric_limits<T>::infinity();
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Labels, Scalars);

TYPED_TEST(Labels, OneAgainstAllOthers) {
  auto data = this->labelled({5, 2, 1, 2, 7});
  EXPECT_EQ(map_labels(data, 2.0), 2);
  EXPECT_EQ(data.targets.download(), (std::vector<TypeParam>{0, 1, 0, 1, 0}));
  EXPECT_EQ(map_labels(data, 9.0), 0);
  EXPECT_EQ(data.targets.download(), std::vector<TypeParam>(5, 0));
  auto tenth = this->labelled({TypeParam(0.1), 1});
  EXPECT_EQ(map_labels(tenth, 0.1), 1) << "compared as T";
  auto missing = this->labelled({2, this->nan_});
  EXPECT_EQ(this->error_of([&] { map_labels(missing, 2.0); }), "the label of row 2 is nan");
  EXPECT_EQ(missing.targets.read(0), 2) << "unchanged";
}

TYPED_TEST(Labels, ClassesAreFoundInOrderAndNumbered) {
  auto data = this->labelled({5, -2, 1, 5, 0.5, -2});
  const std::vector<double> classes = find_classes(data);
  EXPECT_EQ(classes, (std::vector<double>{-2, 0.5, 1, 5}));
  map_classes(data, classes);
  EXPECT_EQ(data.targets.download(), (std::vector<TypeParam>{3, 0, 2, 3, 1, 0}));
  auto other = this->labelled({5, 4});
  EXPECT_EQ(this->error_of([&] { map_classes(other, classes); }),
            "the label of row 2 is 4, none of the 4 classes");
  EXPECT_EQ(other.targets.read(0), 5) << "unchanged";
  EXPECT_THROW(map_classes(other, {5, 4}), InvalidArgument);
  EXPECT_THROW(map_classes(other, {4, 4, 5}), InvalidArgument);
}

TYPED_TEST(Labels, AThousandClassesAreTheMost) {
  std::vector<TypeParam> targets;
  for (int k = 0; k < 1000; ++k) targets.push_back(static_cast<TypeParam>(k));
  targets.push_back(3);
  EXPECT_EQ(find_classes(this->labelled(targets)).size(), 1000U);
  targets.push_back(-1);
  EXPECT_EQ(this->error_of([&] { find_classes(this->labelled(targets)); }),
            "more than 1000 classes: the labels look like values for a regression");
  EXPECT_EQ(this->error_of([&] { find_classes(this->labelled({})); }),
            "no rows to find classes in");
}

TYPED_TEST(Labels, RegressionWantsFiniteTargets) {
  check_targets(this->labelled({-1, 0.25, std::numeric_limits<TypeParam>::max()}));
  for (const TypeParam bad : {this->nan_, this->infinity_, -this->infinity_}) {
    const auto data = this->labelled({1, 2, bad});
    EXPECT_EQ(this->error_of([&] { check_targets(data); }).rfind("the label of row 3 is ", 0), 0U);
    EXPECT_EQ(this->error_of([&] { find_classes(data); }).rfind("the label of row 3 is ", 0), 0U);
  }
}

}  // namespace
}  // namespace randnla
