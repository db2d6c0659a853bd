// Chunks hold the rows that they should, whenever the device comes to read them.
#include "support/streamed.hpp"

#include <randnla/core/streamed_rows.hpp>

#include <gtest/gtest.h>

#include <string>

namespace randnla {
namespace {

using test::bytes_for;
using test::Problem;
using test::random_problem;
using test::ThreeWays;

template <class Instance>
class StreamedRowsTest : public test::OnBackend<Instance> {};
TYPED_TEST_SUITE(StreamedRowsTest, test::Instances, test::InstanceName);

/// A chunk's rows as dense ones. Waits.
template <Backend B, class T>
std::vector<T> fetched(Context<B>& ctx, const Rows<T, B>& rows) {
  if (const auto* const dense = std::get_if<DenseRows<T, B>>(&rows))
    return test::fetch(ctx, dense->values, dense->rows * dense->cols);
  const auto& sparse = std::get<CsrRows<T, B>>(rows);
  const auto offsets = test::fetch(ctx, sparse.offsets, sparse.rows + 1);
  EXPECT_EQ(offsets.front(), 0);
  EXPECT_EQ(offsets.back(), sparse.nonzeros);
  const auto columns = test::fetch(ctx, sparse.columns, sparse.nonzeros);
  const auto values = test::fetch(ctx, sparse.values, sparse.nonzeros);
  std::vector<T> out(static_cast<std::size_t>(sparse.rows * sparse.cols), T(0));
  for (index_t i = 0; i < sparse.rows; ++i) {
    for (index_t e = offsets[static_cast<std::size_t>(i)];
         e < offsets[static_cast<std::size_t>(i + 1)]; ++e) {
      out[static_cast<std::size_t>(i * sparse.cols + columns[static_cast<std::size_t>(e)])] =
          values[static_cast<std::size_t>(e)];
    }
  }
  return out;
}

/// Copies of all chunks, made on the device by one queue of work; only then looked at.
template <Backend B, class T>
std::vector<T> queued(Context<B>& ctx, const StreamedRows<T, B>& rows) {
  Buffer<T, B> all(ctx, rows.rows() * rows.cols());
  rows.for_each_chunk(ctx, [&](index_t first, const Rows<T, B>& chunk) {
    const auto& dense = std::get<DenseRows<T, B>>(chunk);
    const auto bytes = static_cast<std::size_t>(dense.rows * dense.cols) * sizeof(T);
    ctx.copy(all.data() + first * rows.cols(), dense.values, bytes);
  });
  return all.download();
}

TYPED_TEST(StreamedRowsTest, ChunksAreTheRowsInTheirOrder) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  for (const index_t rows : {1, 33, 100}) {
    const Problem p = random_problem(1, rows, 5, 0.4);
    const std::vector<T> want = test::cast<T>(p.values);
    for (const bool sparse : {false, true}) {
      for (const index_t length : test::chunk_lengths(rows)) {
        const ThreeWays<B, T> data(this->ctx(), p, sparse, length);
        EXPECT_EQ(data.streamed.rows(), rows);
        EXPECT_EQ(data.streamed.cols(), 5);
        EXPECT_EQ(data.streamed.nonzeros(), data.host.nonzeros);
        for (int pass = 0; pass < 2; ++pass) {
          std::vector<T> got;
          data.streamed.for_each_chunk(this->ctx(), [&](index_t first, const Rows<T, B>& chunk) {
            EXPECT_EQ(first * 5, static_cast<index_t>(got.size()));
            const std::vector<T> more = fetched(this->ctx(), chunk);
            got.insert(got.end(), more.begin(), more.end());
          });
          EXPECT_EQ(got, want) << rows << " rows, sparse " << sparse << ", chunks of " << length;
        }
      }
    }
  }
}

TYPED_TEST(StreamedRowsTest, WorkThatWaitsInTheQueueSeesItsOwnChunk) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const Problem p = random_problem(2, 100, 6);
  for (const index_t length : test::chunk_lengths(100)) {
    const ThreeWays<B, T> data(this->ctx(), p, false, length);
    for (int pass = 0; pass < 3; ++pass)
      EXPECT_EQ(queued(this->ctx(), data.streamed), test::cast<T>(p.values)) << length;
  }
}

TYPED_TEST(StreamedRowsTest, ChunksAreAsLongAsTheMemoryAllows) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const Problem p = random_problem(3, 100, 6);
  const auto chunks = [&](index_t length) {
    return ThreeWays<B, T>(this->ctx(), p, false, length).streamed.chunks();
  };
  EXPECT_EQ(chunks(1), 100);
  EXPECT_EQ(chunks(7), 15);
  EXPECT_EQ(chunks(50), 2);
  EXPECT_EQ(chunks(99), 2);
  EXPECT_EQ(chunks(100), 1);
  const ThreeWays<B, T> data(this->ctx(), p, false, 1);
  EXPECT_EQ((StreamedRows<T, B>(this->ctx(), data.host.view()).chunks()), 1);
}

TYPED_TEST(StreamedRowsTest, NoRowsAreOneChunkOfNone) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const StreamedRows<T, B> none(this->ctx(), DenseRows<T, Cpu>{nullptr, 0, 4}, {.bytes = 1});
  int seen = 0;
  none.for_each_chunk(this->ctx(), [&](index_t first, const Rows<T, B>& chunk) {
    EXPECT_EQ(first, 0);
    EXPECT_EQ((std::get<DenseRows<T, B>>(chunk).rows), 0);
    ++seen;
  });
  EXPECT_EQ(seen, 1);
}

TYPED_TEST(StreamedRowsTest, ARowThatIsTooLargeIsNamedWithBothSizes) {
  using T = typename TypeParam::Real;
  using B = typename TypeParam::Space;
  const Problem p = random_problem(4, 10, 8);
  Context<Cpu> cpu(1);
  for (const bool sparse : {false, true}) {
    const auto host = test::dataset<Cpu, T>(cpu, p, sparse);
    const std::size_t most = bytes_for(host, 1) / 2 - 1;
    try {
      const StreamedRows<T, B> rows(this->ctx(), host.view(), {.bytes = 2 * most});
      FAIL() << "no error";
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(std::string(error.what()), "StreamedRows: row 0 has " + std::to_string(most + 1) +
                                               " bytes, a chunk no more than " +
                                               std::to_string(most));
    }
  }
}

}  // namespace
}  // namespace randnla
