#include "io/number_text.hpp"
#include "io/row_writer.hpp"

#include <randnla/io/matrix_market.hpp>

#include <string>
#include <variant>

namespace randnla {
namespace {

template <Scalar T>
void write_entries(const DenseRows<T, Cpu>& data, NumberText& numbers, RowWriter& writer) {
  std::string& text = writer.text();
  text += "%%MatrixMarket matrix array real general\n";
  text += std::to_string(data.rows) + ' ' + std::to_string(data.cols) + '\n';
  for (index_t j = 0; j < data.cols; ++j) {
    for (index_t i = 0; i < data.rows; ++i) {
      numbers.append_finite(data.values[i * data.cols + j], i, "column", j);
      text += '\n';
    }
    writer.end_row();
  }
}

template <Scalar T>
void write_entries(const CsrRows<T, Cpu>& data, NumberText& numbers, RowWriter& writer) {
  std::string& text = writer.text();
  text += "%%MatrixMarket matrix coordinate real general\n";
  text += std::to_string(data.rows) + ' ' + std::to_string(data.cols) + ' ' +
          std::to_string(data.nonzeros) + '\n';
  for (index_t i = 0; i < data.rows; ++i) {
    for_each_stored(data, i, [&](index_t j, T value) {
      numbers.append(i + 1);
      text += ' ';
      numbers.append(j + 1);
      text += ' ';
      numbers.append_finite(value, i, "column", j);
      text += '\n';
    });
    writer.end_row();
  }
}

}  // namespace

template <Scalar T>
void write_matrix_market(const std::string& path, const Rows<T, Cpu>& rows,
                         const std::function<void(index_t)>& progress) {
  RowWriter writer(path, progress);
  NumberText numbers(path, writer.text());
  std::visit([&](const auto& data) { write_entries<T>(data, numbers, writer); }, rows);
  writer.finish();
}

#define RANDNLA_INSTANTIATE(T)                                                  \
  template void write_matrix_market<T>(const std::string&, const Rows<T, Cpu>&, \
                                       const std::function<void(index_t)>&);
RANDNLA_INSTANTIATE(float)
RANDNLA_INSTANTIATE(double)
#undef RANDNLA_INSTANTIATE

}  // namespace randnla
