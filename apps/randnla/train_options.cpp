#include "train_options.hpp"

#include "option_kinds.hpp"

#include <randnla/core/error.hpp>

#include <initializer_list>

namespace randnla::app {
namespace {

const char* const train_about =
    "Fits a linear two-class model, P(positive | a) = sigmoid(w'a), by a trust-region method or "
    "by\n"
    "adaptive cubic regularisation with sub-sampled gradients and Hessians, and certifies the end\n"
    "point on all data: gradient norm and smallest Hessian eigenvalue.";

const char* const train_footer =
    "Examples\n"
    "  randnla train --data synthetic --hessian row-norm\n"
    "  randnla train --data ijcnn1.bz2 --test ijcnn1.t.bz2 --hessian row-norm --model ijcnn1.npy\n"
    "  randnla train --data covtype.data --positive 2 --scale standardize --plot covtype.svg\n"
    "  randnla train --data a9a --loss logistic --l2 1e-4 --method arc --trace a9a.jsonl --json\n"
    "\n"
    "Presets, the settings of two papers; options that are given win over them\n"
    "  inexact-gradient (arXiv 1802.06925)     inexact-hessian (arXiv 1708.07827)\n"
    "  --init normal                           --init zeros\n"
    "  --hessian uniform, 1 %                  --hessian uniform, 5 %\n"
    "  --initial-sigma 10                      --initial-sigma 1e-4\n"
    "  --inner-iterations 500                  --inner-iterations 250\n"
    "  --inner-tolerance 1e-15                 --inner-tolerance 1e-9\n"
    "  --random-start                          --zero-start\n"
    "  --max-failures 3                        --max-failures 0 (no limit)\n"
    "  In both: --gradient full, --initial-radius 10, eta1 0.8, eta2 1e-4, gamma1 2, gamma2 1.2.\n"
    "  The first paper's inexact runs are --gradient adaptive.\n"
    "\n"
    "Propagations (props): 2 |S_g| a gradient, 2 |S_H| a Hessian product, n a trial value.\n"
    "\n"
    "Model file: one float64 array for NumPy, the weights of the raw features and then the\n"
    "intercept (0 where nothing asks for one). Scaling is folded into them: `randnla predict` and\n"
    "sigmoid(w'a + intercept) take data as they are in the file. Standardising shifts the "
    "features,\n"
    "so its intercept is not 0 even without --bias.\n"
    "\n"
    "Ctrl-C finishes the iteration, writes what there is and exits 130; a second one ends at once.";

void add_data_options(CLI::App& app, DataOptions& data) {
  app.add_option("--data", data.data,
                 "LIBSVM, CSV (also gzip, bzip2) or npy; or the word synthetic")
      ->required()
      ->type_name("FILE|synthetic")
      ->group("Data");
  const auto file = [&](const char* name, std::string& value, const char* help) {
    return app.add_option(name, value, help)->type_name("FILE")->group("Data");
  };
  CLI::Option* const test = file("--test", data.test, "Data for the test accuracy");
  add_number(app, "--test-fraction", data.test_fraction, open_fraction,
             "Or: this part of --data, drawn at random")
      ->excludes(test)
      ->group("Data");
  add_reading(app, data.reading, "Data");
  add_labels(app, data.classes, data.labels, "Data");
  app.add_option("--test-labels", data.test_labels, "The array of labels of npy --test")
      ->needs(test)
      ->type_name("FILE.npy")
      ->group("Data");
  const Range base{0, 1, true, true, "0 or 1"};
  add_number(app, "--index-base", data.index_base, base,
             "Number of the first feature; without it 0 if a 0 occurs, else 1")
      ->group("Data");
  add_number(app, "--test-index-base", data.test_index_base, base,
             "The same for --test; without it as in --data")
      ->needs(test)
      ->group("Data");
  add_choice(app, "--storage", data.storage, storage_names,
             "In memory; automatic: dense from a quarter of nonzeros on")
      ->group("Data");
  add_choice(app, "--scale", data.scaling, scaling_names,
             "Of the features, found on the training data")
      ->group("Data");
  app.add_flag("--bias", data.bias, "Add a feature that is always 1")->group("Data");
}

void add_generator_options(CLI::App& app, SyntheticOptions& generator) {
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(app, name, value, range, help)->group("Synthetic data");
  };
  number("--rows", generator.rows, at_least_one, "Data points");
  number("--cols", generator.cols, at_least_one, "Features");
  number("--condition", generator.condition, at_least_one, "Condition number of the data matrix");
  number("--coherence", generator.coherence, at_least_one,
         "Row lengths lie between 1 / coherence and coherence");
  number("--label-noise", generator.label_noise, below_half, "Part of the labels that is flipped");
  number("--data-seed", generator.seed, nonnegative, "Of the data, and of --test-fraction");
}

/// Both columns of the table in train_footer.
void apply_preset(TrainOptions& train) {
  const bool first = train.preset == Preset::inexact_gradient;
  train.start = first ? Start::normal : Start::zeros;
  train.solver.hessian.sampling = Sampling::uniform;
  train.solver.hessian.fraction = first ? 0.01 : 0.05;
  train.solver.initial_sigma = first ? 10 : 1e-4;
  train.solver.inner_iterations = first ? 500 : 250;
  train.solver.inner_tolerance = first ? 1e-15 : 1e-9;
  train.solver.random_start = first;
  train.solver.max_failures = first ? 3 : 0;
}

void add_problem_options(CLI::App& app, TrainOptions& train) {
  add_choice(app, "--loss", train.loss, loss_names,
             "Mean of (y - sigmoid(w'a))^2, non-convex; or the logistic loss")
      ->group("Problem");
  add_number(app, "--l2", train.l2, nonnegative, "Adds l2/2 |w|^2")->group("Problem");
  add_choice(app, "--init", train.start, start_names,
             "First point; normal: N(0, 1) / sqrt(features)")
      ->group("Problem");
  add_number(app, "--seed", train.solver.seed, nonnegative, "Of the first point and all samples")
      ->group("Problem");
}

void add_sampling_options(CLI::App& app, SecondOrderOptions& solver) {
  add_choice(app, "--hessian", solver.hessian.sampling, sampling_names,
             "Rows that the Hessian is made from")
      ->group("Samples");
  add_number(app, "--hessian-fraction", solver.hessian.fraction, fraction,
             "Part of the rows in that sample")
      ->group("Samples");
  add_choice(app, "--hessian-form", solver.hessian.form, form_names,
             "Products by passes over the sample, or by a matrix")
      ->group("Samples");
  add_choice(app, "--gradient", solver.gradient.rule, gradient_names,
             "Rows that the gradient is made from; adaptive: more as it shrinks")
      ->group("Samples");
  add_number(app, "--gradient-fraction", solver.gradient.fraction, fraction,
             "Part of the rows in that sample; adaptive: in the first one")
      ->group("Samples");
}

void add_method_options(CLI::App& app, SecondOrderOptions& solver) {
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(app, name, value, range, help)->group("Method");
  };
  number("--initial-radius", solver.initial_radius, positive, "Of the trust region");
  number("--max-radius", solver.max_radius, positive_or_infinite, "Of the trust region");
  number("--initial-sigma", solver.initial_sigma, positive, "Weight of the cubic term");
  number("--min-sigma", solver.min_sigma, positive, "Least weight of the cubic term");
  number("--eta1", solver.eta1, open_fraction, "A step is very good where rho is at least this");
  number("--eta2", solver.eta2, open_fraction, "A step is rejected where rho is below this");
  const Range above_one{1, infinite, false, false, "above 1"};
  number("--gamma1", solver.gamma1, above_one,
         "Change of radius or sigma after a very good or a rejected step");
  number("--gamma2", solver.gamma2, above_one, "Change after a good step");
  number("--max-failures", solver.max_failures, nonnegative,
         "Rejected steps in a row before new samples; 0: no limit");
  number("--inner-iterations", solver.inner_iterations, at_least_one,
         "Of CG or Lanczos in a subproblem, at most");
  number("--inner-tolerance", solver.inner_tolerance, nonnegative, "Of those, relative to |g|");
  const auto start = [&](const char* name, bool random, const char* help) {
    const auto set = [&solver, random] { solver.random_start = random; };
    return app.add_flag_callback(name, set, help)->group("Method");
  };
  CLI::Option* const at_random =
      start("--random-start", true, "CG starts at a random point of norm 0.99 radius");
  start("--zero-start", false, "CG starts at zero")->excludes(at_random);
}

void add_stopping_options(CLI::App& app, TrainOptions& train) {
  StoppingOptions& stopping = train.solver.stopping;
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(app, name, value, range, help)->group("Stopping");
  };
  number("--max-iterations", stopping.max_iterations, nonnegative, "Trial steps, at most");
  number("--max-props", train.max_props, nonnegative_or_infinite,
         "Propagations, at most, for instance 1e7; see below");
  number("--target-loss", stopping.target_loss, any_number, "Stop at this loss");
  number("--eps-g", stopping.eps_g, nonnegative, "Optimal: gradient norm at most eps-g and");
  number("--eps-h", stopping.eps_h, nonnegative, "smallest Hessian eigenvalue at least -eps-h");
  number("--failure-probability", stopping.failure_probability, open_fraction,
         "Of the bound on that eigenvalue");
  number("--lanczos-steps", stopping.lanczos_steps, at_least_one, "For that bound, at most");
}

void add_run_options(CLI::App& app, TrainOptions& train) {
  add_choice(app, "--device", train.device, device_names, "Where the run takes place")
      ->group("Run");
  add_choice(app, "--precision", train.precision, precision_names, "Of data and weights")
      ->group("Run");
  const Range thread_range{0, 4096, true, true, "between 0 and 4096"};
  add_number(app, "--threads", train.threads, thread_range, "On the CPU; 0: one a processor")
      ->group("Run");
  app.add_option("--trace", train.trace, "One JSON object an iteration, as they happen")
      ->type_name("FILE.jsonl")
      ->group("Run");
  app.add_option("--model", train.model, "The weights; see below")
      ->type_name("FILE.npy")
      ->group("Run");
  app.add_option("--plot", train.plot, "Loss and gradient norm against propagations")
      ->type_name("FILE.svg")
      ->group("Run");
  app.add_flag("--json", train.json, "Last line of output: the result; progress to stderr")
      ->group("Run");
  app.add_flag("--quiet", train.quiet, "No progress")->group("Run");
}

/// Options that would silently do nothing are refused.
void check_data_options(const CLI::App& app, const DataOptions& data) {
  check_classes(data.classes);
  const auto refuse = [&](std::initializer_list<const char*> names, const char* why) {
    for (const char* name : names) {
      require(app.count(name) == 0, std::string(name) + why);
    }
  };
  if (data.synthetic()) {
    refuse({"--index-base", "--storage", "--format", "--label-column", "--delimiter"},
           " is about files, and --data is synthetic");
    require(data.labels.empty(), "--labels " + data.labels + ": a file, and --data is synthetic");
  } else {
    refuse({"--rows", "--cols", "--condition", "--coherence", "--label-noise"},
           " is about synthetic data, and --data is a file");
    if (!data.test_fraction) {
      refuse({"--data-seed"}, " is about synthetic data or --test-fraction");
    }
  }
}

}  // namespace

void add_train(CLI::App& app, TrainOptions& train) {
  apply_preset(train);
  CLI::App* const command = app.add_subcommand("train", train_about);
  command->footer(train_footer);
  add_data_options(*command, train.data);
  add_generator_options(*command, train.data.generator);
  add_choice(*command, "--method", train.method, method_names,
             "Trust region or adaptive cubic regularisation")
      ->group("Problem");
  const auto preset = [&train](Preset given) {
    train.preset = given;
    apply_preset(train);
  };
  // CLI11 sets options in the order of their definition: whatever follows overrides the preset.
  add_choice(*command, "--preset", train.preset, preset_names, preset, "See below")
      ->group("Problem");
  add_problem_options(*command, train);
  add_sampling_options(*command, train.solver);
  add_method_options(*command, train.solver);
  add_stopping_options(*command, train);
  add_run_options(*command, train);
  command->final_callback([command, &train] { check_data_options(*command, train.data); });
}

}  // namespace randnla::app
