// `randnla nn`, as a user's shell starts it.
#include "app/program.hpp"
#include "app/xml.hpp"

#include <randnla/io/npy.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;

TEST(NetworkCommandLine, HelpHasAnExampleEach) {
  for (const std::string name : {"train", "spectrum", "landscape", "robustness"}) {
    const Outcome outcome = run({"nn", name, "--help"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_NE(outcome.out.find("  randnla nn " + name), std::string::npos);
  }
}

TEST(NetworkCommandLine, IsRefusedByName) {
  const TemporaryFolder folder;
  const std::string out = folder.file("out.svg");
  expect_refusal({"nn"}, 2, "nn --help", folder);
  expect_refusal({"nn", "tune"}, 2, "nn --help", folder);
  expect_refusal({"nn", "spectrum", "--trace-products", "3"}, 2, "--trace-products", folder);
  expect_refusal({"nn", "spectrum", "--data", "imagenet"}, 2, "'imagenet'", folder);
  for (const char* const sizes : {"64,0,10", "64,,10", "a,10", "64,10.5"}) {
    expect_refusal({"nn", "spectrum", "--sizes", sizes}, 2, sizes, folder);
  }
  expect_refusal({"nn", "landscape", "--surface", out}, 2, "--dimensions 2", folder);
}

#ifndef RANDNLA_TEST_TORCH

TEST(NetworkProgram, SaysThatThereIsNoLibtorch) {
  const TemporaryFolder folder;
  expect_refusal({"nn", "spectrum"}, 4, "without libtorch", folder);
}

#else

class NetworkProgram : public testing::Test {
 protected:
  /// A tiny network on few images: 64,4,10 has 310 parameters.
  static Words command(const std::string& name, const Words& more) {
    Words words = {"nn", name, "--rows", "60", "--sizes", "64,4,10", "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static nlohmann::json result(const Words& words) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return outcome.json();
  }
  std::string picture(const std::string& path) const {
    std::string text = bytes_of(path);
    EXPECT_TRUE(is_well_formed(text)) << path;
    return text;
  }

  TemporaryFolder folder;
  const std::string out = folder.file("out.svg"), weights = folder.file("w.npy");
};

TEST_F(NetworkProgram, SpectrumOfTheLayersAddsUpToTheWhole) {
  const auto json =
      result(command("spectrum", {"--activation", "tanh", "--layers", "--trace-products", "310",
                                  "--steps", "30", "--starts", "2", "--plot", out, "--json"}));
  EXPECT_EQ(json["parameters"], 310);
  const auto& parts = json["spectra"];
  ASSERT_EQ(parts.size(), 5U);
  EXPECT_EQ(parts[0]["name"], "all");
  EXPECT_EQ(parts[3]["name"], "3.weight");
  EXPECT_EQ(parts[3]["begin"], 260);
  EXPECT_EQ(parts[3]["shape"], (std::vector<int>{10, 4}));
  double sum = 0;
  const double norm = std::abs(parts[0]["eigenvalues"][0].get<double>());
  for (std::size_t k = 0; k < parts.size(); ++k) {
    EXPECT_TRUE(parts[k]["trace_exact"]);
    EXPECT_TRUE(parts[k]["converged"]);
    if (k > 0) sum += parts[k]["trace"].get<double>();
    // A block's eigenvalues are not larger than the whole's.
    EXPECT_LE(std::abs(parts[k]["eigenvalues"][0].get<double>()), norm * (1 + 1e-6));
    EXPECT_EQ(parts[k]["nodes"].size(), 2U);
    double total = 0;
    for (const auto& weight : parts[k]["node_weights"][1]) total += weight.get<double>();
    EXPECT_NEAR(total, 1, 1e-13);
  }
  EXPECT_NEAR(sum, parts[0]["trace"].get<double>(), 1e-12 * norm);
  // Every direction's curvature of an output's bias is p (1 - p) in the mean.
  EXPECT_GT(parts[4]["trace"].get<double>(), 0);
  EXPECT_LT(parts[4]["trace"].get<double>(), 1);
  EXPECT_EQ(count(picture(out), "<polyline"), 5U);
}

TEST_F(NetworkProgram, SpectrumInWords) {
  const Outcome outcome = run(command("spectrum", {"--top", "2", "--steps", "5", "--starts", "1"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto lines = outcome.out_lines();
  ASSERT_EQ(lines.size(), 8U) << outcome.out;
  EXPECT_EQ(lines[0], "synthetic, 60 images; mlp 64,4,10, relu, 310 parameters at random");
  EXPECT_EQ(lines[3].rfind("all: 310 parameters, trace ", 0), 0U) << lines[3];
}

TEST_F(NetworkProgram, WeightsAreReadAndWritten) {
  write_npy(weights, std::vector<double>(310, 0.0));
  const std::string saved = folder.file("saved.npy");
  const Words quick = {"--points", "3", "--json"};
  Words words = command("landscape", quick);
  const auto random = result(command("landscape", {"--save-weights", saved, "--json"}));
  EXPECT_TRUE(random["weights"].is_null());
  EXPECT_EQ(read_npy(saved).size(), 310U);
  words.insert(words.end(), {"--weights", saved});
  EXPECT_EQ(result(words)["loss"], random["loss"]);
  words.back() = weights;
  const auto zero = result(words);
  EXPECT_NEAR(zero["loss"].get<double>(), std::log(10.0), 1e-14) << "all classes are alike";
  EXPECT_NE(zero["loss"], random["loss"]);
  // Filters of length 0 have directions of length 0.
  words.insert(words.end(), {"--along", "random"});
  for (const auto& loss : result(words)["losses"]) EXPECT_EQ(loss, zero["loss"]);
}

TEST_F(NetworkProgram, LandscapeOfALine) {
  const auto json = result(command("landscape", {"--plot", out, "--json"}));
  ASSERT_EQ(json["alphas"].size(), 41U);
  EXPECT_EQ(json["alphas"][0], -0.5);
  EXPECT_EQ(json["alphas"][40], 0.5);
  EXPECT_TRUE(json["betas"].is_null());
  ASSERT_EQ(json["losses"].size(), 41U);
  EXPECT_EQ(json["losses"][20], json["loss"]);
  EXPECT_EQ(json["eigenvalues"].size(), 1U);
  EXPECT_EQ(count(picture(out), "<polyline"), 1U);
  // To first order the ball's best point is radius |g| up.
  const auto& ball = json["sharpness"];
  EXPECT_GE(ball["rise"].get<double>(), 0.8 * 0.05 * json["gradient_norm"].get<double>());
  EXPECT_NEAR(ball["expected_rise"].get<double>(),
              0.05 * 0.05 / 2 * ball["largest_eigenvalue"].get<double>(), 1e-15);
}

TEST_F(NetworkProgram, LandscapeOfAPlane) {
  const std::string surface = folder.file("surface.svg");
  const Words words =
      command("landscape", {"--along", "random", "--dimensions", "2", "--points", "5", "--extent",
                            "1", "--plot", out, "--surface", surface, "--json"});
  const auto json = result(words);
  EXPECT_EQ(json["alphas"], (std::vector<double>{-1, -0.5, 0, 0.5, 1}));
  EXPECT_EQ(json["betas"], json["alphas"]);
  ASSERT_EQ(json["losses"].size(), 5U);
  ASSERT_EQ(json["losses"][4].size(), 5U);
  EXPECT_EQ(json["losses"][2][2], json["loss"]);
  EXPECT_NE(json["losses"][2][3], json["losses"][3][2]);
  EXPECT_TRUE(json["eigenvalues"].is_null());
  EXPECT_GE(count(picture(out), "<polyline"), 8U) << "a level each";
  EXPECT_EQ(count(picture(surface), "class=\"cell\""), 16U);
  EXPECT_EQ(result(words)["losses"], json["losses"]) << "the same bits";
}

TEST_F(NetworkProgram, ReadsFoldersOfImages) {
  const auto ones = [](int n) { return std::string(static_cast<std::size_t>(n), '\1'); };
  const auto header = [](const std::string& magic, const std::string& sizes) {
    std::string bytes;
    for (const char c : magic + sizes) {
      bytes += std::string(3, '\0');
      bytes += c;
    }
    return bytes;
  };
  // 30 images of 2 x 3.
  std::string images = header("", "\x1e\2\3") + ones(30 * 6),
              labels = header("", "\x1e") + ones(30);
  folder.write("train-images-idx3-ubyte", std::string("\0\0\x08\x03", 4) + images);
  folder.write("train-labels-idx1-ubyte", std::string("\0\0\x08\x01", 4) + labels);
  const Words end = {"--points", "3", "--threads", "1", "--json"};
  const auto with = [&](Words words) {
    words.insert(words.end(), end.begin(), end.end());
    return words;
  };
  const auto mnist = result(with({"nn", "landscape", "--data", "mnist:" + folder.path()}));
  EXPECT_EQ(mnist["rows"], 30);
  EXPECT_EQ(mnist["sizes"], (std::vector<int>{6, 16, 10}));
  EXPECT_EQ(
      result(with({"nn", "landscape", "--data", "mnist:" + folder.path(), "--rows", "7"}))["rows"],
      7);
  folder.write("data_batch_2.bin", ones(2 * 3073));
  const auto cifar =
      result(with({"nn", "landscape", "--data", "cifar10:" + folder.path(), "--sizes", "3072,10"}));
  EXPECT_EQ(cifar["rows"], 2);
  EXPECT_EQ(cifar["parameters"], 30'730);
  for (const char* const k : {"1", "3", "4", "5"}) {
    folder.write("data_batch_" + std::string(k) + ".bin", ones(3073));
  }
  EXPECT_EQ(result(with({"nn", "landscape", "--data", "cifar10:" + folder.path(), "--sizes",
                         "3072,10"}))["rows"],
            6);
}

/// Colour images of 4 x 4 in 3 classes, 10 of each in train; 2 in val, whose height may be another.
void write_image_folder(const TemporaryFolder& folder, int val_height = 4) {
  for (const std::string part : {"train", "val"}) {
    const bool train = part == "train";
    const int height = train ? 4 : val_height;
    for (const std::string name : {"cat", "dog", "emu"}) {
      const std::string sub = part + "/" + name + "/";
      std::filesystem::create_directories(folder.file(sub));
      for (int k = 0; k < (train ? 10 : 2); ++k) {
        std::string pixels(static_cast<std::size_t>(12 * height), static_cast<char>(60 * name[0]));
        pixels[static_cast<std::size_t>(k)] = '\0';
        folder.write(sub + std::to_string(k) + ".ppm",
                     "P6\n4 " + std::to_string(height) + "\n255\n" + pixels);
      }
    }
  }
}

TEST_F(NetworkProgram, ReadsImagesInAFolderForEachClass) {
  write_image_folder(folder);
  const std::string data = "folder:" + folder.path();
  const auto trained = [&](const Words& more) {
    Words words{"nn", "train", "--json", "--threads", "1", "--epochs", "2", "--data", data};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.json();
  };
  const auto json = trained({"--batch", "10", "--epochs", "30", "--learning-rate", "0.1"});
  EXPECT_EQ(json["rows"], 30);
  EXPECT_EQ(json["trace"].back()["test_accuracy"], 1.0) << "grey levels tell the classes apart";
  EXPECT_EQ(trained({"--rows", "7"})["rows"], 7);
  EXPECT_EQ(trained({"--model", "resnet20", "--rows", "20"})["rows"], 20);
  const auto looked = result({"nn", "landscape", "--data", data, "--points", "3", "--json"});
  EXPECT_EQ(looked["sizes"], (std::vector<int>{48, 16, 3}));

  const auto refused = [&](const Words& more, int code, const std::string& reason) {
    Words words{"nn", "train", "--data", data};
    words.insert(words.end(), more.begin(), more.end());
    expect_refusal(words, code, reason, folder);
  };
  refused({"--model", "c1"}, 2, "3 x 32 x 32");
  refused({"--model", "resnet18"}, 2, "multiples of 8");
  refused({"--sizes", "48,2"}, 2, "3 classes");
  write_image_folder(folder, 3);
  refused({}, 3, "val: its images have 4 x 3 pixels, those of");
  std::filesystem::rename(folder.file("val/emu"), folder.file("val/yak"));
  refused({}, 3, "val: its classes are not those of");
  refused({}, 3, "yak where that has emu");
  std::filesystem::remove_all(folder.file("val"));
  refused({}, 3, folder.file("val"));
}

TEST_F(NetworkProgram, RefusesWhatCannotBe) {
  expect_refusal(command("spectrum", {"--data", "mnist:" + folder.path()}), 3, folder.path(),
                 folder);
  expect_refusal(command("spectrum", {"--sizes", "63,10"}), 2, "64 pixels", folder);
  expect_refusal(command("spectrum", {"--sizes", "64,9"}), 2, "10 classes", folder);
  expect_refusal(command("landscape", {"--plot", out, "--save-weights", out}), 2, out, folder);
  expect_refusal(command("landscape", {"--weights", weights}), 3, weights, folder);
  write_npy(weights, std::vector<double>(309, 0.0));
  expect_refusal(command("landscape", {"--weights", weights}), 3, "309 numbers", folder);
  std::vector<double> bad(310, 0.0);
  bad[17] = std::nan("");
  write_npy(weights, bad);
  expect_refusal(command("landscape", {"--weights", weights, "--plot", out}), 3, "number 17",
                 folder);
  expect_refusal(command("landscape", {"--weights", weights, "--save-weights", weights}), 2,
                 weights, folder);
}

#endif

}  // namespace
}  // namespace randnla::test
