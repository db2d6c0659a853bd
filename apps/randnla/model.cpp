#include "model.hpp"

#include <randnla/core/error.hpp>
#include <randnla/io/npy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
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

Model Model::of(const std::vector<double>& x, index_t classes) {
  Model model;
  const auto count = static_cast<std::size_t>(std::max<index_t>(1, classes));
  const auto width = static_cast<std::ptrdiff_t>(x.size() / count);
  for (auto from = x.begin(); from != x.end(); from += width) {
    model.rows.push_back({{from, from + width}, 0});
  }
  return model;
}

Model on_raw_features(Model model, const FeatureMap& map, bool bias) {
  for (Model::Row& row : model.rows) {
    if (bias) {
      row.intercept = row.weights.back();
      row.weights.pop_back();
    }
    for (std::size_t j = 0; j < map.scale.size(); ++j) {
      row.weights[j] *= map.scale[j];
      row.intercept -= row.weights[j] * map.shift[j];
    }
  }
  return model;
}

void write_model(const std::string& path, const Model& model) {
  std::vector<double> values;
  for (const Model::Row& row : model.rows) {
    values.insert(values.end(), row.weights.begin(), row.weights.end());
    values.push_back(row.intercept);
  }
  if (model.rows.size() == 1) return write_npy(path, values);
  const auto count = static_cast<index_t>(model.rows.size());
  write_npy_matrix<double>(path,
                           DenseRows<double, Cpu>{values.data(), count, model.features() + 1});
}

Model read_model(const std::string& path) {
  const NpyMatrix<double> array = read_npy_rows(path);
  if (array.rows < 1 || array.cols < 2) {
    throw DataError(path + ": is no model: " + std::to_string(array.rows * array.cols) +
                    " values, want the weights and an intercept");
  }
  for (std::size_t i = 0; i < array.values.size(); ++i) {
    if (!std::isfinite(array.values[i])) {
      throw DataError(path + ": is no model: value " + std::to_string(i + 1) + " is not finite");
    }
  }
  Model model;
  for (index_t k = 0; k < array.rows; ++k) {
    const auto from = array.values.begin() + k * array.cols, last = from + array.cols - 1;
    model.rows.push_back({{from, last}, *last});
  }
  return model;
}

template <Scalar T>
std::vector<double> margins(const Model& model, const Dataset<T, Cpu>& data) {
  require(model.features() == data.cols, "margins: " + std::to_string(model.features()) +
                                             " weights, data of " + std::to_string(data.cols) +
                                             " features");
  std::vector<double> z;
  z.reserve(static_cast<std::size_t>(data.rows) * model.rows.size());
  std::visit(
      [&](const auto& rows) {
        for (index_t i = 0; i < data.rows; ++i) {
          for (const Model::Row& row : model.rows) {
            z.push_back(dot(rows, i, row.weights) + row.intercept);
          }
        }
      },
      data.view());
  return z;
}

index_t class_of(const double* margins, index_t count) {
  if (count == 1) return margins[0] > 0 ? 1 : 0;
  return std::max_element(margins, margins + count) - margins;
}

template <Scalar T>
Quality quality_of(const std::vector<double>& margins, const Dataset<T, Cpu>& data, Targets kind) {
  const index_t count = static_cast<index_t>(margins.size()) / data.rows;
  const auto rows = static_cast<double>(data.rows);
  double sum = 0;
  for (index_t i = 0; i < data.rows; ++i) {
    const double* const z = margins.data() + i * count;
    const auto target = static_cast<double>(data.targets.data()[i]);
    sum += kind == Targets::real ? (*z - target) * (*z - target)
                                 : (static_cast<double>(class_of(z, count)) == target ? 1.0 : 0.0);
  }
  if (kind == Targets::real) return {std::nullopt, std::sqrt(sum / rows)};
  return {sum / rows, std::nullopt};
}

template std::vector<double> margins(const Model&, const Dataset<float, Cpu>&);
template std::vector<double> margins(const Model&, const Dataset<double, Cpu>&);
template Quality quality_of(const std::vector<double>&, const Dataset<float, Cpu>&, Targets);
template Quality quality_of(const std::vector<double>&, const Dataset<double, Cpu>&, Targets);

}  // namespace randnla::app
