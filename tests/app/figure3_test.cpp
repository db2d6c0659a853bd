// `randnla figure3`: its table again from the traces.
#ifdef RANDNLA_TEST_TORCH

#include "app/program.hpp"
#include "app/xml.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;
using Json = nlohmann::json;

constexpr int seeds = 2;

Words figure_in(const std::string& folder) {
  return {"figure3",  "--json",      "--quiet", "--rows",          "210",  "--sizes",
          "64,8,10",  "--epochs",    "8",       "--seeds",         "2",    "--batch",
          "20",       "--max-ratio", "4",       "--learning-rate", "0.05", "--eps",
          "0.01,0.3", "--threads",   "1",       "--out",           folder};
}

std::vector<Json> last_epochs(const std::string& folder, const std::string& variant) {
  std::vector<Json> last;
  for (int seed = 1; seed <= seeds; ++seed) {
    const auto epochs =
        read_json_lines(folder + "/traces/" + variant + "-" + std::to_string(seed) + ".jsonl");
    EXPECT_EQ(epochs.size(), 8U) << variant;
    last.push_back(epochs.back());
  }
  return last;
}

TEST(Figure3, ItsTableIsThatOfTheTraces) {
  const TemporaryFolder folder;
  const std::string out = folder.file("figure");
  const Outcome outcome = run(figure_in(out));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = outcome.json();
  const Words files = {"small", "large", "large-scaled", "abs", "absa"};
  ASSERT_EQ(json["variants"].size(), files.size());
  for (std::size_t v = 0; v < files.size(); ++v) {
    SCOPED_TRACE(files[v]);
    const Json& row = json["variants"][v];
    EXPECT_EQ(row["runs"], seeds);
    const std::vector<Json> last = last_epochs(out, files[v]);
    for (const auto& [column, key] :
         {std::pair("accuracy", "test_accuracy"), std::pair("gradients", "gradients")}) {
      const auto [least, most] =
          std::minmax({last[0][key].get<double>(), last[1][key].get<double>()});
      EXPECT_EQ(row[column]["median"], least);
      EXPECT_EQ(row[column]["least"], least);
      EXPECT_EQ(row[column]["most"], most);
    }
    // 11 updates an epoch, of 80 images 3; what adapts is in between.
    const int updates = row["updates"]["median"].get<int>();
    EXPECT_LE(updates, v == 1 || v == 2 ? 24 : 88);
    EXPECT_GE(updates, v == 0 ? 88 : 24);
    EXPECT_EQ(last[0]["learning_rate"].get<double>(),
              v == 2 ? 0.2 : 0.05 * last[0]["batch"].get<double>() / (v == 1 ? 80 : 20));
    EXPECT_GT(row["eigenvalue"]["least"].get<double>(), 0);
    EXPECT_LE(row["attacked 0.3"]["most"].get<double>(),
              row["attacked 0.01"]["most"].get<double>());
  }
  const Json& small = json["variants"][0];
  EXPECT_GT(small["accuracy"]["least"].get<double>(), 0.5);
  EXPECT_LT(small["attacked 0.3"]["most"].get<double>(), 0.1);
  const std::string svg = bytes_of(out + "/figure3.svg");
  EXPECT_TRUE(is_well_formed(svg));
  for (const char* const name : {"small batch", "large batch, scaled", "ABSA", "Test accuracy",
                                 "Training loss", "Batch", "Largest eigenvalue after an epoch",
                                 "Batch against eigenvalue", "Accuracy under attacks"}) {
    EXPECT_NE(svg.find(name), std::string::npos) << name;
  }
  EXPECT_TRUE(bytes_of(out + "/table.csv").starts_with("variant,runs,updates,updates least,"));
}

TEST(Figure3, ShowsWhatThereIsWhenItIsKilled) {
  const TemporaryFolder folder;
  const std::string out = folder.file("figure");
  Words words = figure_in(out);
  words.insert(words.end(), {"--seeds", "1000"});
  const Program program(words);
  // The second seed's first run has begun: there is a table of the first one's.
  while (!std::filesystem::exists(out + "/traces/small-2.jsonl")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  program.send(SIGKILL);
  const auto lines = lines_of(bytes_of(out + "/table.csv"));
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_TRUE(lines[5].starts_with("\"ABSA\",1,")) << lines[5];
  EXPECT_TRUE(is_well_formed(bytes_of(out + "/figure3.svg")));
}

TEST(Figure3, RefusesWhatItCannotDo) {
  const TemporaryFolder folder;
  Words words = figure_in(folder.file("figure"));
  words.insert(words.end(), {"--eps", "0.2,0.1"});
  expect_refusal(words, 2, "ascending", folder);
  words = figure_in(folder.file("figure"));
  words.insert(words.end(), {"--model", "c1"});
  expect_refusal(words, 2, "3 x 32 x 32", folder);
  words = figure_in(folder.file("figure"));
  words.insert(words.end(), {"--eigenvalue-rows", "0"});
  expect_refusal(words, 2, "--eigenvalue-rows", folder);
}

}  // namespace
}  // namespace randnla::test

#endif
