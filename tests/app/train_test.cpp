#include "app/program.hpp"

#include <randnla/io/npy.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;
using Json = nlohmann::json;

/// train on a small synthetic problem, with further options.
Words small_run(const Words& more) {
  Words words = {"train",  "--data",      "synthetic", "--rows",           "600", "--cols", "6",
                 "--json", "--condition", "3",         "--max-iterations", "12"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Train, LastLineOfTheOutputIsTheResult) {
  const Outcome outcome = run(small_run({"--test-fraction", "0.25"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out_lines().size(), 1U) << "progress belongs to standard error";
  const Json json = outcome.json();
  for (const char* key : {"loss", "initial_loss", "gradient_norm", "lambda_min", "lambda_min_bound",
                          "failure_probability", "iterations", "accepted", "props", "oracle_calls",
                          "data_passes", "host_waits", "launches", "seconds", "train_accuracy",
                          "test_accuracy", "rows", "features"}) {
    EXPECT_TRUE(json.contains(key) && json[key].is_number()) << key;
  }
  for (const char* key : {"eps_g_met", "eps_h_met"}) {
    EXPECT_TRUE(json.contains(key) && json[key].is_boolean()) << key;
  }
  for (const char* key : {"stop", "device", "device_name", "version"}) {
    EXPECT_TRUE(json.contains(key) && json[key].is_string()) << key;
  }
  for (const char* key : {"gradient", "hessian", "inner", "trial"}) {
    EXPECT_TRUE(json["phases"].contains(key)) << key;
  }
  EXPECT_TRUE(json["certificate"].contains("hessian_products"));
  EXPECT_EQ(json["rows"], 450);
  EXPECT_EQ(json["test_rows"], 150);
  EXPECT_EQ(json["features"], 6);
  EXPECT_EQ(json["device"], "cpu");
  EXPECT_LT(json["loss"], json["initial_loss"]);
  EXPECT_GT(json["train_accuracy"], 0.8);
}

TEST(Train, WhatIsNotKnownOrNotFiniteIsNull) {
  const Json json = run(small_run({})).json();
  EXPECT_TRUE(json["test_accuracy"].is_null());
  EXPECT_TRUE(json["options"]["target_loss"].is_null());
  EXPECT_TRUE(json["options"]["max_props"].is_null());
}

TEST(Train, SameOptionsSameNumbersForAnyNumberOfThreads) {
  const Json one = run(small_run({"--threads", "1"})).json();
  const Json three = run(small_run({"--threads", "3"})).json();
  for (const char* key : {"loss", "gradient_norm", "lambda_min", "props", "iterations"}) {
    EXPECT_EQ(one[key], three[key]) << key;
  }
  EXPECT_NE(run(small_run({"--seed", "2"})).json()["loss"], one["loss"]);
}

struct Case {
  const char* name;
  Words options;
  const char* echoed;  // key of "options" in the result
  Json value;

  friend std::ostream& operator<<(std::ostream& out, const Case& given) {
    return out << given.name;
  }
};

class TrainOption : public testing::TestWithParam<Case> {};

TEST_P(TrainOption, IsTakenAndReported) {
  const Outcome outcome = run(small_run(GetParam().options));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["options"][GetParam().echoed], GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    All, TrainOption,
    testing::Values(
        Case{"Loss", {"--loss", "logistic"}, "loss", "logistic"},
        Case{"L2", {"--l2", "0.01"}, "l2", 0.01}, Case{"Arc", {"--method", "arc"}, "method", "arc"},
        Case{"HessianFull", {"--hessian", "full"}, "hessian", "full"},
        Case{"HessianUniform", {"--hessian", "uniform"}, "hessian", "uniform"},
        Case{"HessianReplacement",
             {"--hessian", "uniform-replacement"},
             "hessian",
             "uniform-replacement"},
        Case{"HessianRowNorm", {"--hessian", "row-norm"}, "hessian", "row-norm"},
        Case{"HessianBernoulli",
             {"--hessian", "row-norm-bernoulli"},
             "hessian",
             "row-norm-bernoulli"},
        Case{"HessianFraction", {"--hessian-fraction", "0.2"}, "hessian_fraction", 0.2},
        Case{"HessianPasses", {"--hessian-form", "passes"}, "hessian_form", "passes"},
        Case{"HessianMatrix", {"--hessian-form", "matrix"}, "hessian_form", "matrix"},
        Case{"GradientUniform",
             {"--gradient", "uniform", "--gradient-fraction", "0.5"},
             "gradient_fraction",
             0.5},
        Case{"GradientAdaptive", {"--gradient", "adaptive"}, "gradient", "adaptive"},
        Case{"InitZeros", {"--init", "zeros"}, "init", "zeros"},
        Case{"InitOnes", {"--init", "ones"}, "init", "ones"},
        Case{"InitNormal", {"--init", "normal"}, "init", "normal"},
        Case{"SinglePrecision", {"--precision", "f32"}, "precision", "f32"},
        Case{"MaxProps", {"--max-props", "1e5"}, "max_props", 1e5},
        Case{"TargetLoss", {"--target-loss", "0.2"}, "target_loss", 0.2},
        Case{"EpsG", {"--eps-g", "1e-3"}, "eps_g", 1e-3},
        Case{"EpsH", {"--eps-h", "1e-2"}, "eps_h", 1e-2},
        Case{"FailureProbability", {"--failure-probability", "0.01"}, "failure_probability", 0.01},
        Case{"LanczosSteps", {"--lanczos-steps", "50"}, "lanczos_steps", 50},
        Case{"InitialRadius", {"--initial-radius", "1"}, "initial_radius", 1},
        Case{"MaxRadius", {"--max-radius", "20"}, "max_radius", 20},
        Case{"InitialSigma", {"--initial-sigma", "0.1", "--method", "arc"}, "initial_sigma", 0.1},
        Case{"MinSigma", {"--min-sigma", "0.01", "--method", "arc"}, "min_sigma", 0.01},
        Case{"Eta1", {"--eta1", "0.7"}, "eta1", 0.7},
        Case{"Eta2", {"--eta2", "0.01"}, "eta2", 0.01},
        Case{"Gamma1", {"--gamma1", "3"}, "gamma1", 3},
        Case{"Gamma2", {"--gamma2", "1.5"}, "gamma2", 1.5},
        Case{"MaxFailures", {"--max-failures", "5"}, "max_failures", 5},
        Case{"InnerIterations", {"--inner-iterations", "4"}, "inner_iterations", 4},
        Case{"InnerTolerance", {"--inner-tolerance", "0.1"}, "inner_tolerance", 0.1},
        Case{"RandomStart", {"--random-start"}, "random_start", true},
        Case{"ZeroStart", {"--zero-start"}, "random_start", false},
        Case{"Coherence", {"--coherence", "2"}, "coherence", 2},
        Case{"LabelNoise", {"--label-noise", "0"}, "label_noise", 0},
        Case{"DataSeed", {"--data-seed", "9"}, "data_seed", 9},
        Case{"Bias", {"--bias"}, "bias", true},
        Case{"Scale", {"--scale", "standardize"}, "scale", "standardize"},
        Case{"LastOneCounts", {"--seed", "4", "--seed", "5"}, "seed", 5}),
    [](const auto& given) { return std::string(given.param.name); });

TEST(Train, PresetsAreThePapersAndExplicitOptionsWin) {
  const Json first = run(small_run({})).json()["options"];
  EXPECT_EQ(first["preset"], "inexact-gradient");
  EXPECT_EQ(first["init"], "normal");
  EXPECT_EQ(first["hessian"], "uniform");
  EXPECT_EQ(first["hessian_fraction"], 0.01);
  EXPECT_TRUE(first["initial_sigma"].is_null());
  EXPECT_EQ(first["inner_iterations"], 500);
  EXPECT_EQ(first["inner_tolerance"], 1e-15);
  EXPECT_EQ(first["random_start"], true);
  EXPECT_EQ(first["max_failures"], 3);
  const Json second =
      run(small_run({"--inner-iterations", "7", "--preset", "inexact-hessian", "--init", "ones"}))
          .json()["options"];
  EXPECT_EQ(second["init"], "ones");
  EXPECT_EQ(second["inner_iterations"], 7);
  EXPECT_EQ(second["hessian_fraction"], 0.05);
  EXPECT_EQ(second["initial_sigma"], 1e-4);
  EXPECT_EQ(second["inner_tolerance"], 1e-9);
  EXPECT_EQ(second["random_start"], false);
  EXPECT_EQ(second["max_failures"], 0);
}

TEST(Train, StopsWhereItIsTold) {
  EXPECT_EQ(run(small_run({"--target-loss", "1"})).json()["stop"], "target_loss");
  EXPECT_EQ(run(small_run({"--max-iterations", "0"})).json()["stop"], "max_iterations");
  EXPECT_EQ(run(small_run({"--max-props", "1"})).json()["stop"], "max_props");
  const Json end = run(small_run({"--hessian", "full", "--max-iterations", "1000"})).json();
  EXPECT_EQ(end["stop"], "optimal");
  EXPECT_EQ(end["eps_g_met"], true);
  EXPECT_EQ(end["eps_h_met"], true);
  EXPECT_LE(end["gradient_norm"], 1e-5);
  EXPECT_GE(end["lambda_min_bound"], -1e-3);
}

TEST(Train, TraceHasOneObjectAnIteration) {
  const TemporaryFolder folder;
  for (const std::string method : {"tr", "arc"}) {
    const std::string trace = folder.file(method + ".jsonl");
    const Json end = run(small_run({"--method", method, "--trace", trace})).json();
    const std::vector<Json> rows = read_json_lines(trace);
    ASSERT_EQ(rows.size(), end["iterations"]);
    EXPECT_EQ(rows.back()["loss"], end["loss"]);
    EXPECT_EQ(rows.back()["props"], end["props"]);
    double loss = end["initial_loss"];
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i]["iteration"], i + 1);
      EXPECT_TRUE(rows[i][method == "tr" ? "radius" : "sigma"].is_number());
      EXPECT_EQ(rows[i]["gradient_sample"], 600);
      if (!rows[i]["accepted"].get<bool>()) {
        EXPECT_EQ(rows[i]["loss"], loss);
      }
      loss = rows[i]["loss"];
    }
  }
}

TEST(Train, AnEmptyRunLeavesAnEmptyTrace) {
  const TemporaryFolder folder;
  run(small_run({"--max-iterations", "0", "--trace", folder.file("trace.jsonl")}));
  EXPECT_EQ(folder.names(), Words{"trace.jsonl"});
  EXPECT_EQ(bytes_of(folder.file("trace.jsonl")), "");
}

TEST(Train, ProgressIsPlainRowsWhereThereIsNoTerminal) {
  const Outcome outcome = run(
      {"train", "--data", "synthetic", "--rows", "600", "--cols", "6", "--max-iterations", "12"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out.find_first_of("\r\x1b"), std::string::npos);
  const Words lines = outcome.out_lines();
  ASSERT_GT(lines.size(), 14U);
  EXPECT_NE(lines[0].find("600 rows"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("radius"), std::string::npos) << lines[1];
  for (std::size_t i = 1; i <= 12; ++i) EXPECT_EQ(std::stoul(lines[i + 1]), i);
  EXPECT_NE(outcome.out.find("train accuracy"), std::string::npos);
}

/// What the program shows on a terminal.
std::string shown_on_terminal(const Words& words) {
  const int screen = ::posix_openpt(O_RDWR | O_NOCTTY);
  EXPECT_TRUE(screen >= 0 && ::grantpt(screen) == 0 && ::unlockpt(screen) == 0);
  Program program(words, ::ptsname(screen));
  std::string shown;
  std::array<char, 4096> part;
  // Fails once the program, and with it the last user of the terminal, has gone.
  for (ssize_t n; (n = ::read(screen, part.data(), part.size())) > 0;) {
    shown.append(part.data(), static_cast<std::size_t>(n));
  }
  EXPECT_EQ(program.finish().exit_code, 0);
  ::close(screen);
  return shown;
}

TEST(Train, ProgressOnATerminalKeepsRoundRowsAndTheLastOne) {
  const std::string shown =
      shown_on_terminal({"train", "--data", "synthetic", "--rows", "600", "--cols", "6",
                         "--max-iterations", "47", "--hessian-fraction", "0.1"});
  Words kept;  // what stands between the last carriage return of a line and its end
  for (std::string line : lines_of(shown)) {
    while (!line.empty() && line.back() == '\r') line.pop_back();
    const std::string row = line.substr(line.find_last_of('\r') + 1);
    if (!row.empty() && row.find_first_of("0123456789") == row.find_first_not_of(' ')) {
      kept.push_back(row.substr(0, row.find("  ", row.find_first_not_of(' '))));
    }
  }
  std::vector<int> numbers;
  for (const std::string& number : kept) numbers.push_back(std::stoi(number));
  EXPECT_EQ(numbers, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 47})) << shown;
}

TEST(Train, QuietShowsTheSummaryOnly) {
  const Outcome outcome = run({"train", "--data", "synthetic", "--rows", "600", "--cols", "6",
                               "--max-iterations", "3", "--quiet"});
  EXPECT_EQ(outcome.out.find("radius"), std::string::npos);
  EXPECT_NE(outcome.out.find("train accuracy"), std::string::npos);
  EXPECT_EQ(run(small_run({"--quiet"})).err, "");
}

struct Preparation {
  const char* name;
  Words options;

  friend std::ostream& operator<<(std::ostream& out, const Preparation& given) {
    return out << given.name;
  }
};

class Predict : public testing::TestWithParam<Preparation> {};

TEST_P(Predict, AgreesWithTrainOnRawData) {
  const TemporaryFolder folder;
  const std::string data = folder.write("small.txt", small_libsvm(400));
  const std::string model = folder.file("model.npy"), out = folder.file("scores.npy");
  Words words = {"train",  "--data",  data,  "--test",           data, "--hessian", "full",
                 "--json", "--model", model, "--max-iterations", "100"};
  words.insert(words.end(), GetParam().options.begin(), GetParam().options.end());
  const Outcome trained = run(words);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(read_npy(model).size(), 5U) << "four weights and the intercept";

  const Outcome predicted =
      run({"predict", "--model", model, "--data", data, "--out", out, "--json"});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
  EXPECT_EQ(predicted.json()["accuracy"], trained.json()["train_accuracy"]);
  EXPECT_EQ(predicted.json()["accuracy"], trained.json()["test_accuracy"]);
  const std::vector<double> scores = read_npy(out);
  const Words lines = lines_of(bytes_of(data));
  ASSERT_EQ(scores.size(), lines.size());
  int correct = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    ASSERT_TRUE(scores[i] >= 0 && scores[i] <= 1);
    correct += (scores[i] > 0.5) == (lines[i][0] == '+') ? 1 : 0;
  }
  EXPECT_EQ(correct, predicted.json()["correct"]);
}

INSTANTIATE_TEST_SUITE_P(
    All, Predict,
    testing::Values(
        Preparation{"Raw", {}}, Preparation{"Bias", {"--bias"}},
        Preparation{"Standardized", {"--scale", "standardize"}},
        Preparation{"StandardizedBias", {"--scale", "standardize", "--bias"}},
        Preparation{"MaxAbs", {"--scale", "max-abs"}},
        Preparation{"MaxAbsBiasSparse", {"--scale", "max-abs", "--bias", "--storage", "sparse"}},
        Preparation{"Single", {"--scale", "standardize", "--bias", "--precision", "f32"}}),
    [](const auto& given) { return std::string(given.param.name); });

TEST(Predict, ScoresDataOfOneClassWithoutAnAccuracy) {
  const TemporaryFolder folder;
  const std::string model = folder.file("model.npy");
  write_npy(model, {1, 0, 0.5});
  const std::string data = folder.write("one.txt", "-1 1:2 7:1\n-1 1:-3\n");
  const Outcome outcome = run({"predict", "--model", model, "--data", data, "--json"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(outcome.json()["accuracy"].is_null());
  EXPECT_EQ(outcome.json()["ignored_entries"], 1);
  const Outcome named =
      run({"predict", "--model", model, "--data", data, "--json", "--labels", "-1,1"});
  EXPECT_EQ(named.json()["accuracy"], 0.5);
}

TEST(Train, LabelsMayBeAnyTwoNumbersEitherWayRound) {
  const TemporaryFolder folder;
  const std::string data =
      folder.write("ab.txt", "2 1:1\n7 1:-1\n2 1:2\n7 1:-2\n2 1:1.5\n7 1:-1.2\n");
  const std::string model = folder.file("model.npy");
  const auto weight = [&](const Words& labels) {
    Words words = {"train",  "--data",    data,   "--model",          model,
                   "--json", "--hessian", "full", "--max-iterations", "5"};
    words.insert(words.end(), labels.begin(), labels.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.json()["train_accuracy"], 1);
    return read_npy(model)[0];
  };
  EXPECT_LT(weight({}), 0);
  EXPECT_GT(weight({"--labels", "7,2"}), 0);
}

TEST(Train, TestDataAreReadWithTheNumberingAndTheFeaturesOfTheTrainingData) {
  const TemporaryFolder folder;
  const std::string data = folder.write("train", "1 0:1\n0 0:-1\n1 1:-1\n0 1:1\n");
  const std::string test = folder.write("test", "1 1:1 9:5\n");  // no index 0, and a strange one
  const Outcome outcome = run({"train", "--data", data, "--test", test, "--json", "--hessian",
                               "full", "--init", "zeros", "--max-iterations", "3"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  // Feature 1 speaks against the class, feature 0 for it: taken for it, it would be right.
  EXPECT_EQ(outcome.json()["test_accuracy"], 0);
  const Outcome shifted =
      run({"train", "--data", data, "--test", test, "--test-index-base", "1", "--json", "--hessian",
           "full", "--init", "zeros", "--max-iterations", "3"});
  EXPECT_EQ(shifted.json()["test_accuracy"], 1);
}

TEST(Info, TellsWhatTheBuildHas) {
  const Json json = run({"info", "--json"}).json();
  EXPECT_EQ(json["backends"][0], "cpu");
  EXPECT_GT(json["threads"], 0);
  EXPECT_EQ(json["blas"]["name"], "OpenBLAS");
  EXPECT_NE(run({"info"}).out.find(json["version"].get<std::string>()), std::string::npos);
}

}  // namespace
}  // namespace randnla::test
