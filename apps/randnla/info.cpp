#include "commands.hpp"
#include "report.hpp"

#include <randnla/core/context.hpp>
#include <randnla/version.hpp>

#include <cblas.h>

#include <cstdio>
#include <string>

namespace randnla::app {
namespace {

/// Of the instructions this build may use, as the compiler was told.
const char* simd() {
#if defined(__AVX512F__)
  return "AVX-512";
#elif defined(__AVX2__)
  return "AVX2";
#elif defined(__AVX__)
  return "AVX";
#elif defined(__ARM_FEATURE_SVE)
  return "SVE";
#elif defined(__ARM_NEON)
  return "NEON";
#elif defined(__SSE2__)
  return "SSE2";
#else
  return "none";
#endif
}

#if defined(__clang__)
const char* const compiler = "Clang";
#else
const char* const compiler = "GCC";
#endif

Json cuda_devices() {
  Json names = Json::array();
#ifdef RANDNLA_HAS_CUDA
  for (int i = 0; i < cuda_device_count(); ++i) names.push_back(Context<Cuda>(i).device_name());
#endif
  return names;
}

}  // namespace

int info(const InfoOptions& options) {
  const Context<Cpu> host;
  const Json devices = cuda_devices();
  const std::string blas = openblas_get_config();
  if (options.json) {
    const Json json = {
        {"version", RANDNLA_VERSION},
        {"backends", cuda_built() ? Json{"cpu", "cuda"} : Json::array({"cpu"})},
        {"cpu", host.device_name()},
        {"threads", host.threads()},
        {"simd", simd()},
        {"native", RANDNLA_BUILT_NATIVE != 0},
        {"cuda_devices", devices},
        {"blas", {{"name", "OpenBLAS"}, {"config", blas}, {"core", openblas_get_corename()}}},
        {"compiler", std::string(compiler) + " " + __VERSION__}};
    std::printf("%s\n", one_line(json).c_str());
    return 0;
  }
  std::printf("randnla %s, compiled by %s %s%s\n", RANDNLA_VERSION, compiler, __VERSION__,
              RANDNLA_BUILT_NATIVE ? " for this processor" : "");
  std::printf("cpu     %s, %d threads, %s\n", host.device_name().c_str(), host.threads(), simd());
  if (!cuda_built()) std::printf("cuda    not built in\n");
  if (cuda_built() && devices.empty()) std::printf("cuda    built in, no device answers\n");
  for (const auto& device : devices) {
    std::printf("cuda    %s\n", device.get<std::string>().c_str());
  }
  const std::string core = openblas_get_corename();
  std::printf("blas    %s, for %s\n", blas.c_str(), core.c_str());
#if defined(__AVX2__)
  if (core == "Prescott") {  // what OpenBLAS takes a processor for that is newer than itself
    std::printf(
        "        which has no AVX: set OPENBLAS_CORETYPE=%s for matrix products several times as "
        "fast\n",
        std::string(simd()) == "AVX-512" ? "SkylakeX" : "Haswell");
  }
#endif
  return 0;
}

}  // namespace randnla::app
