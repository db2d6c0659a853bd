#include "commands.hpp"
#include "nn_options.hpp"

#include <randnla/core/error.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <variant>

namespace randnla::app {
namespace {

[[noreturn]] void become_network_program(char** argv) {
#ifdef RANDNLA_HAS_TORCH
  const std::string program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "randnla-nn";
  // Threads that spin while they wait for each other slow a machine down that has other work, too:
  // libtorch's do, unless OpenMP is told otherwise before it is loaded.
  ::setenv("OMP_WAIT_POLICY", "passive", 0);
  ::execv(program.c_str(), argv);
  throw BackendError(program + ": cannot be started: " + std::generic_category().message(errno));
#else
  static_cast<void>(argv);
  throw BackendError("nn: this build is without libtorch: see RANDNLA_TORCH in the README");
#endif
}

}  // namespace

int networks(int argc, char** argv) {
  const NetworkCommand command = parse_network_command(argc, argv);
  if (const auto* help = std::get_if<Help>(&command)) {
    std::fputs(help->text.c_str(), stdout);
    return 0;
  }
  become_network_program(argv);
}

}  // namespace randnla::app
