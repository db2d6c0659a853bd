#include "interrupt.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace randnla::app {
namespace {

std::atomic<bool> finishing{false}, requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait");

void on_signal(int) {
  if (!finishing || requested.exchange(true)) _exit(exit_interrupted);
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void finish_work_on_interrupt() { finishing = true; }

bool interrupted() { return requested; }

}  // namespace randnla::app
