#include "exit_codes.hpp"

#include "interrupt.hpp"

#include <randnla/core/error.hpp>

#include <cstdio>
#include <exception>
#include <new>

namespace randnla::app {
namespace {

enum ExitCode { internal = 1, usage = 2, bad_data = 3, device = 4 };

int run(const std::function<int()>& command) {
  const int code = command();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw DataError("standard output: cannot be written");
  }
  return code;
}

int fail(ExitCode code, const char* message) {
  std::fprintf(stderr, "randnla: %s\n", message);
  return code;
}

}  // namespace

int run_and_report(const std::function<int()>& command) {
  try {
    install_interrupt_handlers();
    return run(command);
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

}  // namespace randnla::app
