#pragma once

#include <randnla/core/view.hpp>
#include <randnla/data/dataset.hpp>

#include <functional>
#include <string>

namespace randnla {

/// Reads a matrix in the Matrix Market format, plain, gzip or bzip2 (told by content): `coordinate`
/// to sparse rows, `array` to dense ones. The field is real, integer or pattern (every entry is 1),
/// the matrix general, symmetric or skew-symmetric; what the file leaves out of the latter two is
/// filled in. Entries stand in any order, one a line; those of one place are added up in the order
/// of the file, explicit zeros are kept. Comments (%) and blank lines anywhere, CRLF and a banner in
/// upper or lower case are accepted, and so are matrices without rows or columns. The data have no
/// targets: that buffer is empty. `progress` gets the bytes of text parsed so far now and then.
///
/// Cost    one pass in blocks, parsed by ctx.threads() threads; the text is never held whole. Peak
///         memory: the result, and besides 12 bytes and a value for every entry of a `coordinate`
///         file, a value for every one of an `array`
/// Throws  DataError, beginning with file:line:column: a banner that is none or names another
///         object, format, field (complex) or symmetry (hermitian), an array or a skew-symmetric
///         matrix as a pattern, a symmetric matrix that is not square, more than 2^31 - 1 columns,
///         an index out of range, an entry above the diagonal of a symmetric matrix or not below
///         that of a skew-symmetric one, a value that is missing, not a number, not an integer
///         where the field says so, nan or infinite, text behind an entry, another number of
///         entries than announced; and with file: empty, ends before the size line, a sum of
///         entries that is not finite, and what concerns the whole file as in read_libsvm; what
///         `progress` throws
/// Source  Boisvert, Pozo & Remington, "The Matrix Market exchange formats: initial design",
///         NISTIR 5935 (1996)
template <Scalar T>
Dataset<T, Cpu> read_matrix_market(Context<Cpu>& ctx, const std::string& path,
                                   const std::function<void(index_t)>& progress = nullptr);

/// Writes sparse rows as `coordinate real general`, every stored entry, and dense ones as `array
/// real general`, as the shortest numbers that read_matrix_market<T> gives back exactly. The file
/// appears whole or not at all.
///
/// Throws  DataError: not finite (names row and column), cannot be written; what `progress` throws,
///         which gets the number of rows (of dense ones: columns, as they are stored) written now
///         and then
template <Scalar T>
void write_matrix_market(const std::string& path, const Rows<T, Cpu>& rows,
                         const std::function<void(index_t)>& progress = nullptr);

}  // namespace randnla
