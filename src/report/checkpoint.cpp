// Checkpoints as files: a line of text that says what it is, then the fields as they lie in memory,
// then a checksum of all before it.
#include "io/output_file.hpp"
#include "io/printable.hpp"
#include "io/whole_file.hpp"

#include <randnla/core/error.hpp>
#include <randnla/optimize/checkpoint.hpp>
#include <randnla/optimize/second_order.hpp>
#include <randnla/version.hpp>

#include <array>
#include <charconv>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace randnla {
namespace {

const std::string first_line = "randnla checkpoint, version " RANDNLA_VERSION ", layout 1\n";

/// FNV-1a, 64 bits.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

class Writer {
 public:
  template <class V>
  void operator()(const V& value) {
    static_assert(std::is_trivially_copyable_v<V>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void operator()(const std::string& text) {
    (*this)(static_cast<std::uint64_t>(text.size()));
    bytes += text;
  }
  template <class V>
  void operator()(const std::vector<V>& values) {
    (*this)(static_cast<std::uint64_t>(values.size()));
    for (const V& value : values) (*this)(value);
  }

  std::string bytes;
};

class Reader {
 public:
  Reader(const std::string& path, std::string_view bytes) : path_(path), bytes_(bytes) {}

  template <class V>
  void operator()(V& value) {
    static_assert(std::is_trivially_copyable_v<V>);
    std::memcpy(&value, take(sizeof value), sizeof value);
  }
  void operator()(std::string& text) {
    const std::uint64_t size = count(1);
    text.assign(take(size), size);
  }
  template <class V>
  void operator()(std::vector<V>& values) {
    values.resize(count(sizeof(V)));
    for (V& value : values) (*this)(value);
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  const char* take(std::size_t n) {
    if (n > bytes_.size()) throw DataError(printable_path(path_) + ": is truncated");
    const char* const from = bytes_.data();
    bytes_.remove_prefix(n);
    return from;
  }
  std::uint64_t count(std::size_t size) {
    std::uint64_t n = 0;
    (*this)(n);
    if (n > bytes_.size() / size) throw DataError(printable_path(path_) + ": is truncated");
    return n;
  }

  const std::string& path_;
  std::string_view bytes_;
};

/// The fields in the file's order, for either direction.
template <class Archive, class C>
void fields(Archive& archive, C& c) {
  archive(c.options), archive(c.dim), archive(c.terms), archive(c.x), archive(c.leverage_ratio);
  auto& r = c.result;
  archive(r.stop), archive(r.loss), archive(r.initial_loss), archive(r.iterations);
  archive(r.accepted), archive(r.work), archive(r.certificate_work), archive(r.seconds);
  archive(r.phases), archive(r.trace);
  archive(c.rng), archive(c.loss), archive(c.size);
  archive(c.gradient_fraction), archive(c.gradient_reference), archive(c.gradient_second);
  archive(c.hessian_size), archive(c.draws_since_refresh), archive(c.expected_products);
  archive(c.next_look), archive(c.look_gap);
  archive(c.gradient_at_trial), archive(c.sampled_gradient_small);
}

std::string shortest(double value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

}  // namespace

std::string steps_decided_by(const SecondOrderOptions& o, bool cubic, int scalar_bytes) {
  std::string text = cubic ? "method = cubic_newton\n" : "method = trust_region\n";
  const auto add = [&](const char* name, double value) {
    text += std::string(name) + " = " + shortest(value) + "\n";
  };
  add("scalar_bytes", scalar_bytes);
  add("gradient.rule", static_cast<int>(o.gradient.rule));
  add("gradient.fraction", o.gradient.fraction);
  add("gradient.factor", o.gradient.factor);
  add("gradient.min_fraction", o.gradient.min_fraction);
  add("gradient.max_fraction", o.gradient.max_fraction);
  add("gradient.tolerance", o.gradient.tolerance);
  add("hessian.sampling", static_cast<int>(o.hessian.sampling));
  add("hessian.size", static_cast<int>(o.hessian.size));
  add("hessian.fraction", o.hessian.fraction);
  add("hessian.tolerance", o.hessian.tolerance);
  add("hessian.refresh", o.hessian.refresh);
  add("hessian.curvature", static_cast<int>(o.hessian.curvature));
  add("hessian.form", static_cast<int>(o.hessian.form));
  add("stopping.eps_g", o.stopping.eps_g);
  add("stopping.eps_h", o.stopping.eps_h);
  add("stopping.failure_probability", o.stopping.failure_probability);
  add("stopping.lanczos_steps", o.stopping.lanczos_steps);
  add("initial_radius", o.initial_radius);
  add("max_radius", o.max_radius);
  add("initial_sigma", o.initial_sigma.value_or(0));
  add("min_sigma", o.min_sigma);
  add("eta1", o.eta1);
  add("eta2", o.eta2);
  add("gamma1", o.gamma1);
  add("gamma2", o.gamma2);
  add("max_failures", o.max_failures);
  add("inner_iterations", o.inner_iterations);
  add("inner_tolerance", o.inner_tolerance);
  add("random_start", o.random_start ? 1 : 0);
  add("ball", static_cast<int>(o.ball));
  add("cubic", static_cast<int>(o.cubic));
  text += "seed = " + std::to_string(o.seed) + "\n";
  return text;
}

void save(const std::string& path, const Checkpoint& checkpoint) {
  Writer writer;
  writer.bytes = first_line;
  fields(writer, checkpoint);
  writer(checksum(writer.bytes));
  OutputFile file(path);
  file.write(writer.bytes.data(), writer.bytes.size());
  file.finish();
}

Checkpoint load_checkpoint(const std::string& path) {
  const std::string bytes = read_whole_file(path);
  const auto fail = [&](const char* what) { throw DataError(printable_path(path) + ": " + what); };
  if (!bytes.starts_with(first_line)) {
    if (!bytes.starts_with(first_line.substr(0, first_line.find(',')))) fail("is no checkpoint");
    fail("is a checkpoint of another version of randnla");
  }
  std::uint64_t sum = 0;
  if (bytes.size() < first_line.size() + sizeof sum) fail("is truncated");
  const std::string_view body = std::string_view(bytes).substr(0, bytes.size() - sizeof sum);
  std::memcpy(&sum, bytes.data() + body.size(), sizeof sum);
  if (sum != checksum(body)) fail("is truncated or corrupt");
  Checkpoint checkpoint;
  Reader reader(path, body.substr(first_line.size()));
  fields(reader, checkpoint);
  if (!reader.at_end()) fail("is longer than a checkpoint");
  return checkpoint;
}

}  // namespace randnla
