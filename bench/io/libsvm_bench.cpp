// Bytes of LIBSVM text a second, beside what the same bytes cost to copy out of the page cache (no
// reader can be faster) and to parse with the C library in one thread (what LIBSVM itself does).
#include <randnla/io/libsvm.hpp>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace randnla {
namespace {

constexpr std::size_t text_bytes = std::size_t{64} << 20;

/// 22 features of which 10 are in {0, 1} and one of them is set, 12 are real: as ijcnn1.
std::string ijcnn1_like(std::mt19937& random) {
  std::array<char, 64> token;
  std::string line = random() % 10 == 0 ? "1" : "-1";
  line += ' ' + std::to_string(1 + random() % 10) + ":1";
  for (int j = 11; j <= 22; ++j) {
    const double x = (static_cast<double>(random() % 2'000'000) - 1'000'000) / 1'000'000;
    std::snprintf(token.data(), token.size(), " %d:%.6f", j, x);
    line += token.data();
  }
  return line + '\n';
}

/// 54 features: 10 integers of up to four digits, and one set of 4 and of 40: as covtype.
std::string covtype_like(std::mt19937& random) {
  std::string line = random() % 2 == 0 ? "1" : "2";
  for (unsigned j = 1; j <= 10; ++j) {
    line += ' ' + std::to_string(j) + ':' + std::to_string(random() % (j % 3 == 0 ? 256 : 7000));
  }
  line += ' ' + std::to_string(11 + random() % 4) + ":1";
  line += ' ' + std::to_string(15 + random() % 40) + ":1";
  return line + '\n';
}

/// A text in memory and in a file of the shared-memory file system where there is one.
class Text {
 public:
  explicit Text(std::string (*make_line)(std::mt19937&)) {
    std::mt19937 random(1);
    while (text_.size() < text_bytes) text_ += make_line(random);
    const bool shared = std::filesystem::is_directory("/dev/shm");
    path_ = std::string(shared ? "/dev/shm" : "/tmp") + "/randnla_bench_XXXXXX";
    const int descriptor = ::mkstemp(path_.data());
    if (descriptor >= 0) ::close(descriptor);
    std::ofstream(path_, std::ios::binary) << text_;
  }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  ~Text() { std::remove(path_.c_str()); }

  const std::string& text() const { return text_; }
  const std::string& path() const { return path_; }
  std::int64_t size() const { return static_cast<std::int64_t>(text_.size()); }

 private:
  std::string text_, path_;
};

const Text& ijcnn1() {
  static const Text text(ijcnn1_like);
  return text;
}
const Text& covtype() {
  static const Text text(covtype_like);
  return text;
}

using Source = const Text& (*)();

template <Scalar T>
void read_file(benchmark::State& state, Source source) {
  const Text& text = source();
  Context<Cpu> ctx(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    const auto data = read_libsvm<T>(ctx, text.path());
    benchmark::DoNotOptimize(data.values.data());
  }
  state.SetBytesProcessed(state.iterations() * text.size());
}

void copy_from_page_cache(benchmark::State& state, Source source) {
  const Text& text = source();
  std::vector<char> block(std::size_t{1} << 20);
  for (auto _ : state) {
    const int descriptor = ::open(text.path().c_str(), O_RDONLY);
    while (::read(descriptor, block.data(), block.size()) > 0) benchmark::ClobberMemory();
    ::close(descriptor);
  }
  state.SetBytesProcessed(state.iterations() * text.size());
}

void copy_in_memory(benchmark::State& state, Source source) {
  const Text& text = source();
  std::vector<char> copy(text.text().size());
  for (auto _ : state) {
    std::memcpy(copy.data(), text.text().data(), copy.size());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * text.size());
}

/// The numbers alone, with neither checks nor a result kept.
void c_library(benchmark::State& state, Source source) {
  const Text& text = source();
  for (auto _ : state) {
    double sum = 0;
    const char* p = text.text().c_str();
    while (*p != '\0') {
      char* next = nullptr;
      sum += std::strtod(p, &next);
      for (p = next; *p != '\n';) {
        sum += static_cast<double>(std::strtol(p, &next, 10));
        sum += std::strtod(next + 1, &next);
        p = next;
      }
      ++p;
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetBytesProcessed(state.iterations() * text.size());
}

[[maybe_unused]] const bool registered = [] {
  for (const auto& [name, source] :
       {std::pair<std::string, Source>{"ijcnn1", ijcnn1}, {"covtype", covtype}}) {
    const auto add = [&name = name, source = source](const std::string& what, auto run) {
      return benchmark::RegisterBenchmark(("libsvm/" + name + "/" + what).c_str(), run, source)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    };
    add("copy_in_memory", copy_in_memory);
    add("copy_from_page_cache", copy_from_page_cache);
    add("c_library", c_library);
    add("read_double", read_file<double>)->ArgName("threads")->Arg(1)->Arg(2);
    add("read_float", read_file<float>)->ArgName("threads")->Arg(1)->Arg(2);
  }
  return true;
}();

}  // namespace
}  // namespace randnla
