// What the command line says, parsed and checked as far as it can be without data.
#pragma once

#include "choices.hpp"

#include <randnla/data/synthetic.hpp>

#include <limits>
#include <optional>
#include <string>
#include <variant>

namespace randnla::app {

/// The data of a run, and what happens to them before it.
struct DataOptions {
  std::string data;  // a file, or "synthetic"
  std::string test;  // a file; empty: none
  std::string format = "libsvm";
  std::optional<double> test_fraction;
  std::optional<LabelPair> labels;
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
  double l2 = 0;
  Method method = Method::trust_region;
  SecondOrderOptions solver;
  // As the user gives it, for instance 1e7.
  double max_props = std::numeric_limits<double>::infinity();
  Start start = Start::normal;
  Device device = Device::cpu;
  Precision precision = Precision::f64;
  int threads = 0;
  std::string trace, model;  // files; empty: none
  bool json = false, quiet = false;
};

struct PredictOptions {
  std::string model, data;
  std::string out;  // a file; empty: none
  std::optional<LabelPair> labels;
  std::optional<int> index_base;
  int threads = 0;
  bool json = false;
};

struct InfoOptions {
  bool json = false;
};

/// The user asked for this text.
struct Help {
  std::string text;
};

using Command = std::variant<Help, TrainOptions, PredictOptions, InfoOptions>;

/// Throws InvalidArgument with one line for the user.
Command parse(int argc, char** argv);

}  // namespace randnla::app
