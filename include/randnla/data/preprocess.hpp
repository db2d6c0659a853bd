#pragma once

#include <randnla/data/dataset.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace randnla {

/// The two label values of a binary problem; `positive` becomes target 1, `negative` target 0.
struct LabelPair {
  double negative = 0, positive = 1;
};

/// The two distinct targets of `data`, the larger one positive.
///
/// Throws  DataError: one value only, or more than two (names up to five of them)
template <Scalar T>
LabelPair find_labels(const Dataset<T, Cpu>& data);

/// Replaces the targets by 0 and 1.
///
/// Throws  DataError: a target that is neither value (nothing is changed then);
///         InvalidArgument: the two are equal
template <Scalar T>
void map_labels(Dataset<T, Cpu>& data, LabelPair labels);

/// One class against all others: target 1 where the label is `positive`, else 0. Returns the number
/// of ones.
///
/// Throws  DataError: a target is nan (nothing is changed then)
template <Scalar T>
index_t map_labels(Dataset<T, Cpu>& data, double positive);

/// The distinct targets of `data`, ascending.
///
/// Throws  DataError: no rows, a target that is not finite, more than 1,000 values
template <Scalar T>
std::vector<double> find_classes(const Dataset<T, Cpu>& data);

/// Replaces every target by its place in `classes`, from 0.
///
/// Throws  DataError: a target that is not in `classes` (nothing is changed then);
///         InvalidArgument: classes do not ascend
template <Scalar T>
void map_classes(Dataset<T, Cpu>& data, const std::vector<double>& classes);

/// For regression, where the targets stay as they are.
///
/// Throws  DataError: a target is not finite
template <Scalar T>
void check_targets(const Dataset<T, Cpu>& data);

enum class Scaling {
  none,
  standardize,  // x -> (x - mean) / standard deviation; makes sparse data dense
  max_abs,      // x -> x / max |x|; keeps zeros
};

/// An affine map of every feature, x_j -> (x_j - shift_j) * scale_j, found on training data and
/// applied to training and test data alike. Where there is nothing to divide by (a constant
/// feature; for max_abs one that is zero) the scale is 1.
struct FeatureMap {
  std::vector<double> shift, scale;  // empty: the identity
};

/// Cost          one pass (max_abs) or two (standardize: mean, then centred squares, in double)
/// Determinism   same bits for any number of threads
/// Throws        DataError: a feature has a value that is not finite (standardize: or its mean or
///               deviation is not); InvalidArgument: no rows
template <Scalar T>
FeatureMap fit_scaling(Context<Cpu>& ctx, const Dataset<T, Cpu>& data, Scaling scaling);

/// Sparse data stay sparse where every shift is zero, and become dense otherwise. In place, or
/// nearly: memory that is replaced goes back to the system on the way, so that the peak is the
/// larger of before and after.
///
/// Throws  InvalidArgument: the map has another number of features than `data`
template <Scalar T>
void apply_scaling(Context<Cpu>& ctx, const FeatureMap& map, Dataset<T, Cpu>& data);

/// Appends a feature that is 1 in every row. Peak memory as with apply_scaling.
///
/// Throws  InvalidArgument: `data` has 2^31 - 1 features already
template <Scalar T>
void add_bias(Context<Cpu>& ctx, Dataset<T, Cpu>& data);

/// Splits off floor(test_fraction * rows) rows, drawn by a seeded permutation; both parts keep the
/// order of the rows in `data`. Returns {train, test}. Takes the data, so that their memory can go
/// back to the system while the parts grow: the peak is that of one copy and little more.
///
/// Determinism   which rows depends on (rows, test_fraction, seed) only
/// Throws        InvalidArgument: a part would be empty
template <Scalar T>
std::pair<Dataset<T, Cpu>, Dataset<T, Cpu>> split(Context<Cpu>& ctx, Dataset<T, Cpu> data,
                                                  double test_fraction, std::uint64_t seed);

}  // namespace randnla
