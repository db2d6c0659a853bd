#include "lstsq_options.hpp"

#include "data_options.hpp"
#include "matrix_options.hpp"
#include "option_kinds.hpp"

#include <randnla/core/error.hpp>

#include <initializer_list>

namespace randnla::app {
namespace {

using Solver = LeastSquaresMethod;

const char* const lstsq_about =
    "Solves a least-squares problem, with a certificate.\n"
    "Finds the x that makes |A x - b|^2 + ridge |x|^2 least, the shortest one where there are\n"
    "several, and says what is known of it: norms, an estimate of its backward error and of its\n"
    "distance from the best x, rank and condition of A with its columns scaled to length one, and\n"
    "whether the bound that the method stands for holds (`stop`).";

const char* const lstsq_footer =
    "Examples\n"
    "  randnla lstsq --matrix A.npy --rhs b.npy --out x.npy\n"
    "  randnla lstsq --matrix A.mtx --rhs column 7 --method fossils --json\n"
    "  randnla lstsq --matrix table.csv --label-column price --rhs targets --ridge 0.1\n"
    "\n"
    "Methods\n"
    "  auto                      normal where A is well-conditioned enough, else fossils, or qr\n"
    "                            below 8 rows a column\n"
    "  qr                        Householder QR; takes matrices with fewer rows than columns, too\n"
    "  normal                    Cholesky factor of A'A, refined; refused where that loses too "
    "much\n"
    "  sketch-and-solve          the residual within root 2 of the least, no iterations\n"
    "  sketch-and-precondition   LSQR, preconditioned by a factor of a sketch of A\n"
    "  iterative-sketching       gradient steps with momentum, likewise\n"
    "  fossils                   backward stable: two refinements by such steps\n"
    "  iterative-hessian-sketch  Newton steps, each with a new sketch of A";

void set_right_hand_side(LstsqOptions& lstsq, const std::vector<std::string>& words) {
  const bool one = words.size() == 1;
  if (one && words[0] == "targets") return;
  if (one && (words[0].ends_with(".npy") || words[0].ends_with(".txt"))) {
    lstsq.rhs = words[0];
  } else if (one || words[0] != "column" ||
             !CLI::detail::lexical_cast(words[1], lstsq.rhs_column) || lstsq.rhs_column < 1) {
    throw CLI::ValidationError("--rhs", "'" + words[0] + (one ? "" : " " + words[1]) +
                                            "' is none of FILE.npy, FILE.txt, targets and "
                                            "column N with N at least 1");
  }
}

void add_inputs(CLI::App& app, LstsqOptions& lstsq) {
  app.add_option("--matrix", lstsq.matrix.path,
                 "A: LIBSVM or CSV text or Matrix Market (FILE.mtx), plain, gzip or bzip2; npy;\n"
                 "or the word synthetic")
      ->required()
      ->type_name("FILE|synthetic")
      ->group("Data");
  const auto set = [&lstsq](const std::vector<std::string>& words) {
    set_right_hand_side(lstsq, words);
  };
  app.add_option_function<std::vector<std::string>>(
         "--rhs", set,
         "b: a file with a column for each right-hand side (npy, or lines of numbers with commas\n"
         "between them), the labels of the data, or the column N of the matrix, which is taken out")
      ->required()
      ->expected(1, 2)
      ->type_name("FILE.npy|FILE.txt|targets|column N")
      ->group("Data");
  add_reading(app, lstsq.matrix.reading, "Data");
  add_number(app, "--index-base", lstsq.matrix.index_base, {0, 1, true, true, "0 or 1"},
             "Of LIBSVM; without it 0 if a 0 occurs, else 1")
      ->group("Data");
  add_generator_options(app, lstsq.generator, "Of the data");
}

void add_solver(CLI::App& app, LeastSquaresOptions& solver) {
  const auto number = [&](const char* name, auto& value, const Range& range, const char* help) {
    add_number(app, name, value, range, help)->group("Method");
  };
  add_choice(app, "--method", solver.method, least_squares_names, "See below")->group("Method");
  number("--ridge", solver.ridge, nonnegative, "Times |x|^2, added to |A x - b|^2");
  number("--tolerance", solver.tolerance, {0, 1, true, false, "at least 0 and below 1"},
         "Of |A(x - x*)| / |A x - b| for the best x*; 0: the method's bound");
  number("--max-iterations", solver.max_iterations, at_least_one, "Of each loop");
  add_choice(app, "--sketch", solver.sketch, sketch_names, "Of A")->group("Method");
  number("--sketch-rows", solver.sketch_rows, nonnegative,
         "Of the sketch, or drawn of A; 0: by the method and the columns of A");
  number("--nonzeros", solver.nonzeros, at_least_one,
         "A column of sparse-stack and sparse-sign has");
  add_choice(
      app, "--sampling", Sampling::uniform, sampling_names,
      [&solver](Sampling rule) { solver.sampling = rule; },
      "sketch-and-solve: draw rows of A in place of a sketch")
      ->default_str("")
      ->group("Method");
  number("--seed", solver.rng.seed, nonnegative, "Of sketches and samples");
}

/// Options that would silently do nothing are refused.
void check_lstsq(const CLI::App& app, const LstsqOptions& lstsq) {
  const LeastSquaresOptions& solver = lstsq.solver;
  const auto refuse = [&](std::initializer_list<const char*> names, const std::string& why) {
    for (const char* name : names) require(app.count(name) == 0, std::string(name) + why);
  };
  const std::string nothing =
      std::string(" says nothing to --method ") + name_in(least_squares_names, solver.method);
  if (solver.method == Solver::qr || solver.method == Solver::normal) {
    refuse({"--sketch", "--sketch-rows", "--nonzeros", "--seed"}, nothing);
  }
  if (solver.method == Solver::qr || solver.method == Solver::sketch_and_solve) {
    refuse({"--tolerance", "--max-iterations"}, nothing);
  }
  if (solver.method != Solver::sketch_and_solve) refuse({"--sampling"}, nothing);
  if (solver.sampling)
    refuse({"--sketch", "--nonzeros"}, " says nothing where --sampling is given");
  check_nonzeros(app, solver.sketch);
  if (lstsq.synthetic()) {
    refuse({"--format", "--label-column", "--delimiter", "--index-base"},
           " is about files, and --matrix is synthetic");
  } else {
    refuse({"--rows", "--cols", "--condition", "--coherence", "--label-noise", "--data-seed"},
           " is about synthetic data, and --matrix is a file");
  }
}

}  // namespace

void add_lstsq(CLI::App& app, LstsqOptions& lstsq) {
  CLI::App* const command = app.add_subcommand("lstsq", lstsq_about);
  command->footer(lstsq_footer);
  add_inputs(*command, lstsq);
  add_solver(*command, lstsq.solver);
  add_choice(*command, "--device", lstsq.device, device_names, "Where the problem is solved")
      ->group("Run");
  add_device_memory(*command, lstsq.device_memory)->group("Run");
  add_number(*command, "--threads", lstsq.threads, nonnegative, "On the CPU; 0: one a processor")
      ->group("Run");
  command->add_option("--out", lstsq.out, "x, float64; of several right-hand sides a column each")
      ->type_name("FILE.npy")
      ->group("Run");
  command->add_flag("--json", lstsq.json, "The last line of the output is one object")
      ->group("Run");
  command->final_callback([command, &lstsq] {
    check_lstsq(*command, lstsq);
    check_device_memory(*command, lstsq.device);
  });
}

}  // namespace randnla::app
