#include "core/philox.hpp"
#include "cpu/loops.hpp"

#include <randnla/data/synthetic.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace randnla {
namespace {

/// What the random streams are for. Far from the small numbers that a solver with the same seed
/// counts up from.
enum Stream : std::uint64_t { features = std::uint64_t{1} << 62, rows, reflections, model };

void check_options(const SyntheticOptions& options) {
  require(options.rows >= 1,
          "synthetic: rows = " + std::to_string(options.rows) + ", want at least 1");
  constexpr index_t most_cols = std::numeric_limits<std::int32_t>::max();
  require(options.cols >= 1 && options.cols <= most_cols,
          "synthetic: cols = " + std::to_string(options.cols) + ", want 1 to " +
              std::to_string(most_cols));
  // The blocks of random bits are numbered with 48 bits.
  require(options.rows <= (index_t{1} << 48) / options.cols,
          "synthetic: " + std::to_string(options.rows) + " x " + std::to_string(options.cols) +
              " entries, want at most 2^48");
  require(options.condition >= 1 && std::isfinite(options.condition),
          "synthetic: condition = " + std::to_string(options.condition) + ", want at least 1");
  require(options.coherence >= 1 && std::isfinite(options.coherence),
          "synthetic: coherence = " + std::to_string(options.coherence) + ", want at least 1");
  require(options.label_noise >= 0 && options.label_noise < 0.5,
          "synthetic: label_noise = " + std::to_string(options.label_noise) +
              ", want at least 0 and below 0.5");
}

double dot(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t j = 0; j < x.size(); ++j) sum += x[j] * y[j];
  return sum;
}

/// x[j] = N(0, 1), from the blocks first, first + 1, ... of a stream.
void fill_normals(Rng rng, index_t first, std::vector<double>& x) {
  for (std::size_t j = 0; j < x.size(); j += 2) {
    const auto [one, other] = philox::normals(rng, first + static_cast<index_t>(j / 2));
    x[j] = one;
    if (j + 1 < x.size()) x[j + 1] = other;
  }
}

std::vector<double> unit_vector(Rng rng, index_t first, std::size_t n) {
  std::vector<double> x(n);
  fill_normals(rng, first, x);
  const double norm = std::sqrt(dot(x, x));
  for (double& entry : x) entry /= norm;
  return x;
}

/// x := x (I - 2 v v')
void reflect(const std::vector<double>& v, std::vector<double>& x) {
  const double twice = 2 * dot(v, x);
  for (std::size_t j = 0; j < x.size(); ++j) x[j] -= twice * v[j];
}

/// Everything that all rows share.
struct Recipe {
  explicit Recipe(const SyntheticOptions& given) : options(given), spectrum(cols()) {
    const Rng rng{options.seed, Stream::reflections};
    const index_t blocks = blocks_a_row();
    first = unit_vector(rng, 0, cols());
    second = unit_vector(rng, blocks, cols());
    planted = unit_vector({options.seed, Stream::model}, 0, cols());
    for (std::size_t j = 0; j < cols(); ++j) {
      const double position =
          cols() == 1 ? 0 : static_cast<double>(j) / static_cast<double>(cols() - 1);
      spectrum[j] = std::pow(options.condition, -position);
    }
  }

  std::size_t cols() const { return static_cast<std::size_t>(options.cols); }
  index_t blocks_a_row() const { return (options.cols + 1) / 2; }

  /// The features of row i go to x; returns its target.
  double make_row(index_t i, std::vector<double>& x) const {
    fill_normals({options.seed, Stream::features}, i * blocks_a_row(), x);
    const philox::Words words = philox::block({options.seed, Stream::rows}, i);
    const bool flipped = philox::uniform(words.second) < options.label_noise;
    const bool positive = (dot(planted, x) > 0) != flipped;
    const double length = std::pow(options.coherence, 2 * philox::uniform(words.first) - 1);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] *= length * spectrum[j];
    reflect(first, x);
    reflect(second, x);
    return positive ? 1 : 0;
  }

  SyntheticOptions options;
  std::vector<double> spectrum;
  std::vector<double> first, second;  // the reflections, unit vectors
  std::vector<double> planted;
};

}  // namespace

template <Scalar T>
Dataset<T, Cpu> synthetic(Context<Cpu>& ctx, const SyntheticOptions& options) {
  check_options(options);
  const Recipe recipe(options);
  Dataset<T, Cpu> data;
  data.rows = options.rows;
  data.cols = options.cols;
  data.nonzeros = data.rows * data.cols;
  data.values = Buffer<T, Cpu>(ctx, data.nonzeros);
  data.targets = Buffer<T, Cpu>(ctx, data.rows);
  const index_t chunks = std::min(data.rows, chunk_count(data.nonzeros));
  parallel_for(ctx, chunks, [&](index_t c) {
    std::vector<double> x(recipe.cols());
    const auto [begin, end] = chunk_of(data.rows, chunks, c);
    for (index_t i = begin; i < end; ++i) {
      data.targets.data()[i] = static_cast<T>(recipe.make_row(i, x));
      T* const row = data.values.data() + i * data.cols;
      for (std::size_t j = 0; j < x.size(); ++j) row[j] = static_cast<T>(x[j]);
    }
  });
  return data;
}

template Dataset<float, Cpu> synthetic(Context<Cpu>&, const SyntheticOptions&);
template Dataset<double, Cpu> synthetic(Context<Cpu>&, const SyntheticOptions&);

}  // namespace randnla
