// Ctrl-C, and SIGTERM likewise.
#pragma once

namespace randnla::app {

inline constexpr int exit_interrupted = 130;

/// From here on an interrupt ends the program at once with exit_interrupted.
void install_interrupt_handlers();

/// From here on the first interrupt only sets interrupted(); the second one ends the program.
void finish_work_on_interrupt();

bool interrupted();

/// Thrown to leave work that an interrupt makes useless; ends the program with exit_interrupted.
struct Interrupted {};

}  // namespace randnla::app
