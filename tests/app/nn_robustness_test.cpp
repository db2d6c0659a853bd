// `randnla nn robustness`: accuracies against those of the library's other commands and of networks
// whose answer is known.
#include "app/program.hpp"
#include "app/xml.hpp"

#include <randnla/io/npy.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;
using Json = nlohmann::json;

TEST(NetworkRobustnessUsage, OptionsAreRefusedByName) {
  const TemporaryFolder folder;
  const auto refused = [&](const Words& more, const std::string& reason) {
    Words words{"nn", "robustness"};
    words.insert(words.end(), more.begin(), more.end());
    expect_refusal(words, 2, reason, folder);
  };
  refused({}, "--weights FILE.npy or --checkpoint FILE");
  refused({"--weights", "w.npy", "--checkpoint", "c"}, "--weights FILE.npy or --checkpoint FILE");
  refused({"--weights", "w.npy", "--model", "c1"}, "--checkpoint FILE");
  refused({"--weights", "w.npy", "--eps", "0.2,0.1"}, "--eps");
  refused({"--weights", "w.npy", "--eps", "0"}, "--eps");
  refused({"--weights", "w.npy", "--steps", "0"}, "--steps");
  refused({"--weights", "w.npy", "--step-size", "0"}, "--step-size");
  refused({"--weights", "w.npy", "--micro-batch", "0"}, "--micro-batch");
}

#ifdef RANDNLA_TEST_TORCH

class NetworkRobustness : public testing::Test {
 protected:
  static Words command(const std::string& name, const Words& more) {
    Words words{"nn", name, "--rows", "300", "--sizes", "64,8,10", "--threads", "1", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static Json result(const Words& words) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.json();
  }
  /// Leaves weights and a checkpoint.
  Json train(const std::string& seed = "1") {
    return result(
        command("train", {"--epochs", "15", "--batch", "20", "--learning-rate", "0.1", "--seed",
                          seed, "--save-weights", weights, "--checkpoint", checkpoint}));
  }

  TemporaryFolder folder;
  const std::string weights = folder.file("w.npy"), checkpoint = folder.file("run"),
                    plot = folder.file("plot.svg");
};

TEST_F(NetworkRobustness, OfATrainedNetwork) {
  const Json last = train()["trace"].back();
  const Words attack{"--weights", weights, "--eps", "0.05,0.1,0.5", "--plot", plot};
  const Outcome outcome = run(command("robustness", attack));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const Json json = outcome.json();
  EXPECT_EQ(json["accuracy"], last["test_accuracy"]);
  EXPECT_EQ(json["loss"], last["test_loss"]);
  EXPECT_EQ(json["test_rows"], 1000);
  // A line for each eps, and the object at the end has them, too.
  ASSERT_EQ(outcome.out_lines().size(), 4U);
  ASSERT_EQ(json["attacked"].size(), 3U);
  double before = json["accuracy"].get<double>();
  for (std::size_t k = 0; k < 3; ++k) {
    const Json& row = json["attacked"][k];
    EXPECT_EQ(Json::parse(outcome.out_lines()[k]), row);
    // Of these images steps find no less than one leap does.
    EXPECT_LE(row["pgd"].get<double>(), row["fgsm"].get<double>() + 0.01);
    EXPECT_LT(row["fgsm"].get<double>(), before);
    before = row["fgsm"].get<double>();
  }
  EXPECT_GT(json["accuracy"].get<double>(), 0.8);
  EXPECT_LT(before, 0.05);
  const std::string svg = bytes_of(plot);
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(count(svg, "<polyline"), 2U);
  EXPECT_NE(svg.find("FGSM"), std::string::npos);
  EXPECT_NE(svg.find("PGD"), std::string::npos);

  // The checkpoint has the same network, and one full step is FGSM.
  const Json from_checkpoint =
      result(command("robustness", {"--checkpoint", checkpoint, "--eps", "0.05,0.1,0.5", "--steps",
                                    "1", "--step-size", "1"}));
  EXPECT_EQ(from_checkpoint["accuracy"], json["accuracy"]);
  for (std::size_t k = 0; k < 3; ++k) {
    const Json& row = from_checkpoint["attacked"][k];
    EXPECT_EQ(row["fgsm"], json["attacked"][k]["fgsm"]);
    EXPECT_EQ(row["pgd"], row["fgsm"]);
  }
  // From elsewhere in the ball a short step leaves the image there, which is no attack.
  const Json elsewhere =
      result(command("robustness", {"--checkpoint", checkpoint, "--eps", "0.1", "--steps", "1",
                                    "--step-size", "1e-6", "--random-start"}));
  EXPECT_NEAR(elsewhere["attacked"][0]["pgd"].get<double>(), json["accuracy"].get<double>(), 0.05);
  EXPECT_NE(elsewhere["attacked"][0]["pgd"], elsewhere["attacked"][0]["fgsm"]);
}

TEST_F(NetworkRobustness, InWords) {
  train();
  Words words = command("robustness", {"--weights", weights, "--eps", "0.1,0.5"});
  words.erase(std::find(words.begin(), words.end(), "--json"));
  const Outcome outcome = run(words);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto lines = outcome.out_lines();
  ASSERT_EQ(lines.size(), 5U) << outcome.out;
  EXPECT_EQ(lines[0].rfind("1000 test images of synthetic, loss ", 0), 0U) << lines[0];
  EXPECT_EQ(lines[1], "       eps      FGSM       PGD");
  EXPECT_EQ(lines[3].substr(0, 10), "       0.1");
}

TEST_F(NetworkRobustness, AConstantNetworkIsNotAttacked) {
  // Of the ten outputs the biases decide: class 3, which a tenth of the images are of.
  std::vector<double> values(64 * 8 + 8 + 8 * 10 + 10, 0.0);
  values[values.size() - 10 + 3] = 1;
  write_npy(weights, values);
  const Json json = result(command("robustness", {"--weights", weights, "--eps", "0.5"}));
  EXPECT_EQ(json["accuracy"], 0.1);
  EXPECT_EQ(json["attacked"][0]["fgsm"], 0.1);
  EXPECT_EQ(json["attacked"][0]["pgd"], 0.1);
}

TEST_F(NetworkRobustness, RefusesAnotherNetworkOrRun) {
  train("3");
  const auto refused = [&](const Words& more, int code, const std::string& reason) {
    Words words = command("robustness", more);
    words.insert(words.end(), {"--eps", "0.1", "--plot", plot});
    expect_refusal(words, code, reason, folder);
  };
  refused({"--checkpoint", checkpoint}, 2, "another --seed than 1");
  refused({"--checkpoint", checkpoint, "--seed", "3", "--rows", "299"}, 2, "--rows");
  refused({"--checkpoint", checkpoint, "--seed", "3", "--sizes", "64,9,10"}, 2, "1.weight");
  refused({"--checkpoint", checkpoint, "--seed", "3", "--sizes", "64,10"}, 2, checkpoint);
  refused({"--checkpoint", weights}, 3, weights);
  refused({"--checkpoint", folder.file("none")}, 3, "none");
  refused({"--weights", weights, "--sizes", "64,9,10"}, 3, "610 numbers");
  refused({"--weights", plot}, 2, plot);
}

#endif

}  // namespace
}  // namespace randnla::test
