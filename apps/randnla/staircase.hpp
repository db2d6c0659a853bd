// Functions of one variable on which adaptive cubic regularisation needs as many iterations as its
// theory allows: a descent in steps that get shorter as slowly as a function bounded below lets them.
// Cartis, Gould & Toint, SIAM J. Optim. 20 (2010) and J. Complexity 28 (2012), build such functions for
// their methods; these are for ours, whose sigma stays as it is while every step is good and none very
// good.
#pragma once

#include <randnla/objective/finite_sum.hpp>

#include <vector>

namespace randnla::app {

/// What limits the step at the k-th stair, and how large it is there.
enum class Stairs {
  slopes,   // slope -(k+1)^(-2/3), no curvature: a slope of eps is reached after eps^(-3/2) stairs
  saddles,  // curvature -(k+1)^(-1/3), hardly any slope: likewise a curvature of -eps after eps^(-3)
};

/// F(x), one term in one dimension: values, slopes and curvatures at the stairs are those that the
/// steps of the method with `sigma` need to land on the next stair with half of the decrease that its
/// model promises; between stairs a polynomial that has them.
class Staircase {
 public:
  Staircase(Stairs kind, double sigma, index_t stairs);

  index_t dim() const { return 1; }
  index_t terms() const { return 1; }
  HessianCosts hessian_costs() const { return {1, 1}; }
  void evaluate(Context<Cpu>&, VectorView<const double, Cpu> x, const Sample<Cpu, double>&,
                const Evaluation<Cpu, double>& out) const;
  void hessian_product(Context<Cpu>&, const HessianSample<Cpu, double>& H,
                       VectorView<const double, Cpu> v, VectorView<double, Cpu> out) const {
    out.data[0] = H.curvature[0] * v.data[0];
  }
  void hessian_matrix(Context<Cpu>&, const HessianSample<Cpu, double>& H,
                      MatrixView<double, Cpu> out) const {
    out.data[0] = H.curvature[0];
  }
  void importance(Context<Cpu>&, VectorView<const double, Cpu> curvature,
                  VectorView<double, Cpu> out) const {
    out.data[0] = curvature.data[0] < 0 ? -curvature.data[0] : curvature.data[0];
  }

 private:
  struct Stair {
    double x, value, slope, curvature;
  };
  struct Jet {
    double value, slope, curvature;
  };
  Jet at(double x) const;

  std::vector<Stair> stairs_;
};

}  // namespace randnla::app
