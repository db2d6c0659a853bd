// `randnla nn train` by trust region and cubic regularisation, and the autoencoder.
#ifdef RANDNLA_TEST_TORCH

#include "app/program.hpp"
#include "app/xml.hpp"

#include <randnla/io/npy.hpp>

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;
using Json = nlohmann::json;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

const Words perceptron = {"--sizes", "64,8,10"};
const Words autoencoder = {"--model", "autoencoder", "--sizes", "64,16"};

/// With a certificate that costs little.
Words train_by(const std::string& method, const Words& model, const std::string& rows = "300") {
  return Words{"nn",
               "train",
               "--rows",
               rows,
               "--seed",
               "3",
               "--threads",
               "1",
               "--method",
               method,
               "--lanczos-steps",
               "5",
               "--inner-iterations",
               "40"} +
         model;
}

Json trained(const Words& words) {
  const Outcome outcome = run(words + Words{"--json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return outcome.json();
}

/// Without what no two runs have in common.
Json timeless(Json json) {
  for (Json& row : json["trace"]) row.erase("seconds"), row.erase("phases");
  json.erase("seconds"), json.erase("phases");
  return json;
}

/// Steps further than those from a random start, which few products turn round.
Words with_longer_steps(const std::string& method) {
  const Words sample = {"--hessian-fraction", "0.5"};
  return method == "arc" ? sample : sample + Words{"--zero-start"};
}

class NetworkMethod : public testing::TestWithParam<const char*> {
 protected:
  TemporaryFolder folder;
};

TEST_P(NetworkMethod, LowersTheLossAndWritesTheWeights) {
  const std::string weights = folder.file("w.npy");
  const Json json = trained(train_by(GetParam(), perceptron) + with_longer_steps(GetParam()) +
                            Words{"--max-iterations", "40", "--save-weights", weights});
  EXPECT_EQ(json["method"], GetParam());
  EXPECT_EQ(json["stop"], "max_iterations");
  ASSERT_EQ(json["trace"].size(), 40U);
  double loss = json["initial_loss"], gradients = 0, accuracy = 0;
  EXPECT_GT(loss, 2);  // log(10) is that of guessing
  for (const Json& row : json["trace"]) {
    EXPECT_LE(row["loss"], loss);
    EXPECT_GT(row["gradients"], gradients);
    EXPECT_EQ(row["test_accuracy"].is_null(), !row["accepted"].get<bool>());
    EXPECT_EQ(row["test_loss"].is_null(), !row["accepted"].get<bool>());
    loss = row["loss"], gradients = row["gradients"];
    if (row["accepted"]) accuracy = row["test_accuracy"];
  }
  EXPECT_LT(loss, 0.9);
  EXPECT_GT(accuracy, 0.6);  // of images that were not in training
  EXPECT_EQ(json["loss"], loss);
  EXPECT_EQ(json["gradients"], gradients);
  EXPECT_EQ(json["test_accuracy"], accuracy);
  EXPECT_FALSE(json["lambda_min"].is_null());
  const Json looked =
      run({"nn", "spectrum", "--json", "--rows", "300", "--sizes", "64,8,10", "--seed", "3",
           "--weights", weights, "--top", "1", "--steps", "4", "--starts", "1"})
          .json();
  EXPECT_NEAR(looked["loss"], loss, 1e-5);  // there in double
}

TEST_P(NetworkMethod, GoesOnFromACheckpoint) {
  const auto to = [&](const char* iterations, const std::string& name, const Words& more) {
    return trained(train_by(GetParam(), perceptron) +
                   Words{"--max-iterations", iterations, "--save-weights", folder.file(name)} +
                   more);
  };
  const Words checkpoint{"--checkpoint", folder.file("run"), "--resume"};
  const Json whole = to("10", "whole.npy", {});
  to("5", "part.npy", checkpoint);  // there is none yet
  const Json resumed = to("10", "resumed.npy", checkpoint);
  EXPECT_EQ(bytes_of(folder.file("resumed.npy")), bytes_of(folder.file("whole.npy")));
  EXPECT_NE(bytes_of(folder.file("part.npy")), bytes_of(folder.file("whole.npy")));
  EXPECT_EQ(timeless(resumed), timeless(whole));  // accuracies of the first part, too
}

INSTANTIATE_TEST_SUITE_P(All, NetworkMethod, testing::Values("tr", "arc", "gauss-newton"),
                         [](const auto& given) {
                           return std::string(given.param) == "gauss-newton" ? "gauss_newton"
                                                                             : given.param;
                         });

class NetworkSecondOrder : public testing::Test {
 protected:
  TemporaryFolder folder;
};

TEST_F(NetworkSecondOrder, CountsAGradientOneAndAHessianProductTwo) {
  // Whole gradients come with the trial values, and belong to the accepted step after it.
  const Json json =
      trained(train_by("tr", perceptron) + Words{"--max-iterations", "4", "--gradient", "full",
                                                 "--hessian", "full", "--zero-start"});
  double props = 0, products = 0;
  for (const Json& row : json["trace"]) {
    EXPECT_EQ(row["hessian_sample"], 300);
    props = row["props"], products = row["hessian_products"];
    const double gradients_and_values =
        props / 300 - 2 * products;  // of a gradient 2, of a value 1
    EXPECT_NEAR(row["gradients"], gradients_and_values / 2 + 2 * products, 1e-9);
  }
  EXPECT_GT(products, 4);
}

TEST_F(NetworkSecondOrder, GoesOnAfterAnInterrupt) {
  // So many images that the run does not come to an end before the interrupt.
  const Words words = train_by("tr", perceptron, "20000") + Words{"--eps-g", "0"};
  const std::string table = folder.file("table");
  Outcome stopped;
  {
    Program program(
        words + Words{"--max-iterations", "1000000", "--checkpoint", folder.file("run")}, table);
    for (int wait = 0; wait < 3000 && lines_of(bytes_of(table)).size() < 5; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    program.send(SIGINT);
    stopped = program.finish();
  }
  EXPECT_EQ(stopped.exit_code, 130) << stopped.err;
  const std::string said = bytes_of(table);
  const std::size_t after = said.find("interrupted after ");
  ASSERT_NE(after, std::string::npos) << said;
  const int done = std::stoi(said.substr(after + 18));
  ASSERT_GE(done, 4);
  ASSERT_TRUE(std::filesystem::exists(folder.file("run")));
  const auto end = [&](const std::string& name, const Words& more) {
    return trained(
        words + more +
        Words{"--max-iterations", std::to_string(done + 3), "--save-weights", folder.file(name)});
  };
  const Json resumed = end("resumed.npy", {"--checkpoint", folder.file("run"), "--resume"}),
             whole = end("whole.npy", {});
  EXPECT_EQ(timeless(resumed), timeless(whole));
  EXPECT_EQ(bytes_of(folder.file("resumed.npy")), bytes_of(folder.file("whole.npy")));
}

TEST_F(NetworkSecondOrder, DrawsTheRun) {
  const auto picture = [&](const Words& words) {
    trained(words + Words{"--plot", folder.file("run.svg")});
    const std::string svg = bytes_of(folder.file("run.svg"));
    EXPECT_TRUE(is_well_formed(svg));
    EXPECT_NE(svg.find("Training loss"), std::string::npos);
    return svg;
  };
  const Words few{"--max-iterations", "5"};
  const std::string of_classes = picture(train_by("arc", perceptron) + few);
  EXPECT_NE(of_classes.find("Test accuracy"), std::string::npos);
  EXPECT_NE(of_classes.find("gradients of all images"), std::string::npos);
  EXPECT_EQ(count(of_classes, "<polyline"), 2U);
  const std::string of_images = picture(train_by("tr", autoencoder) + few);
  EXPECT_EQ(of_images.find("accuracy"), std::string::npos);
  EXPECT_EQ(count(of_images, "<polyline"), 1U);
}

TEST_F(NetworkSecondOrder, AnAutoencoderLearnsToo) {
  const std::string weights = folder.file("w.npy");
  const Json json = trained(train_by("tr", autoencoder) + with_longer_steps("tr") +
                            Words{"--max-iterations", "30", "--save-weights", weights});
  EXPECT_LT(json["loss"].get<double>(), 0.5 * json["initial_loss"].get<double>());
  EXPECT_TRUE(json["test_accuracy"].is_null());
  EXPECT_TRUE(json["test_loss"].is_number());
  for (const Json& row : json["trace"]) EXPECT_TRUE(row["test_accuracy"].is_null());
  const Json on =
      trained(train_by("tr", autoencoder) + Words{"--max-iterations", "0", "--weights", weights});
  EXPECT_EQ(on["initial_loss"], json["loss"]);
}

TEST_F(NetworkSecondOrder, AnAutoencoderLearnsByGradientDescent) {
  const Words words = Words{"nn",
                            "train",
                            "--json",
                            "--rows",
                            "300",
                            "--epochs",
                            "20",
                            "--batch",
                            "10",
                            "--learning-rate",
                            "3",
                            "--plot",
                            folder.file("run.svg")} +
                      autoencoder;
  const Outcome outcome = run(words);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json trace = outcome.json()["trace"];
  EXPECT_LT(trace[19]["train_loss"].get<double>(), 0.5 * trace[0]["train_loss"].get<double>());
  for (const Json& row : trace) EXPECT_TRUE(row["test_accuracy"].is_null());
  EXPECT_TRUE(trace[19]["test_loss"].is_number());
  EXPECT_EQ(outcome.err.find("nan"), std::string::npos) << outcome.err;
  const std::string svg = bytes_of(folder.file("run.svg"));
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(svg.find("accuracy"), std::string::npos);
}

TEST_F(NetworkSecondOrder, OptionsThatSayNothingToTheMethodAreRefused) {
  const auto refused = [&](const std::string& method, const Words& words) {
    expect_refusal(train_by(method, perceptron) + words, 2,
                   words.front() + " says nothing to --method " + method, folder);
  };
  for (const char* const method : {"tr", "arc"}) {
    for (const char* const option :
         {"--epochs", "--learning-rate", "--weight-decay", "--batch", "--decay-factor",
          "--decay-epochs", "--max-ratio", "--patience"}) {
      refused(method, {option, "1"});
    }
    refused(method, {"--momentum", "0.5"});
    refused(method, {"--batches", "abs"});
    refused(method, {"--augment"});
  }
  refused("arc", {"--initial-radius", "1"});
  refused("arc", {"--zero-start"});
  refused("tr", {"--initial-sigma", "1"});
  const auto by_sgd = [&](const Words& words) {
    expect_refusal(Words{"nn", "train"} + words, 2, words.front() + " says nothing to --method sgd",
                   folder);
  };
  for (const char* const option :
       {"--hessian-fraction", "--gradient-fraction", "--gradient-tolerance", "--initial-radius",
        "--max-radius", "--initial-sigma", "--min-sigma", "--eta1", "--eta2", "--eps-g", "--eps-h",
        "--target-loss", "--failure-probability"}) {
    by_sgd({option, "0.5"});
  }
  for (const char* const option :
       {"--gamma1", "--gamma2", "--max-failures", "--inner-iterations", "--inner-tolerance",
        "--max-iterations", "--max-props", "--lanczos-steps"}) {
    by_sgd({option, "2"});
  }
  by_sgd({"--hessian", "uniform"});
  by_sgd({"--gradient", "full"});
  by_sgd({"--subproblem", "gltr"});
  by_sgd({"--random-start"});
}

TEST_F(NetworkSecondOrder, RefusesWhatItCannotDo) {
  const auto refused = [&](const Words& words, const std::string& reason) {
    expect_refusal(Words{"nn", "train"} + words, 2, reason, folder);
  };
  refused({"--method", "tr", "--hessian", "row-norm"}, "full|uniform");
  refused({"--method", "tr", "--subproblem", "arcqk"}, "arcqk");
  refused({"--method", "tr", "--model", "c1"}, "--method sgd");
  refused({"--method", "lbfgs"}, "lbfgs");
  refused({"--model", "autoencoder"}, "784 pixels");
  refused({"--model", "autoencoder", "--sizes", "60,10"}, "64 pixels");
  refused({"--model", "autoencoder", "--sizes", "64"}, "two numbers");
  refused(autoencoder + Words{"--activation", "tanh"}, "--activation");
  refused(autoencoder + Words{"--batches", "absa"}, "absa");
  refused(autoencoder + Words{"--augment"}, "--augment");
  expect_refusal({"nn", "robustness", "--model", "autoencoder"}, 2, "autoencoder", folder);
}

TEST_F(NetworkSecondOrder, ALossThatIsNotFiniteEndsTheRun) {
  write_npy(folder.file("w.npy"), std::vector<double>(64 * 8 + 8 + 8 * 10 + 10, 1e30));
  const Outcome outcome =
      run(train_by("tr", perceptron) + Words{"--json", "--weights", folder.file("w.npy")});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_NE(outcome.err.find("not finite after 0 iterations"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.json()["stop"], "not_finite");
  EXPECT_TRUE(outcome.json()["loss"].is_null());
}

TEST_F(NetworkSecondOrder, AnotherRunsCheckpointIsRefused) {
  const Words checkpoint{"--checkpoint", folder.file("run")};
  const Words limit{"--max-iterations", "3"};
  trained(train_by("tr", perceptron) + checkpoint + limit);
  const std::string before = bytes_of(folder.file("run"));
  const auto refused = [&](const Words& words, int code, const std::string& reason) {
    expect_refusal(words + checkpoint + Words{"--resume"}, code, reason, folder);
  };
  refused(train_by("arc", perceptron), 2, "cubic_newton");
  refused(train_by("tr", perceptron) + Words{"--eta1", "0.7"}, 2, "eta1");
  refused(train_by("tr", {"--sizes", "64,9,10"}), 2, "dimensions");
  refused({"nn", "train", "--rows", "300"}, 3, "run");
  EXPECT_EQ(bytes_of(folder.file("run")), before);
}

}  // namespace
}  // namespace randnla::test

#endif
