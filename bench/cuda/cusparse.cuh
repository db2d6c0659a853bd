// The products of cuSPARSE that kernels are measured beside.
#pragma once

#include <randnla/core/buffer.hpp>
#include <randnla/core/context.hpp>
#include <randnla/core/error.hpp>

#include <cusparse.h>

#include <algorithm>
#include <cstdint>
#include <source_location>
#include <string>
#include <type_traits>
#include <vector>

namespace randnla::bench {

inline void check(cusparseStatus_t status,
                  std::source_location where = std::source_location::current()) {
  if (status == CUSPARSE_STATUS_SUCCESS) return;
  throw BackendError(std::string(where.file_name()) + ":" + std::to_string(where.line()) +
                     ": cuSPARSE: " + cusparseGetErrorString(status));
}

/// A matrix (rows x cols) by compressed rows in cuSPARSE's hands, its offsets of 32 bits, as suits it best.
template <class T>
class SparseMatrix {
 public:
  SparseMatrix(Context<Cuda>& ctx, index_t rows, index_t cols,
               const std::vector<std::int32_t>& offsets, const std::vector<std::int32_t>& columns,
               const std::vector<T>& values)
      : ctx_(ctx),
        rows_(rows),
        cols_(cols),
        offsets_(ctx, offsets),
        columns_(ctx, columns),
        values_(ctx, values) {
    check(cusparseCreate(&handle_));
    check(cusparseSetStream(handle_, ctx.stream()));
    check(cusparseCreateCsr(&matrix_, rows, cols, values_.size(), offsets_.data(), columns_.data(),
                            values_.data(), CUSPARSE_INDEX_32I, CUSPARSE_INDEX_32I,
                            CUSPARSE_INDEX_BASE_ZERO, type));
  }
  SparseMatrix(const SparseMatrix&) = delete;
  SparseMatrix& operator=(const SparseMatrix&) = delete;
  ~SparseMatrix() {
    cusparseDestroySpMat(matrix_);
    cusparseDestroy(handle_);
  }

  /// y = M x, or M' x.
  void times_vector(bool transposed, T* x, T* y) {
    cusparseDnVecDescr_t in = nullptr, out = nullptr;
    check(cusparseCreateDnVec(&in, transposed ? rows_ : cols_, x, type));
    check(cusparseCreateDnVec(&out, transposed ? cols_ : rows_, y, type));
    const auto how = transposed ? CUSPARSE_OPERATION_TRANSPOSE : CUSPARSE_OPERATION_NON_TRANSPOSE;
    std::size_t bytes = 0;
    check(cusparseSpMV_bufferSize(handle_, how, &one, matrix_, in, &zero, out, type,
                                  CUSPARSE_SPMV_ALG_DEFAULT, &bytes));
    check(cusparseSpMV(handle_, how, &one, matrix_, in, &zero, out, type, CUSPARSE_SPMV_ALG_DEFAULT,
                       workspace(bytes)));
    check(cusparseDestroyDnVec(in));
    check(cusparseDestroyDnVec(out));
  }

  /// C = M B for B (cols x n), both by rows.
  void times_rows(index_t n, T* B, T* C) {
    cusparseDnMatDescr_t in = nullptr, out = nullptr;
    check(cusparseCreateDnMat(&in, cols_, n, n, B, type, CUSPARSE_ORDER_ROW));
    check(cusparseCreateDnMat(&out, rows_, n, n, C, type, CUSPARSE_ORDER_ROW));
    const auto plain = CUSPARSE_OPERATION_NON_TRANSPOSE;
    std::size_t bytes = 0;
    check(cusparseSpMM_bufferSize(handle_, plain, plain, &one, matrix_, in, &zero, out, type,
                                  CUSPARSE_SPMM_CSR_ALG2, &bytes));
    check(cusparseSpMM(handle_, plain, plain, &one, matrix_, in, &zero, out, type,
                       CUSPARSE_SPMM_CSR_ALG2, workspace(bytes)));
    check(cusparseDestroyDnMat(in));
    check(cusparseDestroyDnMat(out));
  }

 private:
  static constexpr cudaDataType type = std::is_same_v<T, float> ? CUDA_R_32F : CUDA_R_64F;
  static constexpr T one = 1, zero = 0;

  void* workspace(std::size_t bytes) {
    const auto size = static_cast<index_t>(bytes);
    if (work_.size() < size) work_ = Buffer<unsigned char, Cuda>(ctx_, size);
    return work_.data();
  }

  Context<Cuda>& ctx_;
  index_t rows_, cols_;
  Buffer<std::int32_t, Cuda> offsets_, columns_;
  Buffer<T, Cuda> values_;
  Buffer<unsigned char, Cuda> work_;
  cusparseHandle_t handle_ = nullptr;
  cusparseSpMatDescr_t matrix_ = nullptr;
};

}  // namespace randnla::bench
