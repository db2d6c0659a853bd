// The program that `randnla nn` becomes.
#include "exit_codes.hpp"
#include "nn_options.hpp"

#include <cstdio>
#include <variant>

namespace randnla::app {
namespace {

int dispatch(const NetworkCommand& command) {
  if (const auto* help = std::get_if<Help>(&command)) {
    std::fputs(help->text.c_str(), stdout);
    return 0;
  }
  if (const auto* options = std::get_if<NetworkTrainOptions>(&command)) {
    return train_network(*options);
  }
  if (const auto* options = std::get_if<SpectrumOptions>(&command)) return spectrum(*options);
  if (const auto* options = std::get_if<AttackOptions>(&command)) return robustness(*options);
  if (const auto* options = std::get_if<Figure3Options>(&command)) return figure3(*options);
  return landscape(std::get<LandscapeOptions>(command));
}

}  // namespace
}  // namespace randnla::app

int main(int argc, char** argv) {
  using namespace randnla::app;
  return run_and_report([=] { return dispatch(parse_network_command(argc, argv)); });
}
