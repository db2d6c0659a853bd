#include <randnla/objective/define_linear_model.hpp>

namespace randnla {

template class LinearModel<SquaredLoss, ThisBackend, float>;
template class LinearModel<SquaredLoss, ThisBackend, double>;
template class LinearModel<CauchyLoss, ThisBackend, float>;
template class LinearModel<CauchyLoss, ThisBackend, double>;
template class LinearModel<TukeyLoss, ThisBackend, float>;
template class LinearModel<TukeyLoss, ThisBackend, double>;

}  // namespace randnla
