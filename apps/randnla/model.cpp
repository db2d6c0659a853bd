#include "model.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/npy.hpp>

#include <cmath>
#include <utility>
#include <variant>

namespace randnla::app {
namespace {

template <class T>
double dot(const DenseRows<T, Cpu>& rows, index_t i, const std::vector<double>& w) {
  const T* const row = rows.values + i * rows.cols;
  double sum = 0;
  for (std::size_t j = 0; j < w.size(); ++j) sum += w[j] * static_cast<double>(row[j]);
  return sum;
}

template <class T>
double dot(const CsrRows<T, Cpu>& rows, index_t i, const std::vector<double>& w) {
  double sum = 0;
  for (index_t k = rows.offsets[i]; k < rows.offsets[i + 1]; ++k) {
    sum += w[static_cast<std::size_t>(rows.columns[k])] * static_cast<double>(rows.values[k]);
  }
  return sum;
}

}  // namespace

Model on_raw_features(std::vector<double> x, const FeatureMap& map, bool bias) {
  Model model{std::move(x)};
  if (bias) {
    model.intercept = model.weights.back();
    model.weights.pop_back();
  }
  for (std::size_t j = 0; j < map.scale.size(); ++j) {
    model.weights[j] *= map.scale[j];
    model.intercept -= model.weights[j] * map.shift[j];
  }
  return model;
}

void write_model(const std::string& path, const Model& model) {
  std::vector<double> values = model.weights;
  values.push_back(model.intercept);
  write_npy(path, values);
}

Model read_model(const std::string& path) {
  Model model{read_npy(path)};
  if (model.weights.size() < 2) {
    throw DataError(path + ": is no model: " + std::to_string(model.weights.size()) +
                    " values, want the weights and an intercept");
  }
  for (std::size_t j = 0; j < model.weights.size(); ++j) {
    if (!std::isfinite(model.weights[j])) {
      throw DataError(path + ": is no model: value " + std::to_string(j + 1) + " is not finite");
    }
  }
  model.intercept = model.weights.back();
  model.weights.pop_back();
  return model;
}

template <Scalar T>
std::vector<double> margins(const Model& model, const Dataset<T, Cpu>& data) {
  require(static_cast<index_t>(model.weights.size()) == data.cols,
          "margins: " + std::to_string(model.weights.size()) + " weights, data of " +
              std::to_string(data.cols) + " features");
  std::vector<double> z(static_cast<std::size_t>(data.rows));
  std::visit(
      [&](const auto& rows) {
        for (index_t i = 0; i < data.rows; ++i) {
          z[static_cast<std::size_t>(i)] = dot(rows, i, model.weights) + model.intercept;
        }
      },
      data.view());
  return z;
}

template <Scalar T>
index_t count_correct(const std::vector<double>& margins, const Dataset<T, Cpu>& data) {
  index_t correct = 0;
  for (index_t i = 0; i < data.rows; ++i) {
    const bool positive = margins[static_cast<std::size_t>(i)] > 0;
    if (positive == (data.targets.data()[i] > T(0.5))) ++correct;
  }
  return correct;
}

template std::vector<double> margins(const Model&, const Dataset<float, Cpu>&);
template std::vector<double> margins(const Model&, const Dataset<double, Cpu>&);
template index_t count_correct(const std::vector<double>&, const Dataset<float, Cpu>&);
template index_t count_correct(const std::vector<double>&, const Dataset<double, Cpu>&);

}  // namespace randnla::app
