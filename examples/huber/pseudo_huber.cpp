// g++ compiles this for the CPU; pseudo_huber.cu has nvcc compile the same lines for CUDA.
#include "pseudo_huber.hpp"

#include <randnla/objective/define_linear_model.hpp>

template class randnla::LinearModel<PseudoHuber, randnla::ThisBackend, double>;
