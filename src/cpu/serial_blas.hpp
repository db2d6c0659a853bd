// OpenBLAS's thread count is global: set to one while we call it, then given back.
#pragma once

#include <cblas.h>

namespace randnla {

class SerialBlas {
 public:
  SerialBlas() : before_(openblas_get_num_threads()) {
    if (before_ != 1) openblas_set_num_threads(1);
  }
  SerialBlas(const SerialBlas&) = delete;
  SerialBlas& operator=(const SerialBlas&) = delete;
  ~SerialBlas() {
    if (before_ != 1) openblas_set_num_threads(before_);
  }

 private:
  int before_;
};

}  // namespace randnla
