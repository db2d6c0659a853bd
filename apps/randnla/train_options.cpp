#include "train_options.hpp"

#include "data_options.hpp"
#include "option_kinds.hpp"
#include "second_order_options.hpp"

#include <randnla/core/error.hpp>

#include <initializer_list>

namespace randnla::app {
namespace {

const char* const train_about =
    "Fits a linear model and certifies the end point.\n"
    "The model is of two classes, of several, or of a number. It is found by a trust-region\n"
    "method or adaptive cubic regularisation, both with sub-sampled gradients and Hessians, or by\n"
    "one of the methods that these are compared with. The certificate is the gradient norm and a\n"
    "bound on the smallest Hessian eigenvalue, on all data.";

const char* const train_footer =
    "Examples\n"
    "  randnla train --data synthetic --hessian row-norm\n"
    "  randnla train --data ijcnn1.bz2 --test ijcnn1.t.bz2 --hessian row-norm --model ijcnn1.npy\n"
    "  randnla train --data covtype.data --positive 2 --scale standardize --plot covtype.svg\n"
    "  randnla train --data a9a --loss logistic --l2 1e-4 --method arc --trace a9a.jsonl --json\n"
    "  randnla train --data covtype.data --loss softmax --scale standardize --checkpoint c.bin\n"
    "  randnla train --data ijcnn1.bz2 --gradient error-driven --hessian-size error-driven\n"
    "\n"
    "Presets, the settings of two papers; options that are given win over them\n"
    "  inexact-gradient (arXiv 1802.06925)     inexact-hessian (arXiv 1708.07827)\n"
    "  --init normal                           --init zeros\n"
    "  --hessian uniform, 1 %                  --hessian uniform, 5 %\n"
    "  --initial-sigma: see there (paper: 10)  --initial-sigma 1e-4\n"
    "  --inner-iterations 500                  --inner-iterations 250\n"
    "  --inner-tolerance 1e-15                 --inner-tolerance 1e-9\n"
    "  --random-start                          --zero-start\n"
    "  --max-failures 3                        --max-failures 0 (no limit)\n"
    "  In both: --gradient full, --initial-radius 10, eta1 0.8, eta2 1e-4, gamma1 2, gamma2 1.2.\n"
    "  The first paper's inexact runs are --gradient adaptive.\n"
    "\n"
    "Losses of z = w'a and the label y\n"
    "  two classes, y in {0, 1}: nls (y - sigmoid(z))^2, non-convex; logistic\n"
    "  more classes: softmax, a w for each\n"
    "  numbers, r = z - y: squared r^2/2; robust: cauchy c^2/2 log(1 + (r/c)^2), tukey (biweight)\n"
    "\n"
    "Methods\n"
    "  tr            trust region                  lbfgs         L-BFGS\n"
    "  arc           cubic regularisation          sgd           with momentum; an iteration is "
    "an\n"
    "  gauss-newton  tr, Hessian without what                    epoch\n"
    "                can make it negative          scr-lanczos   cubic model, fixed sigma, every\n"
    "                                              scr-gd        step taken; |S_g| 10 %, |S_H| 1 "
    "%\n"
    "\n"
    "Propagations (props): 2 |S_g| a gradient, 2 |S_H| a Hessian product, n a trial value.\n"
    "\n"
    "Model file: one float64 array for NumPy, the weights of the raw features and then the\n"
    "intercept (0 where nothing asks for one); of several classes a row each. Scaling is folded\n"
    "into them: `randnla predict` and\n"
    "sigmoid(w'a + intercept) take data as they are in the file. Standardising shifts the "
    "features,\n"
    "so its intercept is not 0 even without --bias.\n"
    "\n"
    "--checkpoint keeps what the run needs to go on, every --checkpoint-seconds; with --resume "
    "the\n"
    "same command goes on from there after whatever ended it, to the same bits.\n"
    "\n"
    "Ctrl-C finishes the iteration, writes what there is and exits 130; a second one ends at once.";

/// Both columns of the table in train_footer.
void apply_preset(TrainOptions& train) {
  const bool first = train.preset == Preset::inexact_gradient;
  train.start = first ? Start::normal : Start::zeros;
  train.solver.hessian.sampling = Sampling::uniform;
  train.solver.hessian.fraction = first ? 0.01 : 0.05;
  train.solver.initial_sigma = first ? std::nullopt : std::optional<double>(1e-4);
  train.solver.inner_iterations = first ? 500 : 250;
  train.solver.inner_tolerance = first ? 1e-15 : 1e-9;
  train.solver.random_start = first;
  train.solver.max_failures = first ? 3 : 0;
}

/// What a method has that the preset does not say.
void apply_method(TrainOptions& train) {
  set_curvature(train.method, train.solver);
  if (train.method == Method::scr_lanczos || train.method == Method::scr_gd) {
    train.solver.gradient.fraction = ScrOptions{}.gradient_fraction;
    train.solver.hessian.fraction = ScrOptions{}.hessian_fraction;
    train.solver.initial_sigma = ScrOptions{}.sigma;
  }
}

void add_problem_options(CLI::App& app, TrainOptions& train) {
  add_choice(app, "--loss", train.loss, loss_names, "Of a prediction; see below")->group("Problem");
  add_number(app, "--loss-scale", train.loss_scale, positive, "c of cauchy and tukey; see below")
      ->group("Problem");
  add_number(app, "--l2", train.regulariser.l2, nonnegative, "Adds l2/2 |w|^2")->group("Problem");
  add_number(app, "--nonconvex", train.regulariser.nonconvex, nonnegative,
             "Adds this times the sum of w_j^2 / (1 + w_j^2)")
      ->group("Problem");
  add_choice(app, "--init", train.start, start_names,
             "First point; normal: N(0, 1) / sqrt(features)")
      ->group("Problem");
  add_number(app, "--seed", train.solver.seed, nonnegative, "Of the first point and all samples")
      ->group("Problem");
}

/// Those that take scores or errors of single terms, and products other than by passes.
void add_score_options(CLI::App& app, SecondOrderOptions& solver) {
  add_choice(app, "--hessian-size", solver.hessian.size, size_names,
             "That part, or as many as --hessian-tolerance asks for")
      ->group("Samples");
  add_number(app, "--hessian-tolerance", solver.hessian.tolerance, positive,
             "error-driven: |H_S - H|, in eps-h sqrt(max(1, |g| / eps-g))")
      ->group("Samples");
  add_number(app, "--leverage-refresh", solver.hessian.refresh, at_least_one,
             "Samples drawn before leverage scores are computed anew")
      ->group("Samples");
  add_choice(app, "--hessian-form", solver.hessian.form, form_names,
             "Products by passes over the sample, or by a matrix")
      ->group("Samples");
  add_choice(app, "--errors", solver.errors, errors_names,
             "Sampling errors in the trace; exact ones take passes over all data")
      ->group("Samples");
}

void add_baseline_options(CLI::App& app, TrainOptions& train) {
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    return add_number(app, name, value, range, help)->group("Baselines");
  };
  number("--memory", train.lbfgs.memory, at_least_one, "lbfgs: pairs of steps kept");
  number("--learning-rate", train.sgd.learning_rate, positive, "sgd");
  number("--momentum", train.sgd.momentum, {0, 1, true, false, "at least 0 and below 1"}, "sgd");
  number("--batch", train.sgd.batch, at_least_one, "sgd: rows a step");
  add_choice(app, "--decay", train.sgd.decay, decay_names,
             "sgd: of the learning rate; 1/sqrt(1 + epoch), or by --decay-factor\n"
             "every --decay-epochs")
      ->group("Baselines");
  number("--decay-factor", train.sgd.decay_factor, fraction, "sgd");
  number("--decay-epochs", train.sgd.decay_epochs, at_least_one, "sgd");
  number("--monitor", train.sgd.monitor, at_least_one, "sgd: epochs between looks at all data");
}

void add_run_options(CLI::App& app, TrainOptions& train) {
  add_choice(app, "--device", train.device, device_names, "Where the run takes place")
      ->group("Run");
  add_device_memory(app, train.device_memory)->group("Run");
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
  CLI::Option* const checkpoint =
      app.add_option("--checkpoint", train.checkpoint, "Keep what --resume needs; see below")
          ->type_name("FILE")
          ->group("Run");
  add_number(app, "--checkpoint-seconds", train.solver.checkpoint_seconds, nonnegative,
             "Between checkpoints, at least; 0: one after every accepted step")
      ->needs(checkpoint)
      ->group("Run");
  app.add_flag("--resume", train.resume, "Go on from --checkpoint, where that is there")
      ->needs(checkpoint)
      ->group("Run");
  app.add_option("--plot", train.plot, "Loss and gradient norm against propagations")
      ->type_name("FILE.svg")
      ->group("Run");
  app.add_flag("--json", train.json, "Last line of output: the result; progress to stderr")
      ->group("Run");
  app.add_flag("--quiet", train.quiet, "No progress")->group("Run");
}

/// Options that would silently do nothing are refused.
void check_method_options(const CLI::App& app, const TrainOptions& train) {
  const auto refuse = [&](std::initializer_list<const char*> names) {
    app::refuse(app, train.method, names);
  };
  const bool second_order = train.method == Method::trust_region ||
                            train.method == Method::gauss_newton || train.method == Method::cubic;
  const bool scr = train.method == Method::scr_lanczos || train.method == Method::scr_gd;
  if (!second_order) {
    refuse({"--hessian",
            "--hessian-size",
            "--hessian-tolerance",
            "--hessian-form",
            "--leverage-refresh",
            "--gradient",
            "--gradient-tolerance",
            "--errors",
            "--subproblem",
            "--initial-radius",
            "--max-radius",
            "--min-sigma",
            "--eta1",
            "--eta2",
            "--gamma1",
            "--gamma2",
            "--max-failures",
            "--inner-iterations",
            "--inner-tolerance",
            "--random-start",
            "--zero-start",
            "--checkpoint",
            "--resume"});
  } else {
    refuse_other_model(app, train.method);
  }
  if (!second_order && !scr)
    refuse({"--hessian-fraction", "--gradient-fraction", "--initial-sigma"});
  if (train.method != Method::lbfgs) refuse({"--memory"});
  if (train.method != Method::sgd) {
    refuse({"--learning-rate", "--momentum", "--batch", "--decay", "--decay-factor",
            "--decay-epochs", "--monitor"});
  }
  const bool robust = train.loss == Loss::cauchy || train.loss == Loss::tukey;
  require(robust || app.count("--loss-scale") == 0, "--loss-scale is about cauchy and tukey");
}

}  // namespace

void add_train(CLI::App& app, TrainOptions& train) {
  apply_preset(train);
  CLI::App* const command = app.add_subcommand("train", train_about);
  command->footer(train_footer);
  add_data_options(*command, train.data);
  add_generator_options(*command, train.data.generator);
  const auto preset = [&train](Preset given) {
    train.preset = given;
    apply_preset(train);
  };
  const auto method = [&train](Method given) {
    train.method = given;
    apply_method(train);
  };
  // CLI11 sets options in the order of their definition: whatever follows overrides these.
  add_choice(*command, "--preset", train.preset, preset_names, preset, "See below")
      ->group("Problem");
  add_choice(*command, "--method", train.method, method_names, method, "See below")
      ->group("Problem");
  add_problem_options(*command, train);
  add_sample_options(*command, train.solver);
  add_score_options(*command, train.solver);
  add_model_options(*command, train.solver, train.subproblem);
  add_baseline_options(*command, train);
  add_stopping_options(*command, train.solver.stopping, train.max_props);
  add_run_options(*command, train);
  command->final_callback([command, &train] {
    check_data_options(*command, train.data);
    check_method_options(*command, train);
    check_device_memory(*command, train.device);
    set_subproblem(train.subproblem, train.method, train.solver);
  });
}

}  // namespace randnla::app
