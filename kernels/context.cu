#include "context.cuh"
#include "cublas.cuh"

#include <randnla/core/error.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace randnla {
namespace {

std::string call_site(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": ";
}

/// Devices that answer; the reason why none does goes to `why`.
int count_devices(std::string& why) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess) return count;
  why = cudaGetErrorString(status);
  cudaGetLastError();  // no driver is an answer, not an error left behind for the next call
  return 0;
}

int valid_device(int device) {
  std::string why = "none found";
  const int count = count_devices(why);
  if (count == 0) throw BackendError("Context<Cuda>: no CUDA device answers (" + why + ")");
  require(device >= 0 && device < count, "Context<Cuda>: device = " + std::to_string(device) +
                                             ", want 0 to " + std::to_string(count - 1));
  return device;
}

int attribute(cudaDeviceAttr what, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, what, device));
  return value;
}

}  // namespace

void check(cudaError_t status, std::source_location where) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // reported here, so not again by the next call that asks
  throw BackendError(call_site(where) + cudaGetErrorString(status));
}

void check(cublasStatus_t status, std::source_location where) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw BackendError(call_site(where) + "cuBLAS: " + cublasGetStatusString(status));
}

FlagSlots::FlagSlots(int count) : arrived_(static_cast<std::size_t>(count)) {
  try {
    check(cudaMallocHost(&host_, arrived_.size() * sizeof(int)));
    for (cudaEvent_t& event : arrived_) {
      check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    }
  } catch (...) {
    close();
    throw;
  }
}

void FlagSlots::close() noexcept {
  for (cudaEvent_t event : arrived_) {
    if (event != nullptr) cudaEventDestroy(event);
  }
  if (host_ != nullptr) cudaFreeHost(host_);
}

void FlagSlots::request(int slot, const int* flag, cudaStream_t stream) {
  check(cudaMemcpyAsync(host_ + slot, flag, sizeof(int), cudaMemcpyDeviceToHost, stream));
  check(cudaEventRecord(arrived_[static_cast<std::size_t>(slot)], stream));
}

int FlagSlots::wait(int slot) const {
  check(cudaEventSynchronize(arrived_[static_cast<std::size_t>(slot)]));
  return host_[slot];
}

Context<Cuda>::Workspace::Workspace(int device_number, cudaStream_t caller_stream)
    : device(device_number), stream(caller_stream), owns_stream_(caller_stream == nullptr) {
  try {
    open();
  } catch (...) {
    close();
    throw;
  }
}

Context<Cuda>::Workspace::~Workspace() { close(); }

void Context<Cuda>::Workspace::open() {
  activate();
  multiprocessors = attribute(cudaDevAttrMultiProcessorCount, device);
  shared_bytes = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  cooperative_launch = attribute(cudaDevAttrCooperativeLaunch, device) != 0;
  if (owns_stream_) check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  // A pool of our own: raising the release threshold of the device's pool would change it for the
  // whole program. With it, freed memory is kept for the next allocation instead of going back to
  // the system at every synchronisation.
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  check(cudaMemPoolCreate(&pool, &properties));
  std::uint64_t threshold = std::numeric_limits<std::uint64_t>::max();
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold));
  check(cudaMallocFromPoolAsync(&ticket, sizeof(unsigned), pool, stream));
  check(cudaMemsetAsync(ticket, 0, sizeof(unsigned), stream));
  for (cudaEvent_t& mark : marks) check(cudaEventCreate(&mark));
  check(cublasCreate(&blas));
  check(cublasSetStream(blas, stream));
}

void Context<Cuda>::Workspace::close() noexcept {
  // Errors cannot be reported from here; where the device is lost, an earlier call has met them.
  cudaSetDevice(device);
  if (stream != nullptr) cudaStreamSynchronize(stream);  // the slots may be written until then
  idle_slots_.clear();
  if (blas != nullptr) cublasDestroy(blas);
  for (cudaEvent_t mark : marks) {
    if (mark != nullptr) cudaEventDestroy(mark);
  }
  if (scratch_ != nullptr) cudaFreeAsync(scratch_, stream);
  if (ticket != nullptr) cudaFreeAsync(ticket, stream);
  if (pool != nullptr) cudaMemPoolDestroy(pool);
  if (owns_stream_ && stream != nullptr) cudaStreamDestroy(stream);
}

void* Context<Cuda>::Workspace::scratch(std::size_t bytes) {
  if (bytes <= scratch_bytes_) return scratch_;
  if (scratch_ != nullptr) {
    check(cudaFreeAsync(std::exchange(scratch_, nullptr), stream));
    scratch_bytes_ = 0;
  }
  const std::size_t wanted = std::max<std::size_t>(bytes, std::size_t{1} << 16);
  check(cudaMallocFromPoolAsync(&scratch_, wanted, pool, stream));
  scratch_bytes_ = wanted;
  return scratch_;
}

std::unique_ptr<FlagSlots> Context<Cuda>::Workspace::take_slots(int count) {
  const auto found = std::find_if(idle_slots_.begin(), idle_slots_.end(),
                                  [&](const auto& slots) { return slots->count() >= count; });
  if (found == idle_slots_.end()) return std::make_unique<FlagSlots>(count);
  std::unique_ptr<FlagSlots> slots = std::move(*found);
  idle_slots_.erase(found);
  return slots;
}

Context<Cuda>::Context(int device)
    : device_(valid_device(device)), workspace_(std::make_unique<Workspace>(device, nullptr)) {
  stream_ = workspace_->stream;
  blas_ = workspace_->blas;
}

Context<Cuda>::Context(int device, CUstream_st* stream)
    : device_(valid_device(device)), stream_(stream) {
  require(stream != nullptr, "Context<Cuda>: null stream, want one of the caller's own");
  workspace_ = std::make_unique<Workspace>(device, stream);
  blas_ = workspace_->blas;
}

Context<Cuda>::~Context() = default;

std::string Context<Cuda>::device_name() const {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device_));
  return properties.name;
}

void* Context<Cuda>::allocate(std::size_t bytes) {
  workspace_->activate();
  void* pointer = nullptr;
  check(cudaMallocFromPoolAsync(&pointer, bytes, workspace_->pool, stream_));
  return pointer;
}

void Context<Cuda>::deallocate(void* pointer, std::size_t) noexcept {
  // Can only fail after an error that has been reported already.
  cudaFreeAsync(pointer, stream_);
}

void Context<Cuda>::copy(void* to, const void* from, std::size_t bytes) {
  workspace_->activate();
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_));
}

void Context<Cuda>::upload(void* to, const void* from, std::size_t bytes) {
  workspace_->activate();
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_));
}

void Context<Cuda>::download(void* to, const void* from, std::size_t bytes) {
  workspace_->activate();
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_));
  synchronize();
}

void Context<Cuda>::synchronize() {
  workspace_->activate();
  check(cudaStreamSynchronize(stream_));
  ++counters.host_waits;
}

void Context<Cuda>::mark(int slot) {
  workspace_->activate();
  check(cudaEventRecord(workspace_->marks[static_cast<std::size_t>(slot)], stream_));
}

double Context<Cuda>::seconds_between(int from, int to) const {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, workspace_->marks[static_cast<std::size_t>(from)],
                             workspace_->marks[static_cast<std::size_t>(to)]));
  return 1e-3 * static_cast<double>(milliseconds);
}

bool cuda_built() { return true; }

int cuda_device_count() {
  std::string why;
  return count_devices(why);
}

}  // namespace randnla
