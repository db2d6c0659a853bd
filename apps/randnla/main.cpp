// The command line `randnla`: docs/command-line.md.
#include "commands.hpp"
#include "interrupt.hpp"

#include <randnla/core/error.hpp>

#include <cstdio>
#include <exception>
#include <new>
#include <variant>

namespace randnla::app {
namespace {

enum ExitCode { done = 0, internal = 1, usage = 2, bad_data = 3, device = 4 };

int dispatch(const Command& command) {
  if (const auto* help = std::get_if<Help>(&command)) {
    std::fputs(help->text.c_str(), stdout);
    return done;
  }
  if (const auto* options = std::get_if<TrainOptions>(&command)) return train(*options);
  if (const auto* options = std::get_if<PredictOptions>(&command)) return predict(*options);
  if (const auto* options = std::get_if<ConvertOptions>(&command)) return convert(*options);
  if (const auto* options = std::get_if<SketchCommand>(&command)) return sketch(*options);
  if (const auto* options = std::get_if<Figure1Options>(&command)) return figure1(*options);
  if (const auto* options = std::get_if<ComplexityOptions>(&command)) return complexity(*options);
  return info(std::get<InfoOptions>(command));
}

int run(const Command& command) {
  const int code = dispatch(command);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw DataError("standard output: cannot be written");
  }
  return code;
}

int fail(ExitCode code, const char* message) {
  std::fprintf(stderr, "randnla: %s\n", message);
  return code;
}

int run_and_report(int argc, char** argv) {
  try {
    install_interrupt_handlers();
    return run(parse(argc, argv));
  } catch (const Interrupted&) {
    return exit_interrupted;
  } catch (const InvalidArgument& error) {
    return fail(usage, error.what());
  } catch (const DataError& error) {
    return fail(bad_data, error.what());
  } catch (const BackendError& error) {
    return fail(device, error.what());
  } catch (const std::bad_alloc&) {
    return fail(device, "out of memory");
  } catch (const std::exception& error) {
    return fail(internal, error.what());
  }
}

}  // namespace
}  // namespace randnla::app

int main(int argc, char** argv) { return randnla::app::run_and_report(argc, argv); }
