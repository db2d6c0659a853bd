// LIBSVM and CSV text out of data.
#include "data/require_targets.hpp"
#include "io/number_text.hpp"
#include "io/row_writer.hpp"

#include <randnla/io/csv.hpp>
#include <randnla/io/libsvm.hpp>

#include <string>
#include <type_traits>
#include <variant>

namespace randnla {
namespace {

template <Scalar T>
bool has_last_feature(const DenseRows<T, Cpu>& data) {
  for (index_t i = 0; i < data.rows; ++i) {
    if (data.values[(i + 1) * data.cols - 1] != 0) return true;
  }
  return false;
}

template <Scalar T>
bool has_last_feature(const CsrRows<T, Cpu>& data) {
  for (index_t i = 0; i < data.rows; ++i) {
    const index_t end = data.offsets[i + 1];
    if (end > data.offsets[i] && data.columns[end - 1] == data.cols - 1) return true;
  }
  return false;
}

}  // namespace

template <Scalar T>
void write_libsvm(const std::string& path, const Dataset<T, Cpu>& data,
                  const std::function<void(index_t)>& progress) {
  require_targets("write_libsvm", data);
  RowWriter writer(path, progress);
  std::string& text = writer.text();
  NumberText numbers(path, text);
  std::visit(
      [&](const auto& rows) {
        constexpr bool dense = std::is_same_v<decltype(rows), const DenseRows<T, Cpu>&>;
        const auto append_entry = [&](index_t i, index_t j, T value) {
          text += ' ';
          numbers.append(j + 1);
          text += ':';
          numbers.append_finite(value, i, "feature", j);
        };
        const bool complete = has_last_feature(rows);
        for (index_t i = 0; i < rows.rows; ++i) {
          numbers.append_label(data.targets.data()[i], i);
          for_each_stored(rows, i, [&](index_t j, T value) {
            if (!dense || value != 0) append_entry(i, j, value);
          });
          if (i == 0 && !complete) append_entry(i, rows.cols - 1, T(0));
          text += '\n';
          writer.end_row();
        }
      },
      data.view());
  writer.finish();
}

template <Scalar T>
void write_csv(const std::string& path, const Dataset<T, Cpu>& data,
               const std::function<void(index_t)>& progress) {
  require_targets("write_csv", data);
  RowWriter writer(path, progress);
  std::string& text = writer.text();
  NumberText numbers(path, text);
  std::visit(
      [&](const auto& rows) {
        for (index_t i = 0; i < rows.rows; ++i) {
          index_t column = 0;
          const auto append_zeros = [&](index_t end) {
            for (; column < end; ++column) text += "0,";
          };
          for_each_stored(rows, i, [&](index_t j, T value) {
            append_zeros(j);
            numbers.append_finite(value, i, "feature", j);
            text += ',';
            ++column;
          });
          append_zeros(rows.cols);
          numbers.append_label(data.targets.data()[i], i);
          text += '\n';
          writer.end_row();
        }
      },
      data.view());
  writer.finish();
}

#define RANDNLA_INSTANTIATE(T)                                           \
  template void write_libsvm(const std::string&, const Dataset<T, Cpu>&, \
                             const std::function<void(index_t)>&);       \
  template void write_csv(const std::string&, const Dataset<T, Cpu>&,    \
                          const std::function<void(index_t)>&);
RANDNLA_INSTANTIATE(float)
RANDNLA_INSTANTIATE(double)
#undef RANDNLA_INSTANTIATE

}  // namespace randnla
