// Losses of classes; residual_losses.cpp has the others, for shorter compilations.
#include <randnla/objective/define_linear_model.hpp>

namespace randnla {

template class LinearModel<SigmoidSquares, ThisBackend, float>;
template class LinearModel<SigmoidSquares, ThisBackend, double>;
template class LinearModel<LogisticLoss, ThisBackend, float>;
template class LinearModel<LogisticLoss, ThisBackend, double>;

}  // namespace randnla
