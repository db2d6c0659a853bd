#include "matrix_options.hpp"

#include "data_options.hpp"
#include "option_kinds.hpp"

#include <randnla/core/error.hpp>

namespace randnla::app {
namespace {

void add_matrix(CLI::App& command, MatrixOptions& matrix) {
  command
      .add_option("--matrix", matrix.path,
                  "LIBSVM or CSV text or Matrix Market (FILE.mtx), plain, gzip or bzip2; npy")
      ->required()
      ->type_name("FILE");
}

const char* const sketch_about =
    "Shrinks a tall matrix to few rows.\n"
    "Writes S A for a random matrix S, the same for the same seed on every device: its column "
    "space\n"
    "has nearly the lengths and angles of A's. S is sparse, of signs, or gaussian, rademacher or\n"
    "srht (randomised Hadamard transform). Labels that the file has are left out.";

const char* const leverage_about =
    "How much each row of a matrix decides.\n"
    "The leverage of a row is the squared length of the projection of its unit vector to the "
    "columns'\n"
    "span: 1 for a row that nothing else replaces, d/n in the mean. Labels that the file has are "
    "left out.";

}  // namespace

void check_nonzeros(const CLI::App& command, SketchKind kind) {
  require(kind == SketchKind::sparse_stack || kind == SketchKind::sparse_sign ||
              command.count("--nonzeros") == 0,
          std::string("--nonzeros is about sparse-stack and sparse-sign, and --sketch is ") +
              name_in(sketch_names, kind));
}

void add_sketch(CLI::App& app, SketchCommand& sketch) {
  CLI::App* const command = app.add_subcommand("sketch", sketch_about);
  command->footer(
      "Examples\n"
      "  randnla sketch --matrix A.npy --rows 400 --out SA.npy\n"
      "  randnla sketch --matrix covtype.data.gz --sketch sparse-sign --nonzeros 8 --out SA.npy "
      "--json");
  add_matrix(*command, sketch.matrix);
  command->add_option("--out", sketch.out, "S A, float64, by rows")
      ->required()
      ->type_name("FILE.npy");
  add_choice(*command, "--sketch", sketch.kind, sketch_names, "The kind of S");
  add_number(*command, "--rows", sketch.rows, at_least_one,
             "Of S; without it four times the columns of the matrix");
  add_number(*command, "--nonzeros", sketch.nonzeros, at_least_one,
             "A column of sparse-stack and sparse-sign has");
  add_number(*command, "--seed", sketch.seed, nonnegative, "Of S");
  add_reading(*command, sketch.matrix.reading, "Options");
  add_number(*command, "--index-base", sketch.matrix.index_base, {0, 1, true, true, "0 or 1"},
             "Of LIBSVM; without it 0 if a 0 occurs, else 1");
  add_choice(*command, "--device", sketch.device, device_names, "Where A is sketched");
  add_device_memory(*command, sketch.device_memory);
  add_number(*command, "--threads", sketch.threads, nonnegative, "On the CPU; 0: one a processor");
  command->add_flag("--json", sketch.json, "The last line of the output is one object");
  command->final_callback([command, &sketch] {
    check_nonzeros(*command, sketch.kind);
    check_device_memory(*command, sketch.device);
  });
}

void add_leverage(CLI::App& app, LeverageCommand& leverage) {
  CLI::App* const command = app.add_subcommand("leverage", leverage_about);
  command->footer(
      "Examples\n"
      "  randnla leverage --matrix A.npy --top 10\n"
      "  randnla leverage --matrix covtype.data.gz --method approx --error 0.1 --out scores.npy "
      "--plot scores.svg");
  LeverageOptions& options = leverage.options;
  add_matrix(*command, leverage.matrix);
  add_choice(
      *command, "--method", options.method, leverage_names,
      "cholesky or exact, of the Gram matrix; qr; approx, from a sketch; auto: the cheaper of "
      "the first and the last");
  add_number(*command, "--ridge", options.ridge, nonnegative,
             "Added to the Gram matrix's diagonal");
  CLI::Option* const error =
      add_number(*command, "--error", options.error, {0, 1, true, true, "0 to 1"},
                 "Relative, of 99 of 100 scores, of approx and auto; auto with 0: exact");
  add_number(*command, "--seed", options.rng.seed, nonnegative, "Of approx");
  command->add_option("--out", leverage.out, "The scores, float64")->type_name("FILE.npy");
  add_number(*command, "--top", leverage.top, nonnegative, "So many rows are listed, from 0");
  command->add_option("--plot", leverage.plot, "The scores in order")->type_name("FILE.svg");
  add_reading(*command, leverage.matrix.reading, "Options");
  add_number(*command, "--index-base", leverage.matrix.index_base, {0, 1, true, true, "0 or 1"},
             "Of LIBSVM; without it 0 if a 0 occurs, else 1");
  add_choice(*command, "--device", leverage.device, device_names, "Where the scores are computed");
  add_device_memory(*command, leverage.device_memory);
  add_number(*command, "--threads", leverage.threads, nonnegative,
             "On the CPU; 0: one a processor");
  command->add_flag("--json", leverage.json, "The last line of the output is one object");
  command->final_callback([command, error, &options, &leverage] {
    check_device_memory(*command, leverage.device);
    const bool exact =
        options.method == LeverageMethod::cholesky || options.method == LeverageMethod::qr;
    require(!exact || error->count() == 0,
            std::string("--error is about approx and auto, and --method is ") +
                name_in(leverage_names, options.method));
  });
}

}  // namespace randnla::app
