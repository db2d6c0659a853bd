// Tests of fused_multi_pass, with the helpers of seam_tests.inl, which is to come first.

namespace randnla {
namespace {

/// Weights u[k] (z_c + sum of all z), value u[k] (sum of all z)^2: every weight depends on every
/// margin. Notes the margins and the row, and counts its calls at k.
template <class T>
struct NotingRows {
  const T* u;
  index_t classes;
  T* margins;
  index_t* row;
  int* calls;

  RANDNLA_HD T operator()(index_t k, index_t row_number, T* z) const {
    T total = 0;
    for (index_t c = 0; c < classes; ++c) {
      margins[k * classes + c] = z[c];
      total += z[c];
    }
    for (index_t c = 0; c < classes; ++c) z[c] = u[k] * (z[c] + total);
    row[k] = row_number;
    ++calls[k];
    return u[k] * total * total;
  }
};

struct MultiReference {
  std::vector<long double> margins, margin_sizes;  // rows x K
  std::vector<long double> out, out_sizes;         // K x d
  long double value = 0, value_size = 0;
};

template <class T>
MultiReference multi_reference(const HostRows<T>& host, const std::vector<index_t>& rows,
                               const std::vector<T>& u, const std::vector<T>& V, index_t classes,
                               double ridge) {
  MultiReference want;
  for (const T x : V) {
    want.out.push_back(ridge * x), want.out_sizes.push_back(std::abs(ridge * x));
    want.value += ridge / 2 * x * x;
  }
  want.value_size = want.value;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    long double total = 0, total_size = 0;
    for (index_t c = 0; c < classes; ++c) {
      long double z = 0, size = 0;
      host.for_row(rows[k], [&](index_t j, T x) {
        const auto product = static_cast<long double>(x) * at(V, c * host.cols + j);
        z += product, size += std::abs(product);
      });
      want.margins.push_back(z), want.margin_sizes.push_back(size);
      total += z, total_size += size;
    }
    for (index_t c = 0; c < classes; ++c) {
      const std::size_t m = k * static_cast<std::size_t>(classes) + static_cast<std::size_t>(c);
      const long double weight = u[k] * (want.margins[m] + total);
      const long double weight_size = std::abs(u[k]) * (want.margin_sizes[m] + total_size);
      host.for_row(rows[k], [&](index_t j, T x) {
        const auto at_j = static_cast<std::size_t>(c * host.cols + j);
        want.out[at_j] += weight * x;
        want.out_sizes[at_j] += weight_size * std::abs(x);
      });
    }
    want.value += u[k] * total * total;
    want.value_size += std::abs(u[k]) * total_size * total_size;
  }
  return want;
}

template <class T>
void check_multi_pass(const HostRows<T>& host, index_t classes, PassCase pass = {}) {
  SCOPED_TRACE(std::to_string(host.rows) + " x " + std::to_string(host.cols) + " x " +
               std::to_string(classes) + (host.sparse ? " sparse" : " dense"));
  const index_t bound_rows = pass.selected ? host.rows + host.rows / 2 : host.rows;
  std::vector<index_t> rows(static_cast<std::size_t>(bound_rows));
  for (index_t k = 0; k < bound_rows; ++k) {
    rows[static_cast<std::size_t>(k)] = pass.selected ? k * 7919 % host.rows : k;
  }
  const index_t count = pass.count >= 0 ? pass.count : bound_rows;
  const auto u = random_values<T>(bound_rows, 9), v = random_values<T>(host.cols * classes, 10);
  const T not_written = T(-7);
  const auto want = multi_reference(host, std::vector<index_t>(rows.begin(), rows.begin() + count),
                                    u, v, classes, pass.ridge);
  SameBits<T> same_out, same_margins;
  SameBits<double> same_value;
  for_equal_contexts([&](Context<B>& ctx) {
    const BackendRows<T> A(ctx, host, pass.shift);
    const Buffer<index_t, B> list(ctx, rows), counted(ctx, std::vector<index_t>{count});
    const Buffer<T, B> U(ctx, u), V(ctx, v);
    Buffer<T, B> out(ctx, std::vector<T>(v.size(), not_written));
    Buffer<T, B> Z(ctx, std::vector<T>(rows.size() * static_cast<std::size_t>(classes)));
    Buffer<double, B> value(ctx, std::vector<double>{-1});
    Buffer<index_t, B> row(ctx, rows);
    Buffer<int, B> calls(ctx, std::vector<int>(rows.size(), 0));
    fused_multi_pass<T>(ctx, A.view(),
                        {pass.selected ? list.data() : nullptr, bound_rows,
                         pass.count >= 0 ? counted.data() : nullptr},
                        V.data(), classes,
                        NotingRows<T>{U.data(), classes, Z.data(), row.data(), calls.data()},
                        static_cast<T>(pass.ridge), pass.vector ? out.data() : nullptr,
                        pass.value ? value.data() : nullptr);
    const auto got = out.download(), margins = Z.download();
    const double got_value = value.read(0);
    const auto called = calls.download();
    const auto noted = row.download();
    for (index_t k = 0; k < bound_rows; ++k) {
      ASSERT_EQ(at(called, k), k < count ? 1 : 0) << k;
      ASSERT_EQ(at(noted, k), at(rows, k)) << k;
    }
    for (index_t m = 0; m < count * classes; ++m) {
      ASSERT_LE(std::abs(at(margins, m) - at(want.margins, m)),
                bound<T>(host.cols) * at(want.margin_sizes, m))
          << m;
    }
    // A margin is a sum of cols products; the sum over K of them and the one over the rows follow.
    const double allowed = bound<T>(host.cols + classes + count + 3);
    for (index_t i = 0; i < host.cols * classes; ++i) {
      if (!pass.vector) {
        ASSERT_EQ(at(got, i), not_written);
      } else {
        ASSERT_LE(std::abs(at(got, i) - at(want.out, i)), allowed * at(want.out_sizes, i)) << i;
      }
    }
    if (pass.value) {
      ASSERT_LE(std::abs(got_value - want.value), 2 * allowed * want.value_size);
    } else {
      ASSERT_EQ(got_value, -1);
    }
    same_out(got);
    same_margins(margins);
    same_value({got_value});
  });
}

TYPED_TEST(Seam, FusedMultiPassOverRowsOfAnyLengthAndAnyNumberOfVectors) {
  using T = TypeParam;
  for (const index_t classes : {2, 3, 10, 17}) {
    for (const index_t cols : {1, 5, 54}) {
      check_multi_pass(dense_rows<T>(45, cols), classes);
      check_multi_pass(sparse_rows<T>(45, cols, 4), classes);
    }
    check_multi_pass(dense_rows<T>(33, 784), classes);
    check_multi_pass(sparse_rows<T>(33, 784, 100), classes);
  }
  for (const index_t cols : {7, 8, 9, 31, 63, 64, 65, 129}) {
    check_multi_pass(dense_rows<T>(5, cols), 5);
    check_multi_pass(sparse_rows<T>(5, cols, 3), 5);
  }
}

TYPED_TEST(Seam, FusedMultiPassOverAnyNumberOfRows) {
  using T = TypeParam;
  for (const index_t rows : {0, 1, 31, 33, 257}) {
    check_multi_pass(dense_rows<T>(rows, 1), 2);
    check_multi_pass(dense_rows<T>(rows, 54), 7);
    check_multi_pass(sparse_rows<T>(rows, 22, 13), 7);
  }
  check_multi_pass(dense_rows<T>(4097, 5), 3);
  check_multi_pass(sparse_rows<T>(4097, 5, 2), 3);
}

TYPED_TEST(Seam, FusedMultiPassOverOneVectorAndOverTheMost) {
  using T = TypeParam;
  for (const index_t classes : {index_t{1}, index_t{4}, index_t{33}, max_pass_vectors}) {
    check_multi_pass(dense_rows<T>(35, 21), classes);
    check_multi_pass(sparse_rows<T>(35, 21, 5), classes);
  }
}

TYPED_TEST(Seam, FusedMultiPassBeyondSharedMemory) {
  using T = TypeParam;
  check_multi_pass(dense_rows<T>(5, 9001), 4);
  check_multi_pass(sparse_rows<T>(40, 20'000, 60), 4);
}

TYPED_TEST(Seam, FusedMultiPassOverUnalignedRows) {
  using T = TypeParam;
  check_multi_pass(dense_rows<T>(40, 16), 3, {.shift = 1});
  check_multi_pass(sparse_rows<T>(40, 16, 3), 3, {.shift = 1});
}

TYPED_TEST(Seam, FusedMultiPassOverSelectionsAndCounts) {
  using T = TypeParam;
  for (const auto& host :
       {dense_rows<T>(90, 54), dense_rows<T>(20, 300), sparse_rows<T>(90, 40, 6)}) {
    check_multi_pass(host, 3, {.selected = true});
    for (const index_t count : {index_t{0}, index_t{1}, host.rows / 2, host.rows}) {
      check_multi_pass(host, 3, {.count = count});
      check_multi_pass(host, 3, {.selected = true, .count = count});
    }
  }
}

TYPED_TEST(Seam, FusedMultiPassComputesWhatIsWanted) {
  using T = TypeParam;
  for (const auto& host : {dense_rows<T>(90, 54), sparse_rows<T>(90, 40, 6)}) {
    check_multi_pass(host, 3, {.vector = false});
    check_multi_pass(host, 3, {.value = false});
    check_multi_pass(host, 3, {.vector = false, .value = false});
    check_multi_pass(host, 3, {.ridge = 0});
    check_multi_pass(host, 3, {.count = 0, .ridge = 0});
  }
}

}  // namespace
}  // namespace randnla
