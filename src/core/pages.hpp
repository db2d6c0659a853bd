#pragma once

#include <randnla/core/error.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace randnla {

/// Zeroed memory straight from the system. It goes back there at the moment of its release, which
/// the heap does not promise: what keeps the peak low when many blocks give way to one array.
class Pages {
 public:
  Pages() = default;
  explicit Pages(std::size_t bytes) : bytes_(bytes) {
    if (bytes == 0) return;
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      bytes_ = 0;
      throw BackendError("no memory for " + std::to_string(bytes) + " bytes");
    }
    data_ = static_cast<std::byte*>(memory);
  }
  Pages(Pages&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Pages() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }

  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Gives the whole pages inside [data, data + bytes) back to the system. The range stays valid, its
/// content is lost: for a large array that is about to be freed while another one grows.
inline void discard_pages(const void* data, std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t skipped = (page - reinterpret_cast<std::uintptr_t>(data) % page) % page;
  if (bytes < skipped + page) return;
  auto* const begin = static_cast<std::byte*>(const_cast<void*>(data)) + skipped;
  // Advice: where the system refuses it, only the peak of the memory is higher.
  ::madvise(begin, (bytes - skipped) / page * page, MADV_DONTNEED);
}

}  // namespace randnla
