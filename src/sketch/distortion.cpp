#include "cpu/column_space.hpp"
#include "seam/seam.hpp"

#include <randnla/sketch/distortion.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace randnla {
namespace {

/// Entries of the basis that are there at a time.
constexpr index_t basis_entries = index_t{1} << 22;

/// Writes a row's margins down.
template <class T>
struct StoreMargins {
  index_t classes, stride;
  T* to;

  RANDNLA_HD T operator()(index_t k, index_t, T* z) const {
    for (index_t c = 0; c < classes; ++c) to[k * stride + c] = z[c];
    return 0;
  }
};

template <Backend B, class T>
Rows<T, B> part(const DenseRows<T, B>& A, index_t begin, index_t count) {
  return DenseRows<T, B>{A.values + begin * A.cols, count, A.cols};
}

template <Backend B, class T>
Rows<T, B> part(const CsrRows<T, B>& A, index_t begin, index_t count) {
  return CsrRows<T, B>{A.offsets + begin, A.columns, A.values, count, A.cols, A.nonzeros};
}

template <class T>
std::vector<double> widened(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

template <Backend B, class T>
ColumnBasis basis_of(Context<B>& ctx, const Sketch& S, const Rows<T, B>& A, index_t rows,
                     index_t d) {
  Sketch other{SketchKind::sparse_stack, 8 * d, rows, std::min<index_t>(8, 8 * d), S.rng};
  other.rng.seed = ~S.rng.seed;  // not the stream that is judged
  Buffer<T, B> sketched(ctx, other.rows * d);
  apply(ctx, other, A, MatrixView<T, B>{sketched.data(), other.rows, d, other.rows});
  const std::vector<double> SA = widened(sketched.download());
  require(std::ranges::all_of(SA, [](double v) { return std::isfinite(v); }),
          "embedding_distortion: the matrix has entries that are not finite or too large to add");
  return column_basis(SA, other.rows, d, static_cast<double>(std::numeric_limits<T>::epsilon()));
}

/// S Y and Y'Y for Y = A W, some rows at a time.
template <Backend B, class T, class Matrix>
std::vector<double> sketch_basis(Context<B>& ctx, const Matrix& A, const ColumnBasis& basis,
                                 const Sketch& S, MatrixView<T, B> SY) {
  const index_t r = basis.rank, piece = std::clamp<index_t>(basis_entries / r, 1, A.rows);
  const Buffer<T, B> W(ctx, std::vector<T>(basis.values.begin(), basis.values.end()));
  const Buffer<T, B> ones(ctx, std::vector<T>(static_cast<std::size_t>(piece), T(1)));
  Buffer<T, B> Y(ctx, piece * r), gram_buffer(ctx, r * r);
  SketchStream<B, T> stream(ctx, S, SY);
  std::vector<double> G(static_cast<std::size_t>(r * r), 0.0);
  for (index_t begin = 0; begin < A.rows; begin += piece) {
    const index_t count = std::min(piece, A.rows - begin);
    const RowSelection<B> all{nullptr, count, nullptr};
    for (index_t c = 0; c < r; c += max_pass_vectors) {
      const index_t vectors = std::min(max_pass_vectors, r - c);
      fused_multi_pass(ctx, part(A, begin, count), all, W.data() + c * A.cols, vectors,
                       StoreMargins<T>{vectors, r, Y.data() + c}, T(0), static_cast<T*>(nullptr),
                       static_cast<double*>(nullptr));
    }
    const Rows<T, B> rows = DenseRows<T, B>{Y.data(), count, r};
    stream.add(ctx, rows);
    gram(ctx, rows, all, ones.data(), T(0), MatrixView<T, B>{gram_buffer.data(), r, r, r});
    const std::vector<T> more = gram_buffer.download();
    for (std::size_t e = 0; e < G.size(); ++e) G[e] += static_cast<double>(more[e]);
  }
  stream.finish(ctx);
  return G;
}

}  // namespace

template <Backend B, Scalar T>
EmbeddingDistortion embedding_distortion(Context<B>& ctx, const Sketch& S, const Rows<T, B>& A) {
  return std::visit(
      [&](const auto& matrix) {
        require(matrix.rows == S.cols, "embedding_distortion: a matrix of " +
                                           std::to_string(matrix.rows) + " rows, the sketch has " +
                                           std::to_string(S.cols) + " columns");
        EmbeddingDistortion out;
        if (matrix.cols == 0 || matrix.rows == 0) return out;
        const ColumnBasis basis = basis_of(ctx, S, A, matrix.rows, matrix.cols);
        out.rank = basis.rank;
        if (out.rank == 0) return out;
        Buffer<T, B> SY(ctx, S.rows * out.rank);
        const std::vector<double> G = sketch_basis(
            ctx, matrix, basis, S, MatrixView<T, B>{SY.data(), S.rows, out.rank, S.rows});
        std::tie(out.least, out.largest) =
            relative_extremes(widened(SY.download()), S.rows, G, out.rank);
        return out;
      },
      A);
}

template EmbeddingDistortion embedding_distortion(Context<ThisBackend>&, const Sketch&,
                                                  const Rows<float, ThisBackend>&);
template EmbeddingDistortion embedding_distortion(Context<ThisBackend>&, const Sketch&,
                                                  const Rows<double, ThisBackend>&);

}  // namespace randnla
