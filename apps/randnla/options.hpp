// What the command line says, parsed and checked as far as it can be without data.
#pragma once

#include "choices.hpp"

#include <randnla/data/synthetic.hpp>
#include <randnla/objective/regulariser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>

namespace randnla::app {

/// A number of propagations as the user gives it, for instance 1e7 or inf, in what the library counts with.
inline std::int64_t to_count(double propagations) {
  constexpr double most = 9e18;  // what an integer of 64 bits can count
  return static_cast<std::int64_t>(std::min(propagations, most));
}

/// How files of data are read. What is not given is found in the file or has its usual value.
struct ReadingOptions {
  Format format = Format::automatic;
  std::optional<std::variant<int, std::string>> label_column;  // CSV, as in CsvOptions
  std::optional<char> delimiter;                               // CSV
};

/// Which labels are the positive class. Neither: the larger of two.
struct ClassOptions {
  std::optional<LabelPair> labels = std::nullopt;
  std::optional<std::string> positive = std::nullopt;  // this one against all others; may be text

  bool given() const { return labels || positive; }
};

/// The data of a run, and what happens to them before it.
struct DataOptions {
  std::string data;                 // a file, or "synthetic"
  std::string test;                 // a file; empty: none
  std::string labels, test_labels;  // npy: files; empty: none
  ReadingOptions reading;
  std::optional<double> test_fraction;
  ClassOptions classes;
  std::optional<int> index_base, test_index_base;
  LibsvmOptions::Storage storage = LibsvmOptions::Storage::automatic;
  Scaling scaling = Scaling::none;
  bool bias = false;
  SyntheticOptions generator;  // its seed is that of the split into training and test data, too

  bool synthetic() const { return data == "synthetic"; }
};

struct TrainOptions {
  DataOptions data;
  Preset preset = Preset::inexact_gradient;
  Loss loss = Loss::squares;
  std::optional<double> loss_scale = std::nullopt;  // of cauchy and tukey; none: theirs
  Regulariser regulariser;
  Method method = Method::trust_region;
  Subproblem subproblem = Subproblem::automatic;
  SecondOrderOptions solver;  // its stopping and seed are those of every method
  LbfgsOptions lbfgs;
  SgdOptions sgd;
  double max_props = std::numeric_limits<double>::infinity();
  Start start = Start::normal;
  Device device = Device::cpu;
  std::size_t device_memory = 0;  // bytes for rows; 0: what there is
  Precision precision = Precision::f64;
  int threads = 0;
  std::string trace, model, plot;  // files; empty: none
  std::string checkpoint;          // likewise
  bool resume = false;             // from it, where it is there
  bool json = false, quiet = false;
};

struct PredictOptions {
  std::string model, data;
  std::string out;     // a file; empty: none
  std::string labels;  // npy: a file; empty: none
  Link link = Link::automatic;
  ReadingOptions reading;
  ClassOptions classes;
  std::optional<int> index_base;
  int threads = 0;
  bool json = false;
};

struct ConvertOptions {
  std::string in, out;
  std::string labels, out_labels;  // npy: files; empty: none
  ReadingOptions reading;
  Format to = Format::automatic;  // automatic: by the name of `out`
  std::optional<std::string> positive;
  std::optional<int> index_base;
  Scaling scaling = Scaling::none;
  bool bias = false;
  int threads = 0;
  bool json = false;
};

struct MatrixOptions {
  std::string path;
  ReadingOptions reading;
  std::optional<int> index_base;
};

struct SketchCommand {
  MatrixOptions matrix;
  std::string out;
  SketchKind kind = SketchKind::sparse_stack;
  std::optional<index_t> rows;  // none: four times the matrix's columns
  index_t nonzeros = Sketch{}.nonzeros;
  std::uint64_t seed = 1;
  Device device = Device::cpu;
  std::size_t device_memory = 0;  // bytes for rows; 0: what there is
  int threads = 0;
  bool json = false;
};

struct LeverageCommand {
  MatrixOptions matrix;
  LeverageOptions options = {.rng = {1, 0}};
  std::string out, plot;  // empty: none
  index_t top = 0;
  Device device = Device::cpu;
  std::size_t device_memory = 0;  // bytes for rows; 0: what there is
  int threads = 0;
  bool json = false;
};

struct LstsqOptions {
  MatrixOptions matrix;    // its path a file's, or "synthetic"
  std::string rhs;         // a file; empty: a column or
  index_t rhs_column = 0;  // counted from 1; 0: the labels
  std::string out;         // a file; empty: none
  LeastSquaresOptions solver{.rng = {1, 0}};
  SyntheticOptions generator;
  Device device = Device::cpu;
  std::size_t device_memory = 0;  // bytes for rows; 0: what there is
  int threads = 0;
  bool json = false;

  bool synthetic() const { return matrix.path == "synthetic"; }
};

struct Figure1Options {
  DataOptions data;
  std::string out;  // a folder
  Loss loss = Loss::squares;
  Regulariser regulariser;
  int seeds = 5;
  double max_passes = 600;  // a run's budget of propagations, in units of the training rows
  StoppingOptions stopping;
  Device device = Device::cpu;
  int threads = 0;
  bool json = false, quiet = false;
};

struct ComplexityOptions {
  std::int64_t max_iterations = 30'000;  // of the slowest run
  std::string plot;                      // a file; empty: none
  bool json = false, quiet = false;
};

struct InfoOptions {
  bool json = false;
};

/// The user asked for this text.
struct Help {
  std::string text;
};

using Command =
    std::variant<Help, TrainOptions, PredictOptions, ConvertOptions, SketchCommand, LstsqOptions,
                 LeverageCommand, Figure1Options, ComplexityOptions, InfoOptions>;

/// Throws InvalidArgument with one line for the user.
Command parse(int argc, char** argv);

}  // namespace randnla::app
