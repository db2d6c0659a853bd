// Data of every format on the command line, and what is drawn of a run.
#include "app/program.hpp"
#include "app/xml.hpp"
#include "support/compress.hpp"
#include "support/data_path.hpp"

#include <randnla/io/npy.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <fstream>
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

/// The same small problem as CSV: three labels, of which 2 is told by the first feature.
std::string small_csv(const Words& labels, bool header) {
  std::string text = header ? "a,b,class\n" : "";
  for (int i = 0; i < 60; ++i) {
    const int label = i * 7 % 3;
    text += std::to_string(label == 2 ? i % 5 + 1 : -(i % 4) - 1) + "," + std::to_string(i % 11) +
            ".5," + labels[static_cast<std::size_t>(label)] + "\n";
  }
  return text;
}

const Words fit = {"--hessian", "full", "--max-iterations", "30", "--init", "zeros", "--json"};

class DataFiles : public testing::Test {
 protected:
  void expect_refusal(const Words& words, int code, const std::string& reason) {
    const Words before = folder.names();
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, code) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    ASSERT_EQ(outcome.err_lines().size(), 1U) << outcome.err;
    EXPECT_NE(outcome.err.find(reason), std::string::npos) << outcome.err;
    EXPECT_EQ(folder.names(), before);
  }
  Json fitted(const Words& options) {
    const Outcome outcome = run(Words{"train"} + options + fit);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.exit_code == 0 ? outcome.json() : Json();
  }
  Json converted(const Words& options) {
    const Outcome outcome = run(Words{"convert", "--json"} + options);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.exit_code == 0 ? outcome.json() : Json();
  }

  TemporaryFolder folder;
};

TEST_F(DataFiles, EveryFormatGivesTheSameRun) {
  const std::string csv = folder.write("d.csv", small_csv({"0", "1", "2"}, false));
  const std::string x = folder.file("x.npy"), y = folder.file("y.npy"), svm = folder.file("svm");
  converted({"--in", csv, "--out", x, "--out-labels", y});
  converted({"--in", csv, "--out", svm});
  const Words positive = {"--positive", "2"};
  const Json want = fitted(Words{"--data", csv} + positive);
  EXPECT_EQ(want["train_accuracy"], 1);
  EXPECT_EQ(want["labels"]["positive"], 2);
  EXPECT_TRUE(want["labels"]["negative"].is_null());
  for (const Words& other : {Words{"--data", svm}, Words{"--data", x, "--labels", y},
                             Words{"--data", folder.write("z", gzip(bytes_of(csv)))},
                             Words{"--data", csv, "--test", csv},
                             Words{"--data", x, "--labels", y, "--test", x, "--test-labels", y}}) {
    const Json got = fitted(other + positive);
    EXPECT_EQ(got["loss"], want["loss"]) << other[1];
    EXPECT_EQ(got["features"], 2);
    if (other.size() > 4 || (other.size() > 2 && other[2] == "--test")) {
      EXPECT_EQ(got["test_accuracy"], 1);
    }
  }
}

TEST_F(DataFiles, TextLabelsAndNamedColumns) {
  const std::string data = folder.write("d.csv", small_csv({"red", "blue", "green"}, true));
  const std::string model = folder.file("m.npy");
  const Words reading = {"--label-column", "class", "--positive", "green"};
  const Json json = fitted(Words{"--data", data, "--test", data, "--model", model} + reading);
  EXPECT_EQ(json["labels"]["positive"], "green");
  EXPECT_EQ(json["train_accuracy"], 1);
  EXPECT_EQ(json["test_accuracy"], 1);
  const Json predicted =
      run(Words{"predict", "--model", model, "--data", data, "--json"} + reading).json();
  EXPECT_EQ(predicted["accuracy"], 1);
  EXPECT_TRUE(predicted["index_base"].is_null());
  // Data to predict need not have labels at all.
  const std::string bare = folder.write("bare.csv", "1,2\n-3,4\n");
  const Outcome scored = run({"predict", "--model", model, "--data", bare, "--label-column", "0",
                              "--out", folder.file("p.npy"), "--json"});
  EXPECT_EQ(scored.exit_code, 0) << scored.err;
  EXPECT_TRUE(scored.json()["accuracy"].is_null());
  EXPECT_GT(read_npy(folder.file("p.npy")).at(0), 0.5);

  const std::string two = folder.write("two.csv", small_csv({"no", "no", "yes"}, false));
  const Json pair = fitted({"--data", two});
  EXPECT_EQ(pair["labels"]["negative"], "no");
  EXPECT_EQ(pair["labels"]["positive"], "yes");
  expect_refusal({"train", "--data", data, "--positive", "black"}, 3, "no label is black");
  expect_refusal({"train", "--data", data}, 3, "more than two classes");
  const std::string numbers = folder.write("n.csv", small_csv({"0", "1", "2"}, true));
  expect_refusal({"train", "--data", data, "--positive", "red", "--test", numbers}, 3, numbers);
  expect_refusal({"train", "--data", numbers, "--positive", "2", "--test", data}, 3,
                 "labels are text");
}

TEST_F(DataFiles, ConvertKeepsLabelsOrMakesThemTwo) {
  const std::string data = folder.write("d.csv", "1;0;-1\n0;2.5;7\n0;0;3\n");
  const std::string out = folder.file("out");
  const Json json = converted({"--in", data, "--out", out});
  EXPECT_EQ(bytes_of(out), "-1 1:1\n7 2:2.5\n3\n");
  EXPECT_EQ(json["from"], "csv");
  EXPECT_EQ(json["to"], "libsvm");
  EXPECT_EQ(json["rows"], 3);
  EXPECT_EQ(json["features"], 2);
  converted({"--in", data, "--out", out, "--positive", "7", "--to", "csv"});
  EXPECT_EQ(bytes_of(out), "1,0,0\n0,2.5,1\n0,0,0\n");
  converted({"--in", data, "--out", out, "--label-column", "1", "--delimiter", ";", "--bias"});
  EXPECT_EQ(bytes_of(out), "1 2:-1 3:1\n0 1:2.5 2:7 3:1\n0 2:3 3:1\n");
  converted({"--in", data, "--out", out, "--to", "csv", "--scale", "max-abs"});
  EXPECT_EQ(bytes_of(out), "1,0,-1\n0,1,7\n0,0,3\n");
  const std::string names = folder.write("names", "x,y\n1,b\n2,a\n");
  EXPECT_EQ(converted({"--in", names, "--out", out})["classes"], (Json{"a", "b"}));
  EXPECT_EQ(bytes_of(out), "1 1:1\n0 1:2\n");
}

TEST_F(DataFiles, WrongOptionsAreRefused) {
  const std::string csv = folder.write("d.csv", "1,2,0\n3,4,1\n");
  const std::string svm = folder.write("svm", "0 1:1\n1 1:2\n");
  const std::string x = folder.file("x.npy"), y = folder.file("y.npy"), out = folder.file("out");
  converted({"--in", csv, "--out", x, "--out-labels", y});
  const auto train = [&](const Words& options, int code, const char* reason) {
    expect_refusal(Words{"train", "--model", folder.file("m.npy")} + options, code, reason);
  };
  train({"--data", svm, "--label-column", "1"}, 2, "--label-column is about csv");
  train({"--data", svm, "--delimiter", ","}, 2, "--delimiter is about csv");
  train({"--data", csv, "--delimiter", ",,"}, 2, "--delimiter");
  train({"--data", csv, "--delimiter", "1"}, 2, "delimiter");
  train({"--data", csv, "--labels", y}, 2, "is about npy");
  train({"--data", csv, "--index-base", "1"}, 2, "--index-base is about libsvm");
  train({"--data", csv, "--storage", "sparse"}, 2, "--storage sparse is about libsvm");
  train({"--data", csv, "--label-column", "0"}, 3, "has no labels");
  train({"--data", csv, "--label-column", "4"}, 3, "no column 4");
  train({"--data", x}, 3, "has no labels");
  train({"--data", x, "--labels", x}, 3, "is not one-dimensional");
  train({"--data", csv, "--test-labels", y}, 2, "--test");
  train({"--data", csv, "--positive", "yes"}, 2, "'yes' is not a number");
  train({"--data", csv, "--positive", "5"}, 3, "no label is 5");
  train({"--data", csv, "--positive", "1", "--labels", "0,1"}, 2, "exclude");
  train({"--data", "synthetic", "--format", "csv"}, 2, "--format is about files");
  train({"--data", "synthetic", "--labels", y}, 2, "--data is synthetic");
  train({"--data", csv, "--format", "npy"}, 3, "is not an npy file");
  train({"--data", csv, "--test", folder.write("wide", "1,2,3,0\n")}, 3, "has 3 features, want 2");
  const auto convert = [&](const Words& options, int code, const char* reason) {
    expect_refusal(Words{"convert"} + options, code, reason);
  };
  convert({"--in", csv, "--out", csv}, 2, "also read");
  convert({"--in", csv, "--out", folder.path() + "/./d.csv"}, 2, "also read");
  convert({"--in", csv, "--out", folder.file("new.npy")}, 2, "--out-labels");
  convert({"--in", csv, "--out", out, "--out-labels", folder.file("l.npy")}, 2, "is about npy");
  convert({"--in", x, "--out", out}, 3, "has no labels to write");
  convert({"--in", x, "--labels", y, "--out", folder.file("z.npy"), "--out-labels", y}, 2,
          "also read");
  convert({"--in", csv, "--out", folder.file("no/folder")}, 3, "cannot be written");
  convert({"--in", folder.file("none"), "--out", out}, 3, "none: ");
  convert({"--in", csv}, 2, "--out");
  convert({"--in", folder.write("bad", "1,2,0\n1,,0\n"), "--out", out}, 3,
          "bad:2:3: field 2 is empty");
  EXPECT_EQ(bytes_of(csv), "1,2,0\n3,4,1\n");
}

TEST_F(DataFiles, ConvertLeavesNothingBehindWhenInterrupted) {
  const std::string data = folder.file("big.csv"), out = folder.file("out");
  {
    std::ofstream stream(data);
    for (int i = 0; i < 400'000; ++i)
      stream << i << ".25,1,2,3,4,5,6,7,8,9,10,11," << i % 2 << "\n";
  }
  Program program({"convert", "--in", data, "--out", out});
  const auto is_writing = [&] {
    const Words names = folder.names();
    return std::any_of(names.begin(), names.end(), [](const std::string& name) {
      return name.find(".part") != std::string::npos;
    });
  };
  for (int wait = 0; wait < 10'000 && !is_writing(); ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  program.send(SIGINT);
  const Outcome outcome = program.finish();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.out << outcome.err;
  EXPECT_EQ(folder.names(), Words{"big.csv"});
}

TEST_F(DataFiles, Covtype) {
  const auto path = data_path("covtype.20k.data");
  if (!path) GTEST_SKIP() << no_data("covtype.20k.data");
  const std::string x = folder.file("x.npy"), y = folder.file("y.npy"), back = folder.file("b.csv");
  converted({"--in", *path, "--out", x, "--out-labels", y});
  converted({"--in", x, "--labels", y, "--out", back});
  EXPECT_TRUE(bytes_of(back) == bytes_of(*path)) << "every byte comes back";
  const Json json =
      run({"train", "--data", *path, "--positive", "2", "--scale", "standardize", "--bias",
           "--test-fraction", "0.2", "--max-iterations", "30", "--hessian", "row-norm", "--json"})
          .json();
  EXPECT_EQ(json["rows"], 16'000);
  EXPECT_EQ(json["features"], 54);
  EXPECT_GT(json["test_accuracy"], 0.8);
}

const Words small = {"train",  "--data", "synthetic",        "--rows", "600",
                     "--cols", "6",      "--max-iterations", "12"};

TEST_F(DataFiles, PlotIsAPictureOfTheRun) {
  const std::string svg = folder.file("run.svg"), again = folder.file("again.svg");
  ASSERT_EQ(run(small + Words{"--plot", svg}).exit_code, 0);
  ASSERT_EQ(run(small + Words{"--plot", again, "--threads", "1", "--quiet"}).exit_code, 0);
  const std::string text = bytes_of(svg);
  EXPECT_TRUE(text == bytes_of(again));
  EXPECT_TRUE(is_well_formed(text)) << text;
  EXPECT_EQ(text.rfind("<svg xmlns=\"http://www.w3.org/2000/svg\"", 0), 0U);
  EXPECT_EQ(count(text, "<polyline "), 2U);
  EXPECT_EQ(count(text, "<clipPath "), 2U);
  for (const char* label : {"Training loss", "Gradient norm", "propagations"}) {
    EXPECT_NE(text.find(label), std::string::npos) << label;
  }
  const std::size_t points = text.find("points=\"") + 8;
  EXPECT_EQ(count(text.substr(points, text.find('"', points) - points), ","), 12U);
  EXPECT_EQ(text.find("nan"), std::string::npos);
  expect_refusal(small + Words{"--plot", folder.file("no/such/folder.svg")}, 3,
                 "cannot be written");
}

TEST_F(DataFiles, PlotOfAnEmptyRunHasAxesOnly) {
  const std::string svg = folder.file("empty.svg");
  ASSERT_EQ(run(small + Words{"--max-iterations", "0", "--plot", svg}).exit_code, 0);
  EXPECT_TRUE(is_well_formed(bytes_of(svg)));
  EXPECT_EQ(count(bytes_of(svg), "<polyline "), 0U);
}

TEST_F(DataFiles, PlotIsWrittenWhenInterrupted) {
  const std::string svg = folder.file("run.svg"), trace = folder.file("trace");
  Program program({"train", "--data", "synthetic", "--rows", "3000", "--eps-g", "0", "--eps-h", "0",
                   "--max-iterations", "1000000000", "--max-failures", "0", "--trace", trace,
                   "--plot", svg, "--json"});
  for (int wait = 0; wait < 3000 && lines_of(bytes_of(trace)).size() < 3; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  program.send(SIGINT);
  EXPECT_EQ(program.finish().exit_code, 130);
  EXPECT_EQ(count(bytes_of(svg), "<polyline "), 2U);
}

}  // namespace
}  // namespace randnla::test
