// Runs that are killed and go on from their checkpoint.
#include "app/program.hpp"

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

/// Lines of a trace without what no two runs have in common.
std::vector<Json> timeless(const std::string& path) {
  std::vector<Json> rows = read_json_lines(path);
  for (Json& row : rows) row.erase("seconds"), row.erase("phases");
  return rows;
}

class Resume : public testing::Test {
 protected:
  /// Sampled gradients and Hessians, both of adapted sizes, so that there is much to go wrong.
  Words command(const std::string& method) const {
    return {"train", "--json",     "--quiet",  "--data",      "synthetic", "--rows",
            "400",   "--cols",     "5",        "--condition", "3",         "--method",
            method,  "--gradient", "adaptive", "--hessian",   "leverage",  "--hessian-fraction",
            "0.1",   "--eps-g",    "0",        "--eps-h",     "0"};
  }
  Words outputs(const std::string& name) const {
    return {"--trace", folder.file(name + ".jsonl"), "--model", folder.file(name + ".npy")};
  }
  /// Starts a run without an end and kills it once it has a checkpoint.
  void kill_with_checkpoint(const Words& words) {
    Program program(words + Words{"--checkpoint", checkpoint, "--checkpoint-seconds", "0",
                                  "--max-iterations", "1000000000"});
    for (int wait = 0; wait < 3000 && !std::filesystem::exists(checkpoint); ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    program.send(SIGKILL);
    EXPECT_EQ(program.finish().exit_code, -SIGKILL);
    ASSERT_TRUE(std::filesystem::exists(checkpoint));
  }
  Words resume() const { return {"--checkpoint", checkpoint, "--resume"}; }

  TemporaryFolder folder;
  const std::string checkpoint = folder.file("checkpoint");
};

class ResumeMethod : public Resume, public testing::WithParamInterface<const char*> {};

TEST_P(ResumeMethod, EndsWhereTheUninterruptedRunEnds) {
  kill_with_checkpoint(command(GetParam()) + outputs("killed"));
  // As far again as the killed run's trace went, which is beyond its checkpoint.
  const std::size_t done = lines_of(bytes_of(folder.file("killed.jsonl"))).size();
  const Words limit = {"--max-iterations", std::to_string(2 * done + 20)};

  const Outcome resumed = run(command(GetParam()) + limit + outputs("killed") + resume());
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  const Outcome whole = run(command(GetParam()) + limit + outputs("whole"));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;

  const Json a = resumed.json(), b = whole.json();
  for (const char* key :
       {"loss", "initial_loss", "gradient_norm", "lambda_min", "lambda_min_bound", "iterations",
        "accepted", "props", "oracle_calls", "data_passes", "stop", "train_accuracy", "options"}) {
    EXPECT_EQ(a[key], b[key]) << key;
  }
  EXPECT_GE(a["iterations"], done);
  EXPECT_EQ(bytes_of(folder.file("killed.npy")), bytes_of(folder.file("whole.npy")));
  const std::vector<Json> rows = timeless(folder.file("killed.jsonl")),
                          expected = timeless(folder.file("whole.jsonl"));
  ASSERT_EQ(rows.size(), expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], expected[i]);
}

INSTANTIATE_TEST_SUITE_P(All, ResumeMethod, testing::Values("tr", "arc", "gauss-newton"),
                         [](const auto& given) {
                           return std::string(given.param).substr(0, 5) == "gauss"
                                      ? std::string("gauss_newton")
                                      : std::string(given.param);
                         });

TEST_F(Resume, BeginsAtTheBeginningWhereThereIsNoCheckpointYet) {
  const Words limit = {"--max-iterations", "20"};
  const Outcome resumed = run(command("tr") + limit + outputs("a") + resume());
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(resumed.json()["loss"], run(command("tr") + limit).json()["loss"]);
  EXPECT_EQ(read_json_lines(folder.file("a.jsonl")).size(), 20U);
  EXPECT_FALSE(std::filesystem::exists(checkpoint)) << "within a minute there is none";
}

TEST_F(Resume, WithoutResumeARunBeginsAnewDespiteACheckpoint) {
  kill_with_checkpoint(command("tr"));
  const Outcome outcome = run(command("tr") + Words{"--max-iterations", "2", "--checkpoint",
                                                    checkpoint, "--trace", folder.file("t")});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["iterations"], 2);
  EXPECT_EQ(read_json_lines(folder.file("t")).size(), 2U);
}

TEST_F(Resume, TellsWhereItGoesOn) {
  const Words first = {"train",     "--data", "synthetic", "--rows", "200",          "--cols",  "4",
                       "--hessian", "full",   "--eps-g",   "0",      "--checkpoint", checkpoint};
  ASSERT_EQ(run(first + Words{"--max-iterations", "5", "--checkpoint-seconds", "0"}).exit_code, 0);
  const Outcome resumed = run(first + Words{"--max-iterations", "7", "--resume"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find(checkpoint + ": going on after iteration "), std::string::npos)
      << resumed.out;
}

TEST_F(Resume, AnotherRunsCheckpointIsRefusedByName) {
  kill_with_checkpoint(command("tr"));
  const std::string before = bytes_of(checkpoint);
  const auto refused = [&](const Words& other, const std::string& reason) {
    expect_refusal(command("tr") + resume() + outputs("other") + other, 2, reason, folder);
  };
  refused({"--seed", "2"}, "seed");
  refused({"--eta1", "0.7"}, "eta1");
  refused({"--eta2", "0.01"}, "eta2");
  refused({"--gamma1", "3"}, "gamma1");
  refused({"--gamma2", "1.5"}, "gamma2");
  refused({"--hessian-fraction", "0.2"}, "hessian.fraction");
  refused({"--hessian", "uniform"}, "hessian.sampling");
  refused({"--leverage-refresh", "3"}, "hessian.refresh");
  refused({"--gradient", "uniform"}, "gradient.rule");
  refused({"--inner-iterations", "3"}, "inner_iterations");
  refused({"--zero-start"}, "random_start");
  refused({"--max-failures", "7"}, "max_failures");
  refused({"--eps-g", "1e-3"}, "eps_g");
  refused({"--method", "arc"}, "cubic_newton");
  refused({"--method", "gauss-newton"}, "hessian.curvature");
  refused({"--subproblem", "gltr"}, "ball");
  refused({"--precision", "f32"}, "scalar_bytes");
  refused({"--loss", "logistic"}, "another loss");
  refused({"--l2", "0.01"}, "another loss");
  refused({"--data-seed", "2"}, "other data");
  refused({"--rows", "401"}, "400 terms");
  refused({"--cols", "6"}, "5 dimensions");
  EXPECT_EQ(bytes_of(checkpoint), before);
}

TEST_F(Resume, LimitsAndOutputsMayChange) {
  kill_with_checkpoint(command("tr"));
  const Outcome outcome = run(command("tr") + resume() + outputs("a") +
                              Words{"--max-iterations", "1", "--max-props", "1e12", "--plot",
                                    folder.file("a.svg"), "--threads", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = outcome.json();
  EXPECT_EQ(json["stop"], "max_iterations");
  EXPECT_GE(json["iterations"], 1) << "as many as the checkpoint has";
  EXPECT_EQ(read_json_lines(folder.file("a.jsonl")).size(), json["iterations"]);
  EXPECT_TRUE(std::filesystem::exists(folder.file("a.svg")));
}

TEST_F(Resume, ACorruptCheckpointIsRefused) {
  kill_with_checkpoint(command("tr"));
  const std::string good = bytes_of(checkpoint);
  const auto refused = [&](const std::string& bytes) {
    folder.write("checkpoint", bytes);
    expect_refusal(command("tr") + resume() + outputs("other"), 3, checkpoint, folder);
  };
  refused("");
  refused("no checkpoint\n");
  refused(good.substr(0, good.size() / 2));
  refused(good.substr(0, good.size() - 1));
  refused(good + "x");
  for (const std::size_t at : {good.size() / 3, good.size() / 2, good.size() - 1}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    refused(bad);
  }
}

TEST_F(Resume, ACheckpointThatCannotBeWrittenIsToldBeforeTheRun) {
  expect_refusal(command("tr") + Words{"--checkpoint", folder.file("no/folder")}, 3,
                 "cannot be written", folder);
  const std::string data = folder.write("data", small_libsvm(20));
  expect_refusal({"train", "--data", data, "--checkpoint", data}, 2, "also read", folder);
}

}  // namespace
}  // namespace randnla::test
