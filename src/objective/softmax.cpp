#include "objective/data_parts.hpp"
#include "objective/leverage.hpp"
#include "objective/regulariser_terms.hpp"
#include "seam/streamed_passes.hpp"

#include <randnla/core/math.hpp>
#include <randnla/objective/softmax.hpp>

#include <string>

namespace randnla {
namespace {

void require_size(const char* what, index_t size, index_t want) {
  require(size == want, std::string("SoftmaxRegression: ") + what + " has " + std::to_string(size) +
                            " entries, want " + std::to_string(want));
}

/// Number of the first row whose target is none of 0 .. classes - 1, or rows. Waits.
template <Backend B, class T>
index_t first_bad_target(Context<B>& ctx, const T* targets, index_t rows, index_t classes) {
  Buffer<index_t, B> distance(ctx, 1);  // of that row from the end
  index_t* const to = distance.data();
  max_then<index_t>(
      ctx, rows,
      [=] RANDNLA_FN(index_t i) {
        const T y = targets[i];
        const bool good =
            y >= 0 && y < static_cast<T>(classes) && static_cast<T>(static_cast<index_t>(y)) == y;
        return good ? index_t{0} : rows - i;
      },
      [=] RANDNLA_FN(index_t largest) { *to = largest; });
  return rows - distance.read(0);
}

template <class T>
struct EvaluateRow {
  index_t classes;
  const T* targets;
  const T* weights;  // null: all are `uniform`
  T uniform;
  T* curvature;        // null: not wanted
  T* gradient_norms2;  // null: not wanted
  const T* row_norms2;

  RANDNLA_HD T operator()(index_t k, index_t row, T* z) const {
    const auto y = static_cast<index_t>(targets[row]);
    T largest = z[0];
    for (index_t c = 1; c < classes; ++c) largest = z[c] > largest ? z[c] : largest;
    const T below = largest - z[y];  // >= 0
    for (index_t c = 0; c < classes; ++c) z[c] = math::exp_of_negative(z[c] - largest);
    // The others' share is summed on its own: 1 - p_y without cancellation.
    const T likelihood = z[y];
    z[y] = 0;
    T others = 0;
    for (index_t c = 0; c < classes; ++c) others += z[c];
    const T scale = 1 / (others + likelihood);
    for (index_t c = 0; c < classes; ++c) z[c] *= scale;
    if (curvature != nullptr) {
      for (index_t c = 0; c < classes; ++c) curvature[k * classes + c] = z[c];
      curvature[k * classes + y] = likelihood * scale;
    }
    z[y] = -others * scale;
    if (gradient_norms2 != nullptr) {
      T sum = 0;
      for (index_t c = 0; c < classes; ++c) sum += z[c] * z[c];
      gradient_norms2[k] = sum * row_norms2[row];
    }
    const T weight = weights != nullptr ? weights[k] : uniform;
    for (index_t c = 0; c < classes; ++c) z[c] *= weight;
    // log(others + likelihood) + below; where y is likeliest, likelihood = 1 and below = 0.
    const T log_sum = below == 0 ? math::log1p_of_nonnegative(others)
                                 : math::log1p_of_nonnegative(others + likelihood - 1);
    return weight * (log_sum + below);
  }
};

/// (diag s - ss'/sum s) z.
template <class T>
struct ApplyCurvature {
  index_t classes;
  const T* curvature;  // times the sample's weights

  RANDNLA_HD T operator()(index_t k, index_t, T* z) const {
    const T* const s = curvature + k * classes;
    index_t likeliest = 0;
    T sum = 0;
    for (index_t c = 0; c < classes; ++c) {
      sum += s[c];
      if (s[c] > s[likeliest]) likeliest = c;
    }
    // s_c (z_c - mean of z), from the likeliest margin on: its own difference keeps its precision
    // when it has almost all of s.
    const T origin = z[likeliest];
    T mean = 0;
    for (index_t c = 0; c < classes; ++c) {
      z[c] -= origin;
      mean += s[c] * z[c];
    }
    mean = sum > 0 ? mean / sum : T(0);
    for (index_t c = 0; c < classes; ++c) z[c] = s[c] * (z[c] - mean);
    return T(0);
  }
};

/// 2 max_c p_c (1 - p_c), which the largest p has; 1 - p as the sum of the others, without
/// cancellation.
template <class T>
RANDNLA_HD T curvature_bound(const T* p, index_t classes) {
  T largest = p[0], others = 0;
  for (index_t c = 1; c < classes; ++c) {
    others += p[c] > largest ? largest : p[c];
    largest = p[c] > largest ? p[c] : largest;
  }
  return 2 * largest * others;
}

/// out[k] = -s_a s_b / sum s, the weight of block (a, b), for the terms of a part.
template <Backend B, class T>
void pair_weights(Context<B>& ctx, const RowSelection<B>& terms, const T* curvature,
                  index_t classes, index_t a, index_t b, T* out) {
  const index_t* const count = terms.count;
  for_each(ctx, terms.bound, [=] RANDNLA_FN(index_t k) {
    if (count != nullptr && k >= *count) return;
    const T* const s = curvature + k * classes;
    T sum = 0;
    for (index_t c = 0; c < classes; ++c) sum += s[c];
    out[k] = sum > 0 ? -s[a] * (s[b] / sum) : T(0);
  });
}

/// Block (b, a) = block (a, b) for a < b, and the diagonal blocks, whose sum with the others of
/// their row is ridge I.
template <Backend B, class T>
void complete_blocks(Context<B>& ctx, MatrixView<T, B> H, index_t classes, T ridge) {
  const index_t d = H.cols / classes;
  for_each(ctx, d * d, [=] RANDNLA_FN(index_t e) {
    const index_t i = e % d, j = e / d;
    for (index_t b = 0; b < classes; ++b) {
      T sum = i == j ? ridge : T(0);
      for (index_t a = 0; a < classes; ++a) {
        if (a == b) continue;
        const index_t low = a < b ? a : b, high = a < b ? b : a;
        const T entry = H.data[low * d + i + (high * d + j) * H.ld];
        sum -= entry;
        if (a > b) H.data[high * d + i + (low * d + j) * H.ld] = entry;
      }
      H.data[b * d + i + (b * d + j) * H.ld] = sum;
    }
  });
}

}  // namespace

template <Backend B, Scalar T>
SoftmaxRegression<B, T>::SoftmaxRegression(Context<B>& ctx, const Dataset<T, B>& data,
                                           index_t classes, Regulariser regulariser)
    : SoftmaxRegression(ctx, RowSource<T, B>(data.view()), data.targets.view(), classes,
                        regulariser) {}

template <Backend B, Scalar T>
SoftmaxRegression<B, T>::SoftmaxRegression(Context<B>& ctx, const StreamedRows<T, B>& rows,
                                           VectorView<const T, B> targets, index_t classes,
                                           Regulariser regulariser)
    : SoftmaxRegression(ctx, RowSource<T, B>(rows), targets, classes, regulariser) {}

template <Backend B, Scalar T>
SoftmaxRegression<B, T>::SoftmaxRegression(Context<B>& ctx, const RowSource<T, B>& rows,
                                           VectorView<const T, B> targets, index_t classes,
                                           Regulariser regulariser)
    : rows_(rows),
      targets_(targets.data),
      terms_(rows.rows),
      cols_(rows.cols),
      classes_(classes),
      regulariser_(regulariser) {
  require(terms_ > 0 && cols_ > 0, "SoftmaxRegression: data of " + std::to_string(terms_) + " x " +
                                       std::to_string(cols_) + ", want some");
  require(classes >= 2 && classes <= max_pass_vectors,
          "SoftmaxRegression: " + std::to_string(classes) + " classes, want 2 to " +
              std::to_string(max_pass_vectors));
  regulariser.check("SoftmaxRegression");
  require_size("targets", targets.size, terms_);
  const index_t bad = first_bad_target(ctx, targets_, terms_, classes_);
  if (bad == terms_) return;
  T target = 0;
  ctx.download(&target, targets_ + bad, sizeof target);
  throw InvalidArgument("SoftmaxRegression: the target of row " + std::to_string(bad) + " is " +
                        std::to_string(target) + ", want an integer from 0 to " +
                        std::to_string(classes - 1));
}

template <Backend B, Scalar T>
HessianCosts SoftmaxRegression<B, T>::hessian_costs() const {
  const auto d = static_cast<double>(cols_), K = static_cast<double>(classes_);
  const double entries = static_cast<double>(rows_.nonzeros) / static_cast<double>(terms_);
  return {2 * K * entries, K * (K - 1) / 2 * (d * (d + 1) / 2)};
}

template <Backend B, Scalar T>
void SoftmaxRegression<B, T>::evaluate(Context<B>& ctx, VectorView<const T, B> x,
                                       const Sample<B, T>& sample,
                                       const Evaluation<B, T>& out) const {
  require_size("evaluate: x", x.size, dim());
  const T ridge = static_cast<T>(regulariser_.l2);
  ChunkSum<B, T> sum(out.gradient, dim(), out.value);
  for_each_part(
      ctx, rows_, targets_, sample, out.gradient_norms2 != nullptr,
      [&] { return squared_row_norms(ctx); }, sampled_,
      [&](const DataPart<B, T>& part) {
        const EvaluateRow<T> row{classes_,
                                 part.targets,
                                 moved(sample.weights, part.first),
                                 T(1) / static_cast<T>(sample.bound),
                                 moved(out.curvature, part.first * classes_),
                                 moved(out.gradient_norms2, part.first),
                                 part.row_norms2};
        sum.add(ctx, [&](MatrixView<T, B> to, double* value, bool first) {
          fused_multi_pass(ctx, part.rows, part.selection, x.data, classes_, row,
                           first ? ridge : T(0), to.data, value);
        });
      });
  add_regulariser_value_gradient(ctx, regulariser_, x, out.value, out.gradient);
}

template <Backend B, Scalar T>
void SoftmaxRegression<B, T>::hessian_product(Context<B>& ctx, const HessianSample<B, T>& H,
                                              VectorView<const T, B> v,
                                              VectorView<T, B> out) const {
  require_size("hessian_product: v", v.size, dim());
  require_size("hessian_product: out", out.size, dim());
  const T ridge = static_cast<T>(regulariser_.l2);
  ChunkSum<B, T> sum(out.data, dim(), nullptr);
  for_each_part(ctx, rows_, targets_, H.sample, sampled_, [&](const DataPart<B, T>& part) {
    const ApplyCurvature<T> row{classes_, H.curvature + part.first * classes_};
    sum.add(ctx, [&](MatrixView<T, B> to, double* value, bool first) {
      fused_multi_pass(ctx, part.rows, part.selection, v.data, classes_, row, first ? ridge : T(0),
                       to.data, value);
    });
  });
  add_regulariser_product(ctx, regulariser_, H.kind, H.x, v, out);
}

template <Backend B, Scalar T>
void SoftmaxRegression<B, T>::hessian_matrix(Context<B>& ctx, const HessianSample<B, T>& H,
                                             MatrixView<T, B> out) const {
  require_size("hessian_matrix: rows", out.rows, dim());
  require_size("hessian_matrix: columns", out.cols, dim());
  const auto add_blocks = [&](const DataPart<B, T>& part) {
    Buffer<T, B> weights(ctx, part.selection.bound), more(ctx, part.first > 0 ? cols_ * cols_ : 0);
    const T* const curvature = H.curvature + part.first * classes_;
    for (index_t b = 1; b < classes_; ++b) {
      for (index_t a = 0; a < b; ++a) {
        const MatrixView<T, B> block{out.data + a * cols_ + b * cols_ * out.ld, cols_, cols_,
                                     out.ld},
            share{more.data(), cols_, cols_, cols_};
        pair_weights(ctx, part.selection, curvature, classes_, a, b, weights.data());
        gram(ctx, part.rows, part.selection, weights.data(), T(0), part.first > 0 ? share : block);
        if (part.first > 0) add_share<B, T>(ctx, share.data, block, nullptr, nullptr);
      }
    }
  };
  for_each_part(ctx, rows_, targets_, H.sample, sampled_, add_blocks);
  complete_blocks(ctx, out, classes_, static_cast<T>(regulariser_.l2));
  add_regulariser_matrix(ctx, regulariser_, H.kind, H.x, out);
}

template <Backend B, Scalar T>
const T* SoftmaxRegression<B, T>::squared_row_norms(Context<B>& ctx) const {
  if (row_norms2_.size() == 0) {
    row_norms2_ = Buffer<T, B>(ctx, terms_);
    row_norms(ctx, rows_, row_norms2_.data());
  }
  return row_norms2_.data();
}

template <Backend B, Scalar T>
void SoftmaxRegression<B, T>::importance(Context<B>& ctx, VectorView<const T, B> curvature,
                                         VectorView<T, B> out) const {
  require_size("importance: curvature", curvature.size, terms_ * classes_);
  require_size("importance: out", out.size, terms_);
  const T *norms = squared_row_norms(ctx), *p = curvature.data;
  T* const o = out.data;
  const index_t classes = classes_;
  for_each(ctx, terms_, [=] RANDNLA_FN(index_t i) {
    o[i] = curvature_bound(p + i * classes, classes) * norms[i];
  });
}

template <Backend B, Scalar T>
void SoftmaxRegression<B, T>::leverage_ratio(Context<B>& ctx, VectorView<const T, B> curvature,
                                             VectorView<T, B> out) const {
  require_size("leverage_ratio: curvature", curvature.size, terms_ * classes_);
  require_size("leverage_ratio: out", out.size, terms_);
  Buffer<T, B> bounds(ctx, terms_);
  const T* const p = curvature.data;
  T* const D = bounds.data();
  const index_t classes = classes_;
  for_each(ctx, terms_,
           [=] RANDNLA_FN(index_t i) { D[i] = curvature_bound(p + i * classes, classes); });
  linear_leverage_ratio(ctx, rows_, VectorView<const T, B>(bounds.view()), squared_row_norms(ctx),
                        out.data);
}

template class SoftmaxRegression<ThisBackend, float>;
template class SoftmaxRegression<ThisBackend, double>;

}  // namespace randnla
