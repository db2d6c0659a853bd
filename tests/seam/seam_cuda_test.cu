#include "seam_tests.inl"
//
#include "multi_pass_tests.inl"

#include <randnla/core/random.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace randnla {
namespace {

/// Not with the seam's own: these hold on the device only.
class CudaContext : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no device";
  }
};

TEST_F(CudaContext, WorksOnTheCallersStream) {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  {
    Context<Cuda> ctx(0, stream);
    EXPECT_EQ(ctx.stream(), stream);
    Buffer<double, Cuda> x(ctx, std::vector<double>{1, 1, 1});
    add_index(ctx, x);
    double first[3] = {};
    check(cudaMemcpyAsync(first, x.data(), sizeof first, cudaMemcpyDeviceToHost, stream));
    check(cudaStreamSynchronize(stream));
    EXPECT_EQ(first[2], 3);
    check_pass(dense_rows<double>(33, 54));
    check_gemv<double>(ctx, Transpose::yes, 33, 5, 1, 0);
  }
  check(cudaStreamDestroy(stream));  // still the caller's
}

TEST_F(CudaContext, MisuseIsAnInvalidArgument) {
  EXPECT_THROW(Context<Cuda>(-1), InvalidArgument);
  EXPECT_THROW(Context<Cuda>{cuda_device_count()}, InvalidArgument);
  EXPECT_THROW(Context<Cuda>(0, nullptr), InvalidArgument);
  Context<Cuda> ctx;
  const index_t beyond = index_t{1} << 31;
  EXPECT_THROW(
      gemv<double>(ctx, Transpose::no, 1, {nullptr, beyond, 1, beyond}, nullptr, 0, nullptr),
      InvalidArgument);
}

// More values than a scan of CUB's takes come in pieces.
TEST_F(CudaContext, PrefixSumsGoOnFromPieceToPiece) {
  Context<Cuda> ctx;
  for (const index_t n : {1, 999, 1000, 1001, 3500}) {
    std::vector<std::uint64_t> values, want;
    for (index_t i = 0; i < n; ++i) {
      values.push_back(static_cast<std::uint64_t>(i * i) + (std::uint64_t{1} << 50));
      want.push_back(values.back() + (i > 0 ? want.back() : 0));
    }
    Buffer<std::uint64_t, Cuda> sums(ctx, values);
    inclusive_scan(ctx, sums.data(), n, 1000);
    EXPECT_EQ(sums.download(), want) << n;
  }
}

TEST_F(CudaContext, FailureNamesThePlaceAndCudasReason) {
  Context<Cuda> ctx;
  try {
    const Buffer<double, Cuda> huge(ctx, index_t{1} << 45);
    FAIL() << "a buffer of 256 TB";
  } catch (const BackendError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("context.cu:"), std::string::npos) << text;
    EXPECT_NE(text.find("memory"), std::string::npos) << text;
  }
  Buffer<int, Cuda> x(ctx, std::vector<int>{4});  // and the context goes on working
  EXPECT_EQ(x.read(0), 4);
}

TEST_F(CudaContext, BuffersMayGoWhileWorkOnThemIsQueued) {
  Context<Cuda> ctx;
  Buffer<double, Cuda> sum(ctx, std::vector<double>{0});
  for (int round = 0; round < 20; ++round) {
    Buffer<double, Cuda> x(ctx, std::vector<double>(1000, 1.0));
    gemv<double>(ctx, Transpose::yes, 1, {x.data(), 1000, 1, 1000}, x.data(), 1, sum.data());
  }
  EXPECT_EQ(sum.read(0), 20'000);
}

TEST_F(CudaContext, NormalDrawsHaveTheBitsOfTheCpu) {
  Context<Cpu> host;
  Context<Cuda> device;
  Buffer<double, Cpu> x(host, 4097);
  Buffer<double, Cuda> y(device, 4097);
  fill_normal(host, Rng{42, 3}, 1.0, x.view());
  fill_normal(device, Rng{42, 3}, 1.0, y.view());
  EXPECT_EQ(x.download(), y.download());
}

}  // namespace
}  // namespace randnla
