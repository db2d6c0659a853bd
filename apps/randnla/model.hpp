// A fitted linear model of raw data points: one row of weights, or one a class.
#pragma once

#include "choices.hpp"

#include <randnla/data/preprocess.hpp>

#include <optional>
#include <string>
#include <vector>

namespace randnla::app {

struct Model {
  struct Row {
    std::vector<double> weights;
    double intercept = 0;
  };
  std::vector<Row> rows;  // one; of a softmax one a class

  index_t features() const { return static_cast<index_t>(rows.at(0).weights.size()); }

  /// The model on mapped data (with the bias feature among the weights, where there is one) of a
  /// point found by an optimiser; classes: K of a softmax, else 0.
  static Model of(const std::vector<double>& x, index_t classes);
};

/// The model on raw features of one on mapped ones: w_j (a_j - shift_j) scale_j is linear in a_j, so
/// nothing but the model is needed to predict.
Model on_raw_features(Model model, const FeatureMap& map, bool bias);

/// The file holds the weights, then the intercept, always: its length alone tells the number of
/// features. Several rows are an array of two dimensions. Both throw DataError.
void write_model(const std::string& path, const Model& model);
Model read_model(const std::string& path);

/// weights'a + intercept of every data point, point after point, all rows of the model for each.
template <Scalar T>
std::vector<double> margins(const Model& model, const Dataset<T, Cpu>& data);

/// The row of the model with the largest of `count` margins; for one row whether it is positive.
index_t class_of(const double* margins, index_t count);

/// How well margins predict targets: one of the two has a value.
struct Quality {
  std::optional<double> accuracy, rmse;
};
template <Scalar T>
Quality quality_of(const std::vector<double>& margins, const Dataset<T, Cpu>& data, Targets kind);

}  // namespace randnla::app
