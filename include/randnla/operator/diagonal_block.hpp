#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/error.hpp>
#include <randnla/operator/linear_operator.hpp>

#include <string>
#include <vector>

namespace randnla {

/// Rows and columns begin .. begin + size - 1 of a symmetric map, which must outlive it: the Hessian
/// of one layer's parameters, say, where the others stay as they are.
///
/// Cost      one product of the whole map, and two copies of `size` entries; memory 2 whole.dim()
/// Throws    InvalidArgument: an empty block, or one that is not within the map
template <Backend B, Scalar T>
class DiagonalBlock {
 public:
  DiagonalBlock(Context<B>& ctx, OperatorRef<B, T> whole, index_t begin, index_t size)
      : whole_(whole), begin_(begin), size_(size) {
    require(begin >= 0 && size >= 1 && begin + size <= whole.dim(),
            "DiagonalBlock: " + std::to_string(size) + " entries from " + std::to_string(begin) +
                " of a map of dimension " + std::to_string(whole.dim()));
    in_ = Buffer<T, B>(ctx, std::vector<T>(static_cast<std::size_t>(whole.dim()), T(0)));
    out_ = Buffer<T, B>(ctx, whole.dim());
  }

  index_t dim() const { return size_; }
  void apply(Context<B>& ctx, VectorView<const T, B> x, VectorView<T, B> y) const {
    const auto bytes = static_cast<std::size_t>(size_) * sizeof(T);
    ctx.copy(in_.data() + begin_, x.data, bytes);
    whole_.apply(ctx, in_.view(), out_.view());
    ctx.copy(y.data, out_.data() + begin_, bytes);
  }

 private:
  OperatorRef<B, T> whole_;
  index_t begin_, size_;
  mutable Buffer<T, B> in_, out_;  // of the whole map; what is outside the block stays 0 in `in_`
};

}  // namespace randnla
