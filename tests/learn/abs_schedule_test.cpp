#include <randnla/learn/abs_schedule.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace randnla {
namespace {

/// An epoch's end, and what the rule makes of it.
struct Step {
  double eigenvalue;
  std::int64_t ratio;  // afterwards
  double kept;
  std::int64_t since_change;
};

void expect_steps(AbsSchedule schedule, const std::vector<Step>& steps) {
  for (std::size_t k = 0; k < steps.size(); ++k) {
    ASSERT_TRUE(schedule.wants_eigenvalue()) << "epoch " << k;
    schedule.end_epoch(steps[k].eigenvalue);
    EXPECT_EQ(schedule.ratio(), steps[k].ratio) << "epoch " << k;
    EXPECT_EQ(schedule.state().eigenvalue, steps[k].kept) << "epoch " << k;
    EXPECT_EQ(schedule.state().epochs_since_change, steps[k].since_change) << "epoch " << k;
  }
}

TEST(AbsSchedule, GrowsWhereTheEigenvalueHasHalved) {
  expect_steps(AbsSchedule({.max_ratio = 32}), {{8, 1, 8, 1},
                                                {9, 1, 8, 2},  // the first is kept, not the largest
                                                {4.1, 1, 8, 3},  // not yet half
                                                {4, 2, 4, 0},    // half
                                                {2.5, 2, 4, 1},
                                                {3.9, 2, 4, 2},
                                                {0.5, 4, 0.5, 0},  // one doubling at a time
                                                {0.25, 8, 0.25, 0},
                                                {-1, 16, -1, 0}});
}

TEST(AbsSchedule, GrowsAfterMaxEpochsAndKeepsTheEigenvalue) {
  expect_steps(AbsSchedule({.max_epochs = 3}), {{8, 1, 8, 1},
                                                {8, 1, 8, 2},
                                                {7, 2, 8, 0},
                                                {5, 2, 8, 1},
                                                {4, 4, 4, 0},  // the count starts anew
                                                {4, 4, 4, 1},
                                                {4, 4, 4, 2},
                                                {3, 8, 4, 0}});
  expect_steps(AbsSchedule({.max_epochs = 1}), {{8, 2, 8, 0}, {8, 4, 8, 0}});
}

TEST(AbsSchedule, BatchAndShareFollowTheRatioUpToTheCap) {
  AbsSchedule schedule(
      {.base_batch = 100, .max_ratio = 4, .adversarial_share = 0.2, .adversarial_epochs = 100});
  EXPECT_EQ(schedule.batch(), 100);
  EXPECT_EQ(schedule.adversarial_share(), 0.2);
  schedule.end_epoch(8);
  EXPECT_EQ(schedule.batch(), 100);
  schedule.end_epoch(3);
  EXPECT_EQ(schedule.batch(), 200);
  EXPECT_EQ(schedule.adversarial_share(), 0.1);
  schedule.end_epoch(1);
  EXPECT_EQ(schedule.batch(), 400);
  EXPECT_EQ(schedule.adversarial_share(), 0);
  EXPECT_FALSE(schedule.wants_eigenvalue());
  for (int epoch = 0; epoch < 20; ++epoch) {
    schedule.end_epoch(std::numeric_limits<double>::quiet_NaN());  // not looked at
    EXPECT_EQ(schedule.ratio(), 4);
  }
  EXPECT_EQ(schedule.state().eigenvalue, 1);
}

TEST(AbsSchedule, AdversarialRowsEndWithTheirEpochs) {
  AbsSchedule schedule({.adversarial_share = 0.2, .adversarial_epochs = 2});
  EXPECT_EQ(schedule.adversarial_share(), 0.2);
  schedule.end_epoch(8);
  EXPECT_EQ(schedule.adversarial_share(), 0.2);
  schedule.end_epoch(8);
  EXPECT_EQ(schedule.adversarial_share(), 0);
  EXPECT_EQ(AbsSchedule().adversarial_share(), 0);
}

TEST(AbsSchedule, GoesOnFromItsState) {
  const AbsOptions options{.max_epochs = 4, .adversarial_share = 0.2, .adversarial_epochs = 9};
  const std::vector<double> eigenvalues{8, 7, 6, 5, 4, 9, 9, 2, 2, 2, 2};
  AbsSchedule whole(options);
  for (std::size_t k = 0; k < eigenvalues.size(); ++k) {
    whole.end_epoch(eigenvalues[k]);
    AbsSchedule resumed(options, whole.state()), ahead = whole;
    for (std::size_t j = k + 1; j < eigenvalues.size(); ++j) {
      ahead.end_epoch(eigenvalues[j]);
      resumed.end_epoch(eigenvalues[j]);
      EXPECT_EQ(resumed.ratio(), ahead.ratio()) << k << ", " << j;
      EXPECT_EQ(resumed.adversarial_share(), ahead.adversarial_share()) << k << ", " << j;
    }
  }
}

TEST(AbsSchedule, RefusesWhatIsOutOfRange) {
  EXPECT_THROW(AbsSchedule({.base_batch = 0}), InvalidArgument);
  EXPECT_THROW(AbsSchedule({.max_ratio = 0}), InvalidArgument);
  EXPECT_THROW(AbsSchedule({.max_ratio = 12}), InvalidArgument);
  EXPECT_THROW(AbsSchedule({.max_epochs = 0}), InvalidArgument);
  EXPECT_THROW(AbsSchedule({.adversarial_share = 1}), InvalidArgument);
  EXPECT_THROW(AbsSchedule({.adversarial_share = -0.1}), InvalidArgument);
  EXPECT_THROW(AbsSchedule({.adversarial_eps = -1}), InvalidArgument);
  EXPECT_THROW(AbsSchedule({.adversarial_epochs = -1}), InvalidArgument);
  EXPECT_THROW(AbsSchedule({.max_ratio = 4}, {.ratio = 8}), InvalidArgument);
  EXPECT_THROW(AbsSchedule({}, {.ratio = 3}), InvalidArgument);
  AbsSchedule schedule;
  EXPECT_THROW(schedule.end_epoch(std::numeric_limits<double>::quiet_NaN()), InvalidArgument);
}

}  // namespace
}  // namespace randnla
