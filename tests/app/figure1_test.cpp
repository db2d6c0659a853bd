// The figure's files against each other: every number of the table again from the traces.
#include "app/program.hpp"
#include "app/xml.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
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

/// Fields of a line of CSV, of which some are in quotes.
Words fields(const std::string& line) {
  Words out(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

const std::vector<std::pair<std::string, std::string>> variants = {
    {"TR Full", "tr-full"},
    {"TR SubH", "tr-subh"},
    {"TR SubH, row norms", "tr-row-norm"},
    {"TR SubH, leverage", "tr-leverage"},
    {"TR Inexact", "tr-inexact"},
    {"TR error-driven", "tr-error-driven"},
    {"ARC Full", "arc-full"},
    {"ARC SubH", "arc-subh"},
    {"ARC SubH, row norms", "arc-row-norm"},
    {"ARC SubH, leverage", "arc-leverage"},
    {"ARC Inexact", "arc-inexact"},
    {"ARC error-driven", "arc-error-driven"},
    {"SCR (Lanczos)", "scr-lanczos"},
    {"SCR (GD)", "scr-gd"}};

bool has_rsvg_convert() {
  std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
  std::replace(path.begin(), path.end(), ':', '\n');
  const Words folders = lines_of(path);
  return std::any_of(folders.begin(), folders.end(), [](const std::string& folder) {
    return std::filesystem::exists(folder + "/rsvg-convert");
  });
}

class Figure1 : public testing::Test {
 protected:
  Words command(const std::string& data_seed = "7") const {
    return {"figure1", "--data",        "synthetic", "--rows",
            "240",     "--cols",        "4",         "--condition",
            "3",       "--label-noise", "0.2",       "--test-fraction",
            "0.25",    "--data-seed",   data_seed,   "--max-passes",
            "60",      "--quiet",       "--out",     out};
  }
  std::string file(const std::string& name) const { return out + "/" + name; }
  std::vector<Json> trace(const std::string& variant, int seed) const {
    return read_json_lines(file("traces/" + variant + "-" + std::to_string(seed) + ".jsonl"));
  }

  TemporaryFolder folder;
  const std::string out = folder.file("deep/figure");
};

/// What two runs of a variant say, the smaller number each: the lower one of two is the median.
struct Expected {
  double loss = std::numeric_limits<double>::infinity(), test_error = loss;
  std::vector<double> props = std::vector<double>(4, loss);
};

TEST_F(Figure1, TableAndJsonAreTheMediansOfTheTraces) {
  const Outcome outcome = run(command() + Words{"--seeds", "2", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out_lines().size(), 1U);
  const Json json = outcome.json();

  std::map<std::string, std::vector<std::vector<Json>>> traces;
  double best = std::numeric_limits<double>::infinity();
  for (const auto& [name, prefix] : variants) {
    for (const int seed : {1, 2}) {
      traces[prefix].push_back(trace(prefix, seed));
      ASSERT_FALSE(traces[prefix].back().empty()) << prefix;
      for (const Json& row : traces[prefix].back()) best = std::min<double>(best, row["loss"]);
    }
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(file("traces")), {}), 28);
  EXPECT_EQ(json["best_loss"], best);
  const std::vector<double> gaps = {1e-2, 1e-3, 1e-4, 1e-6};
  EXPECT_EQ(json["gaps"], gaps);

  const Words lines = lines_of(bytes_of(file("table.csv")));
  ASSERT_EQ(lines.size(), variants.size() + 1);
  EXPECT_EQ(fields(lines[0])[0], "variant");
  ASSERT_EQ(json["variants"].size(), variants.size());
  for (std::size_t k = 0; k < variants.size(); ++k) {
    SCOPED_TRACE(variants[k].first);
    Expected expected;
    for (const std::vector<Json>& rows : traces[variants[k].second]) {
      double least = std::numeric_limits<double>::infinity();
      std::vector<bool> reached(gaps.size());
      for (const Json& row : rows) {
        least = std::min<double>(least, row["loss"]);
        for (std::size_t i = 0; i < gaps.size(); ++i) {
          if (reached[i] || row["loss"] > best + gaps[i]) continue;
          reached[i] = true;
          expected.props[i] = std::min<double>(expected.props[i], row["props"]);
        }
      }
      expected.loss = std::min(expected.loss, least);
      // None where no step was taken: no test was made.
      if (rows.back()["test_error"].is_null()) continue;
      expected.test_error = std::min<double>(expected.test_error, rows.back()["test_error"]);
      // So many propagations as the budget has, but for the last iteration.
      EXPECT_LT(rows.size() < 2 ? 0 : rows[rows.size() - 2]["props"].get<double>(), 60 * 180);
    }
    const Json& row = json["variants"][k];
    const Words cells = fields(lines[k + 1]);
    ASSERT_EQ(cells.size(), 9U);
    EXPECT_EQ(cells[0], variants[k].first);
    EXPECT_EQ(row["variant"], variants[k].first);
    EXPECT_EQ(row["loss"], expected.loss);
    EXPECT_NEAR(std::stod(cells[5]), expected.loss, 1e-9 * expected.loss) << "ten digits";
    EXPECT_EQ(row["test_error"], expected.test_error);
    EXPECT_NEAR(std::stod(cells[6]), expected.test_error, 1e-3 * expected.test_error);
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      const bool never = expected.props[i] == std::numeric_limits<double>::infinity();
      EXPECT_EQ(row["props"][i], never ? Json() : Json(expected.props[i]));
      EXPECT_EQ(cells[i + 1].empty(), never);
      if (!never) {
        EXPECT_NEAR(std::stod(cells[i + 1]), expected.props[i], 1e-3 * expected.props[i]);
      }
    }
    EXPECT_EQ(cells[7], std::to_string(row["certified"].get<int>()));
    EXPECT_EQ(cells[8], "2");
    EXPECT_EQ(row["runs"], 2);
  }
  // The test errors are parts of 60 test rows.
  const double errors = 60 * traces["tr-full"][0].back()["test_error"].get<double>();
  EXPECT_NEAR(errors, std::round(errors), 1e-9);
}

TEST_F(Figure1, PictureHasACurveForEveryVariantInItsTwoPanels) {
  const Outcome outcome = run(command() + Words{"--seeds", "1", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string svg = bytes_of(file("figure1.svg"));
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(outcome.json()["svg"], file("figure1.svg"));
  EXPECT_EQ(outcome.json()["table"], file("table.csv"));
  Words panels;
  for (std::size_t at = svg.find("<g transform"); at != std::string::npos;) {
    const std::size_t next = svg.find("<g transform", at + 1);
    panels.push_back(svg.substr(at, next - at));
    at = next;
  }
  ASSERT_EQ(panels.size(), 4U);
  const Words titles = {"Trust region: training loss", "Trust region: test error",
                        "Cubic regularisation: training loss", "Cubic regularisation: test error"};
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NE(panels[k].find(titles[k]), std::string::npos);
    EXPECT_EQ(count(panels[k], "<polyline"), k < 2 ? 6U : 8U) << titles[k];
    for (const auto& [name, file] : variants) {
      EXPECT_EQ(count(panels[k], ">" + name + "</text>"), (name[0] == 'T') == (k < 2) ? 1U : 0U)
          << name;
    }
  }
}

TEST_F(Figure1, PngIsMadeWhereThereIsAProgramForIt) {
  const std::string before = std::getenv("PATH");
  const auto png = [&] {
    const Json json = run(command() + Words{"--seeds", "1", "--json"}).json();
    EXPECT_EQ(json["png"].is_string(), std::filesystem::exists(file("figure1.png")));
    return json["png"];
  };
  ::setenv("PATH", folder.path().c_str(), 1);
  const Json without = png();
  const Outcome text = run(command() + Words{"--seeds", "1"});
  ::setenv("PATH", before.c_str(), 1);
  EXPECT_TRUE(without.is_null());
  EXPECT_NE(text.out.find("No figure1.png"), std::string::npos);
  EXPECT_EQ(text.exit_code, 0);
  if (!has_rsvg_convert()) GTEST_SKIP() << "no rsvg-convert";
  EXPECT_EQ(png(), file("figure1.png"));
  EXPECT_EQ(bytes_of(file("figure1.png")).substr(1, 3), "PNG");
}

TEST_F(Figure1, TextTableHasTheNumbersOfTheFile) {
  const Outcome outcome = run(command() + Words{"--seeds", "1", "--loss", "logistic"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Words table = lines_of(bytes_of(file("table.csv")));
  for (std::size_t k = 0; k < variants.size(); ++k) {
    const std::size_t at = outcome.out.find("\n" + variants[k].first + "  ");
    ASSERT_NE(at, std::string::npos) << variants[k].first;
    const std::string row = outcome.out.substr(at + 1, outcome.out.find('\n', at + 1) - at - 1);
    char loss[32];
    std::snprintf(loss, sizeof loss, "%.8f", std::stod(fields(table[k + 1])[5]));
    EXPECT_NE(row.find(loss), std::string::npos) << row << "; " << loss;
    EXPECT_EQ(row.substr(row.size() - 2), "/1");
  }
}

TEST_F(Figure1, InterruptLeavesTableAndPictureOfWhatThereIs) {
  Program program(command() + Words{"--seeds", "100000", "--json"});
  for (int wait = 0; wait < 3000 && !std::filesystem::exists(file("traces/tr-full-3.jsonl"));
       ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  program.send(SIGINT);
  const Outcome outcome = program.finish();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  const Words table = lines_of(bytes_of(file("table.csv")));
  ASSERT_EQ(table.size(), 2U);
  const auto traces = std::distance(std::filesystem::directory_iterator(file("traces")), {});
  EXPECT_GE(traces, 3);
  EXPECT_EQ(fields(table[1])[0], "TR Full");
  EXPECT_EQ(fields(table[1])[8], std::to_string(traces));
  EXPECT_TRUE(is_well_formed(bytes_of(file("figure1.svg"))));
  ASSERT_EQ(outcome.out_lines().size(), 1U);
  EXPECT_EQ(outcome.json()["variants"][0]["runs"], traces);
}

TEST_F(Figure1, WrongUseIsRefused) {
  const Words data = {"figure1", "--data", "synthetic", "--rows", "50", "--out", out};
  expect_refusal(data, 2, "needs test data", folder);
  expect_refusal({"figure1", "--data", folder.file("none"), "--out", out}, 2, "needs test data",
                 folder);
  expect_refusal({"figure1", "--data", "synthetic", "--test-fraction", "0.5"}, 2, "--out", folder);
  const Words tested = data + Words{"--test-fraction", "0.5"};
  expect_refusal(tested + Words{"--loss", "softmax"}, 2, "--loss", folder);
  expect_refusal(tested + Words{"--seeds", "0"}, 2, "--seeds", folder);
  expect_refusal(tested + Words{"--max-passes", "0"}, 2, "--max-passes", folder);
  folder.write("file", "");
  expect_refusal(tested + Words{"--out", folder.file("file/figure")}, 3, "cannot be made", folder);
}

}  // namespace
}  // namespace randnla::test
