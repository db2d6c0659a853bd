// Every loss with every method, and what a user finds in their results.
#include "app/program.hpp"

#include <randnla/io/npy.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

namespace randnla::test {
namespace {

using Words = std::vector<std::string>;
using Json = nlohmann::json;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

const std::vector<double> weights = {1.5, -2, 0.25};
constexpr double intercept = 0.75;

/// CSV of y = w'a + b without noise; every tenth y is off by `outlier`.
std::string line_csv(double outlier) {
  std::mt19937 bits(11);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::ostringstream text;
  text.precision(17);
  for (int i = 0; i < 120; ++i) {
    double y = intercept;
    for (const double w : weights) {
      const double a = uniform(bits);
      text << a << ",";
      y += w * a;
    }
    text << y + (i % 10 == 0 ? outlier : 0) << "\n";
  }
  return text.str();
}

/// CSV of three classes around the corners of a triangle, which lines part.
std::string triangle_csv(const Words& names) {
  std::mt19937 bits(12);
  std::uniform_real_distribution<double> uniform(-0.5, 0.5);
  const double corners[3][2] = {{0, 2}, {2, -1}, {-2, -1}};
  std::ostringstream text;
  text << "left,up,kind\n";
  for (int i = 0; i < 90; ++i) {
    const auto& at = corners[i % 3];
    text << at[0] + uniform(bits) << "," << at[1] + uniform(bits) << ","
         << names[static_cast<std::size_t>(i % 3)] << "\n";
  }
  return text.str();
}

class Training : public testing::Test {
 protected:
  /// The result of train; a run that fails fails the test.
  static Json trained(const Words& words) {
    const Outcome outcome = run(Words{"train", "--json", "--quiet"} + words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return outcome.exit_code == 0 ? outcome.json() : Json::object();
  }
  static Json predicted(const Words& words) {
    const Outcome outcome = run(Words{"predict", "--json"} + words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.exit_code == 0 ? outcome.json() : Json::object();
  }

  TemporaryFolder folder;
  const std::string line = folder.write("line.csv", line_csv(0));
  const std::string model = folder.file("model.npy"), trace = folder.file("trace.jsonl");
  const Words synthetic = {"--data", "synthetic", "--rows", "300", "--cols", "4"};
};

class EveryMethod : public Training,
                    public testing::WithParamInterface<std::tuple<const char*, const char*>> {
 protected:
  Words data(const std::string& loss) const {
    if (loss == "nls") return synthetic + Words{"--condition", "3"};
    if (loss == "logistic")
      return {"--data", folder.write("two.txt", small_libsvm(200)), "--scale", "standardize"};
    if (loss == "softmax") {
      return {"--data", folder.write("three.csv", triangle_csv({"1", "2", "3"}))};
    }
    return {"--data", line};
  }
};

/// The trace's name for what limits a step.
std::string size_name(const std::string& method) {
  if (method == "tr" || method == "gauss-newton") return "radius";
  return method == "lbfgs" || method == "sgd" ? "step_size" : "sigma";
}

TEST_P(EveryMethod, LowersTheLossAndReports) {
  const std::string loss = std::get<0>(GetParam()), method = std::get<1>(GetParam());
  const Json json = trained(data(loss) + Words{"--bias", "--loss", loss, "--method", method,
                                               "--max-iterations", "30", "--trace", trace});
  ASSERT_TRUE(json.contains("loss"));
  EXPECT_LT(json["loss"], 0.6 * json["initial_loss"].get<double>());
  for (const char* key : {"gradient_norm", "lambda_min", "lambda_min_bound", "iterations",
                          "accepted", "props", "oracle_calls", "data_passes", "seconds"}) {
    EXPECT_TRUE(json[key].is_number()) << key;
  }
  EXPECT_EQ(json["options"]["loss"], loss);
  EXPECT_EQ(json["options"]["method"], method);
  const bool real = loss == "squared" || loss == "cauchy" || loss == "tukey";
  EXPECT_EQ(json["train_accuracy"].is_number(), !real);
  EXPECT_EQ(json.contains("train_rmse"), real);
  EXPECT_EQ(json["labels"].is_null(), real);
  if (loss == "softmax") {
    EXPECT_EQ(json["labels"]["classes"], Json({1, 2, 3}));
  }
  EXPECT_EQ(json["dimensions"], loss == "softmax" ? 9 : json["features"].get<int>() + 1);

  const std::vector<Json> rows = read_json_lines(trace);
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows.size(), json["iterations"]);
  EXPECT_EQ(rows.back()["props"], json["props"]);
  for (const Json& row : rows) {
    ASSERT_TRUE(row.contains(size_name(method)) && row[size_name(method)] > 0) << row;
    for (const char* key : {"radius", "sigma", "step_size"}) {
      EXPECT_EQ(row.contains(key), key == size_name(method)) << key;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryMethod,
                         testing::Combine(testing::Values("nls", "logistic", "softmax", "squared",
                                                          "cauchy", "tukey"),
                                          testing::Values("tr", "arc", "gauss-newton",
                                                          "scr-lanczos", "scr-gd", "lbfgs", "sgd")),
                         [](const auto& given) {
                           std::string name = std::string(std::get<0>(given.param)) + "_" +
                                              std::string(std::get<1>(given.param));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_F(Training, TheOtherSolversOfTheModelsAreTaken) {
  const auto losses = [&](const std::string& method, const std::string& first,
                          const std::string& other) {
    // Few inner iterations: where both are exact they would agree.
    const auto with = [&](const std::string& subproblem) {
      return trained(synthetic + Words{"--method", method, "--subproblem", subproblem, "--hessian",
                                       "full", "--max-iterations", "8", "--init", "normal",
                                       "--inner-tolerance", "0.1"});
    };
    const Json a = with(first), b = with(other);
    const Json usual = with("automatic");
    EXPECT_EQ(usual["loss"], a["loss"]) << first << " is the usual one";
    EXPECT_NE(b["loss"], a["loss"]) << other << " takes other steps";
    EXPECT_LT(b["loss"], b["initial_loss"]);
    EXPECT_EQ(b["options"]["subproblem"], other);
    EXPECT_EQ(usual["options"]["subproblem"], "automatic");
  };
  losses("tr", "steihaug", "gltr");
  losses("gauss-newton", "steihaug", "gltr");
  losses("arc", "lanczos", "arcqk");
}

TEST_F(Training, TraceHasTheSamplingErrorsThatWereAskedFor) {
  const auto first_row = [&](const Words& more) {
    trained(synthetic + more + Words{"--max-iterations", "2", "--trace", trace});
    const std::vector<Json> rows = read_json_lines(trace);
    return rows.empty() ? Json::object() : rows[0];
  };
  const Words driven = {"--gradient",   "error-driven",        "--hessian-size",
                        "error-driven", "--hessian-tolerance", "3"};
  const Json exact = first_row(driven + Words{"--errors", "exact"});
  for (const char* key :
       {"gradient_error", "hessian_error", "true_gradient_error", "true_hessian_error"}) {
    EXPECT_TRUE(exact[key].is_number() && exact[key] > 0) << key << exact;
  }
  EXPECT_LT(exact["gradient_sample"], 300);
  const Json needed = first_row(driven);
  EXPECT_EQ(needed["gradient_error"], exact["gradient_error"]);
  EXPECT_EQ(needed["hessian_error"], exact["hessian_error"]);
  EXPECT_TRUE(needed["true_gradient_error"].is_null());
  EXPECT_TRUE(needed["true_hessian_error"].is_null());
  const Json fixed = first_row({"--hessian-fraction", "0.1"});
  EXPECT_EQ(fixed["gradient_error"], 0) << "a full gradient has none";
  EXPECT_TRUE(fixed["hessian_error"].is_null()) << "nobody asked";
  EXPECT_TRUE(first_row({"--hessian-fraction", "0.1", "--errors", "estimated"})["hessian_error"] >
              0);
}

TEST_F(Training, OptionsAreReported) {
  const Json cauchy =
      trained({"--data", line, "--loss", "cauchy", "--loss-scale", "0.5", "--nonconvex", "0.01",
               "--hessian", "leverage", "--leverage-refresh", "3", "--hessian-fraction", "0.3",
               "--max-iterations", "20"})["options"];
  EXPECT_EQ(cauchy["loss_scale"], 0.5);
  EXPECT_EQ(cauchy["nonconvex"], 0.01);
  EXPECT_EQ(cauchy["hessian"], "leverage");
  EXPECT_EQ(cauchy["leverage_refresh"], 3);
  EXPECT_TRUE(trained({"--data", line, "--loss", "tukey"})["options"]["loss_scale"].is_null());
  const Json driven =
      trained(synthetic + Words{"--gradient", "error-driven", "--hessian-size", "error-driven",
                                "--gradient-tolerance", "0.4", "--hessian-tolerance", "2",
                                "--errors", "estimated"})["options"];
  EXPECT_EQ(driven["gradient"], "error-driven");
  EXPECT_EQ(driven["gradient_tolerance"], 0.4);
  EXPECT_EQ(driven["hessian_size"], "error-driven");
  EXPECT_EQ(driven["hessian_tolerance"], 2);
  EXPECT_EQ(driven["errors"], "estimated");
  const Json sgd =
      trained(synthetic + Words{"--method", "sgd", "--learning-rate", "0.2", "--momentum", "0.5",
                                "--batch", "16", "--decay", "steps", "--decay-factor", "0.3",
                                "--decay-epochs", "4", "--monitor", "2", "--max-iterations", "6"});
  EXPECT_EQ(sgd["options"]["learning_rate"], 0.2);
  EXPECT_EQ(sgd["options"]["momentum"], 0.5);
  EXPECT_EQ(sgd["options"]["batch"], 16);
  EXPECT_EQ(sgd["options"]["decay"], "steps");
  EXPECT_EQ(sgd["options"]["decay_factor"], 0.3);
  EXPECT_EQ(sgd["options"]["decay_epochs"], 4);
  EXPECT_EQ(sgd["options"]["monitor"], 2);
  EXPECT_EQ(trained(synthetic + Words{"--method", "lbfgs", "--memory", "4"})["options"]["memory"],
            4);
}

/// (1/n) sum r^2/2 + l2/2 |w|^2 + nonconvex sum w^2/(1 + w^2), by the model's own weights.
TEST_F(Training, LossIsThatOfTheDefinition) {
  const Words given = {
      "--data", line,        "--loss", "squared",          "--l2", "0.1",     "--nonconvex",
      "0.2",    "--hessian", "full",   "--max-iterations", "5",    "--model", model};
  const Json json = trained(given);
  const std::vector<double> w = read_npy(model);
  double sum = 0, terms = 0;
  std::istringstream text(line_csv(0));
  for (std::string row; std::getline(text, row); ++terms) {
    std::istringstream cells(row);
    double z = 0, value = 0;
    for (const double weight : {w[0], w[1], w[2], 0.0}) {
      cells >> value, cells.ignore();
      z += weight * value;
    }
    sum += (z - value) * (z - value) / 2;
  }
  double penalty = 0;
  for (std::size_t j = 0; j < 3; ++j) {
    penalty += 0.1 / 2 * w[j] * w[j] + 0.2 * w[j] * w[j] / (1 + w[j] * w[j]);
  }
  EXPECT_NEAR(json["loss"].get<double>(), sum / terms + penalty, 1e-13);
}

/// At w = 0 the residual is -y.
TEST_F(Training, RobustLossesHaveTheScaleThatIsGiven) {
  for (const double c : {0.5, 2.0}) {
    double cauchy = 0, tukey = 0, terms = 0;
    std::istringstream text(line_csv(0));
    for (std::string row; std::getline(text, row); ++terms) {
      const double r = std::stod(row.substr(row.rfind(',') + 1)) / c;
      cauchy += c * c / 2 * std::log(1 + r * r);
      tukey += c * c / 6 * (std::abs(r) < 1 ? 1 - std::pow(1 - r * r, 3) : 1);
    }
    const auto initial = [&](const std::string& loss) -> double {
      return trained({"--data", line, "--loss", loss, "--loss-scale", std::to_string(c), "--init",
                      "zeros", "--max-iterations", "0"})["initial_loss"];
    };
    EXPECT_NEAR(initial("cauchy"), cauchy / terms, 1e-14 * terms);
    EXPECT_NEAR(initial("tukey"), tukey / terms, 1e-14 * terms);
  }
}

TEST_F(Training, SquaredLossFindsTheLineAndPredictWritesIt) {
  const Json json = trained({"--data", line, "--loss", "squared", "--bias", "--hessian", "full",
                             "--eps-g", "1e-10", "--model", model});
  EXPECT_EQ(json["stop"], "optimal");
  const std::vector<double> found = read_npy(model);
  ASSERT_EQ(found.size(), 4U);
  // |w - w*| <= |g| / lambda_min(A'A/n), which is above 0.1 for numbers spread over [-1, 1].
  for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(found[j], weights[j], 1e-9);
  EXPECT_NEAR(found[3], intercept, 1e-9);
  EXPECT_LT(json["train_rmse"], 1e-9);

  const std::string out = folder.file("out.npy");
  const Json again =
      predicted({"--model", model, "--data", line, "--link", "identity", "--out", out});
  EXPECT_LT(again["rmse"], 1e-9);
  EXPECT_TRUE(again["accuracy"].is_null());
  const std::vector<double> y = read_npy(out);
  ASSERT_EQ(y.size(), 120U);
  std::istringstream text(line_csv(0));
  std::string row;
  for (std::size_t i = 0; std::getline(text, row); ++i) {
    EXPECT_NEAR(y[i], std::stod(row.substr(row.rfind(',') + 1)), 1e-8);
  }
}

/// Outliers all to one side move the squared loss's line by 10 % of them; a redescending loss is
/// minimal on the line of all others.
TEST_F(Training, TukeyIgnoresOutliersThatMoveTheSquaredLoss) {
  const std::string data = folder.write("outliers.csv", line_csv(60));
  const auto intercept_of = [&](const Words& loss) {
    trained(Words{"--data", data, "--bias", "--init", "zeros", "--hessian", "full", "--model",
                  model, "--eps-g", "1e-8"} +
            loss);
    return read_npy(model)[3];
  };
  EXPECT_NEAR(intercept_of({"--loss", "tukey", "--loss-scale", "8"}), intercept, 1e-6);
  EXPECT_GT(intercept_of({"--loss", "squared"}), intercept + 3);
}

class Classes : public Training, public testing::WithParamInterface<bool> {};

TEST_P(Classes, AreToldApartBySoftmaxAndPredictsProbabilitiesSumToOne) {
  const Words names = GetParam() ? Words{"red", "green", "blue"} : Words{"7", "3", "5"};
  const std::string data = folder.write("classes.csv", triangle_csv(names));
  const Json json = trained({"--data", data, "--loss", "softmax", "--bias", "--hessian", "full",
                             "--max-iterations", "30", "--model", model, "--test", data});
  EXPECT_EQ(json["train_accuracy"], 1);
  EXPECT_EQ(json["test_accuracy"], 1);
  EXPECT_EQ(json["labels"]["classes"],
            GetParam() ? Json({"blue", "green", "red"}) : Json({3, 5, 7}));
  const NpyMatrix<double> rows = read_npy_rows(model);
  EXPECT_EQ(rows.rows, 3);
  EXPECT_EQ(rows.cols, 3) << "two features and the intercept";

  const std::string out = folder.file("out.npy");
  const Json again = predicted({"--model", model, "--data", data, "--out", out});
  EXPECT_EQ(again["accuracy"], 1);
  EXPECT_EQ(again["correct"], 90);
  EXPECT_EQ(again["classes"], 3);
  const NpyMatrix<double> p = read_npy_rows(out);
  ASSERT_EQ(p.rows, 90);
  ASSERT_EQ(p.cols, 3);
  const std::size_t column[3] = {2, GetParam() ? 1U : 0U, GetParam() ? 0U : 1U};  // of labels 0-2
  for (std::size_t i = 0; i < 90; ++i) {
    const double* const row = p.values.data() + 3 * i;
    EXPECT_NEAR(row[0] + row[1] + row[2], 1, 1e-15 * 4);
    EXPECT_GT(row[column[i % 3]], 0.5);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Classes, testing::Bool(),
                         [](const auto& given) { return given.param ? "Text" : "Numbers"; });

}  // namespace
}  // namespace randnla::test
