// A fitted classifier of raw data points: P(positive | a) = sigmoid(weights'a + intercept).
#pragma once

#include <randnla/data/preprocess.hpp>

#include <string>
#include <vector>

namespace randnla::app {

struct Model {
  std::vector<double> weights;
  double intercept = 0;
};

/// The model on raw features of a point x found on mapped ones (with the bias feature last, where
/// there is one): w_j (a_j - shift_j) scale_j is linear in a_j, so nothing but the model is needed
/// to predict.
Model on_raw_features(std::vector<double> x, const FeatureMap& map, bool bias);

/// The file holds the weights, then the intercept, always: its length alone tells the number of
/// features. Both throw DataError.
void write_model(const std::string& path, const Model& model);
Model read_model(const std::string& path);

/// weights'a + intercept of every row.
template <Scalar T>
std::vector<double> margins(const Model& model, const Dataset<T, Cpu>& data);

/// How many rows the sign of the margin classifies as their target (1 or 0) says; a zero counts as
/// negative.
template <Scalar T>
index_t count_correct(const std::vector<double>& margins, const Dataset<T, Cpu>& data);

}  // namespace randnla::app
