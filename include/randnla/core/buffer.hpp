#pragma once

#include <randnla/core/context.hpp>
#include <randnla/core/error.hpp>
#include <randnla/core/view.hpp>

#include <type_traits>
#include <utility>
#include <vector>

namespace randnla {

/// Owning, uninitialised array of n trivially copyable values in the memory of backend B, aligned
/// for the widest load. Movable. Must be destroyed before the context that made it.
template <class T, Backend B>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  Buffer(Context<B>& ctx, index_t n)
      : ctx_(&ctx), size_(n), data_(n > 0 ? static_cast<T*>(ctx.allocate(bytes())) : nullptr) {}
  Buffer(Context<B>& ctx, const std::vector<T>& host)
      : Buffer(ctx, static_cast<index_t>(host.size())) {
    upload(host);
  }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer(std::move(other)).swap(*this);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) ctx_->deallocate(data_, bytes());
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  index_t size() const { return size_; }
  VectorView<T, B> view() { return {data_, size_}; }
  VectorView<const T, B> view() const { return {data_, size_}; }

  void upload(const std::vector<T>& host) {
    require(static_cast<index_t>(host.size()) == size_,
            "Buffer::upload: " + std::to_string(host.size()) + " values into a buffer of " +
                std::to_string(size_));
    if (size_ > 0) ctx_->upload(data_, host.data(), bytes());
  }
  /// Waits.
  std::vector<T> download() const {
    std::vector<T> host(static_cast<std::size_t>(size_));
    if (size_ > 0) ctx_->download(host.data(), data_, bytes());
    return host;
  }
  /// Waits.
  T read(index_t i) const {
    T value;
    ctx_->download(&value, data_ + i, sizeof(T));
    return value;
  }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }
  void swap(Buffer& other) noexcept {
    std::swap(ctx_, other.ctx_);
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
  }

  Context<B>* ctx_ = nullptr;
  index_t size_ = 0;
  T* data_ = nullptr;
};

}  // namespace randnla
