#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cinttypes>

namespace randnla::app {
namespace {

constexpr auto redraw_interval = std::chrono::milliseconds(50);

std::string row_of(const Iteration& it) {
  std::array<char, 200> text;
  std::snprintf(text.data(), text.size(),
                "%6" PRId64 "  %.10e  %.3e  %.3e  %+10.3e  %-7s  %9" PRId64 "  %9" PRId64
                "  %5d  %.3e  %8.2f",
                it.iteration, it.loss, it.gradient_norm, it.size, it.rho,
                !it.accepted                       ? "reject"
                : it.step == StepKind::eigenvector ? "eigen"
                                                   : "accept",
                it.gradient_sample, it.hessian_sample, it.inner_iterations,
                static_cast<double>(it.work.props), it.seconds);
  return text.data();
}

/// What fits a line of the terminal: a row that wraps could not be rewritten in place.
std::string cut_to_width(const std::string& row, std::FILE* terminal) {
  winsize size = {};
  if (::ioctl(::fileno(terminal), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return row;
  return row.substr(0, size.ws_col);
}

/// 1, 2, ..., 9, 10, 20, ..., 90, 100, 200, ...
bool is_round(std::int64_t n) {
  while (n % 10 == 0) n /= 10;
  return n < 10;
}

}  // namespace

ProgressTable::ProgressTable(std::FILE* out, Method method)
    : out_(out), method_(method), terminal_(::isatty(::fileno(out)) == 1) {}

void ProgressTable::print_header() {
  std::fprintf(out_, "%6s  %16s  %9s  %9s  %10s  %-7s  %9s  %9s  %5s  %9s  %8s\n", "iter", "loss",
               "|g|", name_of_size(method_), "rho", "step", "|S_g|", "|S_H|", "inner", "props",
               "seconds");
  header_ = true;
}

void ProgressTable::add(const Iteration& iteration) {
  if (!header_) print_header();
  const std::string row = row_of(iteration);
  if (!terminal_) {
    std::fprintf(out_, "%s\n", row.c_str());
  } else if (is_round(iteration.iteration)) {
    std::fprintf(out_, "\r%s\n", row.c_str());
    pending_.clear();
  } else {
    pending_ = row;
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_ < redraw_interval) return;
    shown_ = now;
    std::fprintf(out_, "\r%s", cut_to_width(row, out_).c_str());
  }
  std::fflush(out_);
}

void ProgressTable::finish() {
  if (pending_.empty()) return;
  std::fprintf(out_, "\r%s\n", pending_.c_str());
  std::fflush(out_);
  pending_.clear();
}

StatusLine::StatusLine(std::FILE* out) : out_(out), terminal_(::isatty(::fileno(out)) == 1) {}

void StatusLine::show(const char* what, std::int64_t count, const char* unit) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now - last_ < redraw_interval) return;
  last_ = now;
  shown_ = true;
  std::fprintf(out_, "\r%s: %" PRId64 " %s", what, count, unit);
  std::fflush(out_);
}

void StatusLine::clear() {
  if (!shown_) return;
  std::fprintf(out_, "\r\x1b[K");
  std::fflush(out_);
  shown_ = false;
}

}  // namespace randnla::app
