// The command line `randnla`: docs/command-line.md.
#include "commands.hpp"
#include "exit_codes.hpp"

#include <cstdio>
#include <string>
#include <variant>

namespace randnla::app {
namespace {

int dispatch(const Command& command) {
  if (const auto* help = std::get_if<Help>(&command)) {
    std::fputs(help->text.c_str(), stdout);
    return 0;
  }
  if (const auto* options = std::get_if<TrainOptions>(&command)) return train(*options);
  if (const auto* options = std::get_if<PredictOptions>(&command)) return predict(*options);
  if (const auto* options = std::get_if<ConvertOptions>(&command)) return convert(*options);
  if (const auto* options = std::get_if<SketchCommand>(&command)) return sketch(*options);
  if (const auto* options = std::get_if<LstsqOptions>(&command)) return lstsq(*options);
  if (const auto* options = std::get_if<LeverageCommand>(&command)) return leverage(*options);
  if (const auto* options = std::get_if<Figure1Options>(&command)) return figure1(*options);
  if (const auto* options = std::get_if<ComplexityOptions>(&command)) return complexity(*options);
  return info(std::get<InfoOptions>(command));
}

int run_command(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "nn") return networks(argc - 1, argv + 1);
  if (argc > 1 && std::string(argv[1]) == "figure3") return networks(argc, argv);
  return dispatch(parse(argc, argv));
}

}  // namespace
}  // namespace randnla::app

int main(int argc, char** argv) {
  return randnla::app::run_and_report([=] { return randnla::app::run_command(argc, argv); });
}
