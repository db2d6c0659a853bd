// Data on the device: copied there, or streamed where they do not fit. For builds with CUDA.
#pragma once

#include <randnla/core/streamed_rows.hpp>
#include <randnla/data/dataset.hpp>

#include <cstddef>
#include <variant>

namespace randnla::app {

/// Rows that stay on the host, and their targets on the device.
template <Scalar T>
struct StreamedData {
  index_t rows, cols;
  StreamedRows<T, Cuda> streamed;
  Buffer<T, Cuda> targets;  // none of a matrix alone

  const StreamedRows<T, Cuda>& view() const { return streamed; }
};

/// most  bytes of device memory for the rows; 0: as much as there is, and room for the work on them
///
/// Says on stderr where data are streamed. They must outlive the result.
/// Throws InvalidArgument where not even two rows fit, BackendError.
template <Scalar T>
std::variant<Dataset<T, Cuda>, StreamedData<T>> to_device(Context<Cuda>& ctx,
                                                          const Dataset<T, Cpu>& data,
                                                          std::size_t most);

}  // namespace randnla::app
