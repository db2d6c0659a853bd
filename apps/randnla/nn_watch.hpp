// A Hessian whose products are counted, on a terminal before the user's eyes.
#pragma once

#include "progress.hpp"

#include <randnla/objective/finite_sum.hpp>

#include <cstdint>

namespace randnla::app {

class WatchedHessian {
 public:
  WatchedHessian(HessianOperator<Cpu, double> H, StatusLine& status) : H_(H), status_(status) {}

  index_t dim() const { return H_.dim(); }
  void apply(Context<Cpu>& ctx, VectorView<const double, Cpu> v,
             VectorView<double, Cpu> out) const {
    H_.apply(ctx, v, out);
    status_.show("Hessian", ++products_, "products");
  }
  std::int64_t products() const { return products_; }

 private:
  HessianOperator<Cpu, double> H_;
  StatusLine& status_;
  mutable std::int64_t products_ = 0;
};

}  // namespace randnla::app
