#include "app/program.hpp"

#include <randnla/io/npy.hpp>

#include <bzlib.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cmath>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;

std::string bzip2(std::string text) {
  std::string packed(text.size() + 1000, '\0');
  auto size = static_cast<unsigned>(packed.size());
  BZ2_bzBuffToBuffCompress(packed.data(), &size, text.data(), static_cast<unsigned>(text.size()), 9,
                           0, 0);
  packed.resize(size);
  return packed;
}

struct BadData {
  const char* name;
  std::string content;
  const char* reason;

  friend std::ostream& operator<<(std::ostream& out, const BadData& given) {
    return out << given.name;
  }
};

class BadFile : public testing::TestWithParam<BadData> {};

TEST_P(BadFile, IsRefusedByNameWithNothingWritten) {
  const TemporaryFolder folder;
  const std::string data = folder.write("data", GetParam().content);
  const std::string good = folder.write("good", small_libsvm(20));
  const Words outputs = {"--trace", folder.file("t.jsonl"), "--model", folder.file("m.npy"),
                         "--json"};
  Words words = {"train", "--data", data};
  words.insert(words.end(), outputs.begin(), outputs.end());
  expect_refusal(words, 3, data, folder);
  expect_refusal(words, 3, GetParam().reason, folder);
  if (GetParam().name == std::string("OneClass")) return;  // of which test data may be
  words = {"train", "--data", good, "--test", data};
  words.insert(words.end(), outputs.begin(), outputs.end());
  expect_refusal(words, 3, data, folder);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadFile,
    testing::Values(
        BadData{"Empty", "", "data"}, BadData{"BlankLines", "\n# nothing\n\n", "data"},
        BadData{"TruncatedBzip2", bzip2(small_libsvm(2000)).substr(0, 2000), "truncated"},
        BadData{"BinaryJunk", std::string("\x7f\x45\x4c\x46\x00\x01\xff\xfe\n", 9), "data:1:1"},
        BadData{"OneClass", "1 1:2\n1 1:3\n", "one class only"},
        BadData{"ThreeClasses", "1 1:2\n2 1:3\n3 1:1\n", ""},
        BadData{"NanFeature", "1 1:2\n-1 1:nan\n", "data:2:"},
        BadData{"InfiniteFeature", "1 1:2\n-1 1:inf\n", "data:2:"},
        BadData{"NanLabel", "nan 1:2\n-1 1:3\n", "data:1:"},
        BadData{"MissingLabel", "1 1:2\n1:3 2:1\n", "data:2:"},
        BadData{"AbsurdIndex", "1 1:2\n-1 99999999999:3\n", "data:2:"}),
    [](const auto& given) { return std::string(given.param.name); });

TEST(BadPath, IsRefused) {
  const TemporaryFolder folder;
  expect_refusal({"train", "--data", folder.file("none")}, 3, "none: ", folder);
  expect_refusal({"train", "--data", folder.file("")}, 3, "is a directory", folder);
  const std::string data = folder.write("data", small_libsvm(20));
  expect_refusal({"train", "--data", data, "--test", folder.file("none")}, 3, "none: ", folder);
}

TEST(BadOutput, IsFoundBeforeTheData) {
  const TemporaryFolder folder;
  const std::string none = folder.file("none");
  for (const char* option : {"--trace", "--model", "--plot"}) {
    const auto refused = [&](const std::string& path, int code, const char* reason) {
      expect_refusal({"train", "--data", none, option, path}, code, reason, folder);
    };
    refused(folder.file("no/such/folder"), 3, "cannot be written");
    refused(folder.file(""), 3, "is a directory");
    refused("/proc/randnla", 3, "cannot be written");
    refused("/dev/null", 3, "is not a plain file");
    refused(none, 2, "also read");
  }
  const std::string out = folder.file("out");
  expect_refusal({"train", "--data", none, "--trace", out, "--model", out}, 2, "written", folder);
}

TEST(BadUsage, IsRefused) {
  const TemporaryFolder folder;
  const auto refused = [&](Words options, const std::string& reason) {
    options.insert(options.begin(), {"train", "--data", "synthetic", "--rows", "50", "--trace",
                                     folder.file("t.jsonl")});
    expect_refusal(options, 2, reason, folder);
  };
  for (const char* option : {"--hessian-fraction", "--gradient-fraction", "--test-fraction"}) {
    for (const char* value : {"0", "2", "-0.5", "nan", "half"}) refused({option, value}, option);
  }
  for (const char* option : {"--loss", "--method", "--hessian", "--gradient", "--init", "--device",
                             "--precision", "--scale", "--preset", "--hessian-form", "--format"}) {
    refused({option, "other"}, option);
  }
  for (const char* option :
       {"--initial-radius", "--initial-sigma", "--min-sigma", "--gamma1", "--inner-iterations",
        "--eta1", "--eta2", "--failure-probability", "--lanczos-steps", "--cols", "--condition"}) {
    refused({option, "0"}, option);
    refused({option, "nan"}, option);
  }
  for (const char* option : {"--seed", "--eps-g", "--eps-h", "--l2", "--max-props", "--threads",
                             "--max-iterations", "--max-failures"}) {
    refused({option, "-1"}, option);
  }
  refused({"--unknown"}, "--unknown");
  refused({"--seed"}, "--seed");
  refused({"stray"}, "stray");
  refused({"new\nline"}, "new line");
  refused({"--labels", "1"}, "--labels");
  refused({"--labels", "1,1"}, "--labels");
  refused({"--storage", "dense"}, "--storage");
  refused({"--test-fraction", "0.001"}, "test");
  refused({"--test-fraction", "0.5", "--test", "x"}, "--test-fraction");
  refused({"--random-start", "--zero-start"}, "--zero-start");
  expect_refusal({}, 2, "subcommand", folder);
  expect_refusal({"fit"}, 2, "subcommand", folder);
  expect_refusal({"train"}, 2, "--data", folder);
  expect_refusal({"train", "--data", "file", "--cols", "3"}, 2, "--cols", folder);
  expect_refusal({"predict", "--data", "file"}, 2, "--model", folder);
}

TEST(BadModel, IsRefused) {
  const TemporaryFolder folder;
  const std::string data = folder.write("data", small_libsvm(20));
  const auto refused = [&](const std::string& model, const char* reason) {
    expect_refusal({"predict", "--model", model, "--data", data, "--out", folder.file("o.npy")}, 3,
                   reason, folder);
  };
  refused(folder.file("none"), "none: ");
  refused(data, "npy");
  write_npy(folder.file("short.npy"), {1});
  refused(folder.file("short.npy"), "is no model");
  write_npy(folder.file("nan.npy"), {1, std::nan(""), 2});
  refused(folder.file("nan.npy"), "not finite");
}

TEST(MissingDevice, EndsWithItsOwnCode) {
  if (run({"info", "--json"}).json()["cuda_devices"].size() > 0) GTEST_SKIP() << "there is one";
  const TemporaryFolder folder;
  expect_refusal({"train", "--data", "synthetic", "--device", "cuda"}, 4, "", folder);
}

TEST(HelpText, NamesEveryOption) {
  const Outcome help = run({"train", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* option : {"--data",
                             "--test",
                             "--test-fraction",
                             "--format",
                             "--label-column",
                             "--delimiter",
                             "--labels",
                             "--test-labels",
                             "--positive",
                             "--index-base",
                             "--test-index-base",
                             "--storage",
                             "--scale",
                             "--bias",
                             "--rows",
                             "--cols",
                             "--condition",
                             "--coherence",
                             "--label-noise",
                             "--data-seed",
                             "--loss",
                             "--loss-scale",
                             "--l2",
                             "--nonconvex",
                             "--init",
                             "--seed",
                             "--method",
                             "--preset",
                             "--hessian",
                             "--hessian-fraction",
                             "--hessian-size",
                             "--hessian-tolerance",
                             "--leverage-refresh",
                             "--hessian-form",
                             "--gradient",
                             "--gradient-fraction",
                             "--gradient-tolerance",
                             "--errors",
                             "--subproblem",
                             "--initial-radius",
                             "--max-radius",
                             "--initial-sigma",
                             "--min-sigma",
                             "--eta1",
                             "--eta2",
                             "--gamma1",
                             "--gamma2",
                             "--max-failures",
                             "--inner-iterations",
                             "--inner-tolerance",
                             "--random-start",
                             "--zero-start",
                             "--memory",
                             "--learning-rate",
                             "--momentum",
                             "--batch",
                             "--decay",
                             "--decay-factor",
                             "--decay-epochs",
                             "--monitor",
                             "--max-iterations",
                             "--max-props",
                             "--target-loss",
                             "--eps-g",
                             "--eps-h",
                             "--failure-probability",
                             "--lanczos-steps",
                             "--device",
                             "--precision",
                             "--threads",
                             "--trace",
                             "--model",
                             "--plot",
                             "--checkpoint",
                             "--checkpoint-seconds",
                             "--resume",
                             "--json",
                             "--quiet"}) {
    EXPECT_NE(help.out.find("  " + std::string(option) + " "), std::string::npos) << option;
  }
  EXPECT_NE(run({"--help"}).out.find("130"), std::string::npos);
  EXPECT_NE(run({"convert", "--help"}).out.find("randnla convert --in "), std::string::npos);
  const auto names = [](const std::string& command, const Words& options) {
    const std::string text = run({command, "--help"}).out;
    for (const std::string& option : options) {
      EXPECT_NE(text.find("  " + option + " "), std::string::npos) << command << option;
    }
  };
  names("predict", {"--model", "--data", "--out", "--link", "--threads", "--json"});
  names("figure1", {"--data", "--test", "--test-fraction", "--out", "--seeds", "--max-passes",
                    "--loss", "--l2", "--nonconvex", "--eps-g", "--eps-h", "--device", "--threads",
                    "--json", "--quiet"});
  names("complexity", {"--max-iterations", "--plot", "--json", "--quiet"});
  EXPECT_EQ(run({"--version"}).out.rfind("randnla ", 0), 0U);
}

TEST(HelpText, FitsHundredColumns) {
  for (const Words& words : {Words{"--help"},
                             {"train", "--help"},
                             {"predict", "--help"},
                             {"convert", "--help"},
                             {"figure1", "--help"},
                             {"complexity", "--help"},
                             {"info", "--help"},
                             {"nn", "--help"},
                             {"nn", "spectrum", "--help"},
                             {"nn", "landscape", "--help"}}) {
    const Outcome help = run(words);
    EXPECT_EQ(help.exit_code, 0);
    ASSERT_FALSE(help.out_lines().empty());
    for (const std::string& line : help.out_lines()) EXPECT_LE(line.size(), 100U) << line;
  }
}

/// A run without an end, whose trace has begun.
class LongRun : public testing::Test {
 protected:
  LongRun()
      : program({"train", "--data", "synthetic", "--rows", "3000", "--eps-g", "0", "--eps-h", "0",
                 "--max-iterations", "1000000000", "--max-failures", "0", "--trace", trace(),
                 "--model", model(), "--json"}) {
    for (int wait = 0; wait < 3000 && lines_of(bytes_of(trace())).size() < 3; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  std::string trace() const { return folder.file("trace.jsonl"); }
  std::string model() const { return folder.file("model.npy"); }

  TemporaryFolder folder;
  Program program;
};

TEST_F(LongRun, WritesWhatItHasWhenInterrupted) {
  program.send(SIGINT);
  const Outcome outcome = program.finish();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_EQ(outcome.json()["stop"], "interrupted");
  EXPECT_EQ(read_json_lines(trace()).size(), outcome.json()["iterations"]);
  EXPECT_EQ(read_npy(model()).size(), 51U);
}

TEST_F(LongRun, TraceIsOnTheDiskUpToTheLastIterationWhenKilled) {
  program.send(SIGKILL);
  EXPECT_EQ(program.finish().exit_code, -SIGKILL);
  EXPECT_EQ(bytes_of(trace()).back(), '\n');
  EXPECT_GE(read_json_lines(trace()).size(), 3U);
}

TEST_F(LongRun, EndsOnSigtermToo) {
  program.send(SIGTERM);
  EXPECT_EQ(program.finish().exit_code, 130);
  EXPECT_EQ(read_npy(model()).size(), 51U);
}

TEST(Interrupt, EndsAtOnceWhileTheDataAreMade) {
  Program program({"train", "--data", "synthetic", "--rows", "3000000"});
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  program.send(SIGINT);
  const Outcome outcome = program.finish();
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_EQ(outcome.out, "");
}

}  // namespace
}  // namespace randnla::test
