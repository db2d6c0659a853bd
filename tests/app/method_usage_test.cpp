// Options that a method, a loss or a model has no use for.
#include "app/program.hpp"

#include <randnla/io/npy.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

class MethodUsage : public testing::Test {
 protected:
  TemporaryFolder folder;
  const std::string trace = folder.file("trace.jsonl");
  const Words synthetic = {"--data", "synthetic", "--rows", "300", "--cols", "4"};
};

TEST_F(MethodUsage, OptionsThatSayNothingToTheMethodAreRefused) {
  const auto refused = [&](const Words& words) {
    expect_refusal(Words{"train"} + synthetic + Words{"--trace", trace} + words, 2, words.front(),
                   folder);
  };
  for (const char* method : {"tr", "scr-lanczos", "sgd"}) {
    refused({"--memory", "3", "--method", method});
  }
  for (const char* method : {"arc", "lbfgs"}) {
    for (const char* option : {"--learning-rate", "--momentum", "--batch", "--decay-factor",
                               "--decay-epochs", "--monitor"}) {
      refused({option, option == std::string("--momentum") ? "0" : "1", "--method", method});
    }
    refused({"--decay", "none", "--method", method});
  }
  for (const char* method : {"lbfgs", "scr-gd"}) {
    for (const char* option : {"--eta1", "--eta2", "--initial-radius", "--max-radius",
                               "--min-sigma", "--hessian-tolerance", "--gradient-tolerance"}) {
      refused({option, "0.5", "--method", method});
    }
    for (const char* option : {"--gamma1", "--gamma2", "--max-failures", "--leverage-refresh",
                               "--inner-iterations", "--checkpoint"}) {
      refused({option, "2", "--method", method});
    }
    refused({"--random-start", "--method", method});
    refused({"--zero-start", "--method", method});
    refused({"--hessian", "full", "--method", method});
    refused({"--hessian-size", "fixed", "--method", method});
    refused({"--hessian-form", "passes", "--method", method});
    refused({"--gradient", "full", "--method", method});
    refused({"--errors", "exact", "--method", method});
    refused({"--subproblem", "gltr", "--method", method});
  }
  for (const char* method : {"lbfgs", "sgd"}) {
    for (const char* option : {"--hessian-fraction", "--gradient-fraction", "--initial-sigma"}) {
      refused({option, "0.5", "--method", method});
    }
  }
  for (const char* method : {"tr", "gauss-newton"}) {
    refused({"--initial-sigma", "1", "--method", method});
    refused({"--min-sigma", "1", "--method", method});
    refused({"--subproblem", "arcqk", "--method", method});
    refused({"--subproblem", "lanczos", "--method", method});
  }
  refused({"--initial-radius", "1", "--method", "arc"});
  refused({"--max-radius", "1", "--method", "arc"});
  refused({"--random-start", "--method", "arc"});
  refused({"--zero-start", "--method", "arc"});
  refused({"--subproblem", "gltr", "--method", "arc"});
  refused({"--subproblem", "steihaug", "--method", "arc"});
  for (const char* loss : {"nls", "logistic", "squared", "softmax"}) {
    refused({"--loss-scale", "1", "--loss", loss});
  }
  refused({"--resume"});
  refused({"--checkpoint-seconds", "5"});
  refused({"--checkpoint-seconds", "-1", "--checkpoint", folder.file("c")});
}

TEST_F(MethodUsage, ALinkThatIsNotTheModelsIsRefused) {
  const std::string one = folder.file("one.npy"), three = folder.file("three.npy");
  write_npy(one, {1, 2, 3, 4});
  const std::vector<double> values(12, 1.0);
  write_npy_matrix<double>(three, DenseRows<double, Cpu>{values.data(), 3, 4});
  const auto refused = [&](const std::string& file, const std::string& link) {
    expect_refusal({"predict", "--model", file, "--data", folder.file("data"), "--link", link}, 2,
                   "--link " + link, folder);
  };
  refused(one, "softmax");
  refused(three, "sigmoid");
  refused(three, "identity");
}

TEST_F(MethodUsage, LabelsThatAreNotTheLosssAreRefused) {
  const std::string text = folder.write("text.csv", "1,red\n2,green\n3,blue\n");
  const auto refused = [&](const std::string& loss, const std::string& reason) {
    expect_refusal({"train", "--data", text, "--loss", loss, "--trace", trace}, 3, reason, folder);
  };
  refused("squared", "labels are text");
  refused("nls", text);
}

}  // namespace
}  // namespace randnla::test
