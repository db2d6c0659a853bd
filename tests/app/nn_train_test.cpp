// `randnla nn train`.
#ifdef RANDNLA_TEST_TORCH

#include "app/program.hpp"
#include "app/xml.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;
using Json = nlohmann::json;

Words train_with(const Words& more) {
  Words words{"nn", "train",  "--json", "--rows",          "300", "--sizes", "64,8,10", "--batch",
              "20", "--seed", "3",      "--learning-rate", "0.1"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(NetworkTrain, LowersTheLossAndWritesTheWeights) {
  const TemporaryFolder folder;
  const std::string weights = folder.file("w.npy");
  const Outcome outcome = run(train_with({"--epochs", "20", "--save-weights", weights}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = outcome.json();
  ASSERT_EQ(json["trace"].size(), 20U);
  const Json &first = json["trace"][0], &last = json["trace"][19];
  EXPECT_EQ(first["updates"], 15);
  EXPECT_EQ(last["updates"], 300);
  EXPECT_LT(last["train_loss"].get<double>(), 0.5 * first["train_loss"].get<double>());
  EXPECT_GT(last["test_accuracy"].get<double>(), 0.8);  // of images that were not in training
  EXPECT_TRUE(last["eigenvalue"].is_null());
  const Outcome looked =
      run({"nn", "spectrum", "--json", "--rows", "300", "--sizes", "64,8,10", "--seed", "3",
           "--weights", weights, "--top", "1", "--steps", "4", "--starts", "1"});
  ASSERT_EQ(looked.exit_code, 0) << looked.err;
  EXPECT_LT(looked.json()["loss"].get<double>(), last["train_loss"].get<double>());
}

TEST(NetworkTrain, GoesOnFromACheckpoint) {
  const TemporaryFolder folder;
  const auto to_epoch = [&](const std::string& epochs, const std::string& file, const Words& more) {
    Words words = train_with({"--epochs", epochs, "--batches", "abs", "--max-ratio", "4",
                              "--threads", "1", "--save-weights", folder.file(file)});
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.json()["trace"];
  };
  const Words checkpoint{"--checkpoint", folder.file("run"), "--resume"};
  const Json whole = to_epoch("4", "whole.npy", {});
  EXPECT_FALSE(whole[0]["eigenvalue"].is_null());
  to_epoch("2", "part.npy", checkpoint);  // there is none yet
  const Json resumed = to_epoch("4", "resumed.npy", checkpoint);
  EXPECT_EQ(bytes_of(folder.file("resumed.npy")), bytes_of(folder.file("whole.npy")));
  EXPECT_NE(bytes_of(folder.file("part.npy")), bytes_of(folder.file("whole.npy")));
  ASSERT_EQ(resumed.size(), 4U);
  EXPECT_EQ(resumed[3]["train_loss"], whole[3]["train_loss"]);
}

TEST(NetworkTrain, DrawsTheRun) {
  const TemporaryFolder folder;
  const std::string plot = folder.file("run.svg");
  const auto picture = [&](const Words& more) {
    Words words = train_with({"--epochs", "4", "--plot", plot});
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const std::string svg = bytes_of(plot);
    EXPECT_TRUE(is_well_formed(svg));
    return std::pair(outcome.json()["trace"], svg);
  };
  const std::string fixed = picture({}).second;
  for (const char* const title : {"Test accuracy", "Training loss", "Batch"}) {
    EXPECT_NE(fixed.find(title), std::string::npos) << title;
  }
  EXPECT_EQ(count(fixed, "<polyline"), 3U);
  const auto [trace, adaptive] =
      picture({"--batches", "abs", "--max-ratio", "8", "--patience", "1"});
  EXPECT_NE(adaptive.find("Largest eigenvalue after an epoch"), std::string::npos);
  EXPECT_NE(adaptive.find("Batch against eigenvalue"), std::string::npos);
  EXPECT_EQ(count(adaptive, "<polyline"), 5U);
  // Without patience for more than an epoch the batch doubles after each.
  for (std::size_t e = 0; e < 4; ++e) EXPECT_EQ(trace[e]["batch"], 20 << e);
}

TEST(NetworkTrain, RefusesWhatItCannotDo) {
  const TemporaryFolder folder;
  expect_refusal(train_with({"--patience", "0"}), 2, "--patience", folder);
  expect_refusal(train_with({"--resume"}), 2, "--checkpoint", folder);
  expect_refusal(train_with({"--model", "c1"}), 2, "3 x 32 x 32", folder);
  expect_refusal(train_with({"--model", "c1", "--save-weights", folder.file("w.npy")}), 2,
                 "--checkpoint", folder);
  expect_refusal({"nn", "spectrum", "--model", "c1"}, 2, "mlp", folder);
}

}  // namespace
}  // namespace randnla::test

#endif
