#include "app/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace randnla::test {
namespace {

/// A program that does not end must not outlive its test.
constexpr auto longest_run = std::chrono::seconds(60);

}  // namespace

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<nlohmann::json> read_json_lines(const std::string& path) {
  std::vector<nlohmann::json> objects;
  for (const std::string& line : lines_of(bytes_of(path))) {
    objects.push_back(nlohmann::json::parse(line));
  }
  return objects;
}

std::vector<std::string> Outcome::out_lines() const { return lines_of(out); }
std::vector<std::string> Outcome::err_lines() const { return lines_of(err); }
nlohmann::json Outcome::json() const {
  const std::vector<std::string> lines = out_lines();
  if (lines.empty()) throw std::runtime_error("nothing on standard output; standard error: " + err);
  return nlohmann::json::parse(lines.back());
}

Program::Program(const std::vector<std::string>& arguments, const std::string& given_out) {
  std::vector<std::string> words = {RANDNLA_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv(words.size() + 1, nullptr);
  for (std::size_t i = 0; i < words.size(); ++i) argv[i] = words[i].data();

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  constexpr int create = O_WRONLY | O_CREAT | O_TRUNC;
  const std::string out = given_out.empty() ? folder_.file("out") : given_out;
  const std::string err = folder_.file("err");
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), create, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), create, 0600);
  const int status = ::posix_spawn(&pid_, RANDNLA_PROGRAM, &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (status != 0) throw std::runtime_error("cannot start " RANDNLA_PROGRAM);
}

Program::~Program() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Program::send(int signal) const { ::kill(pid_, signal); }

Outcome Program::finish() {
  int status = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() - begin > longest_run) ::kill(pid_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  pid_ = 0;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
          bytes_of(folder_.file("out")), bytes_of(folder_.file("err"))};
}

Outcome run(const std::vector<std::string>& arguments) { return Program(arguments).finish(); }

void expect_refusal(const std::vector<std::string>& words, int code, const std::string& reason,
                    const TemporaryFolder& folder) {
  const std::vector<std::string> before = folder.names();
  const Outcome outcome = run(words);
  EXPECT_EQ(outcome.exit_code, code) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  const std::vector<std::string> lines = outcome.err_lines();
  ASSERT_EQ(lines.size(), 1U) << outcome.err;
  EXPECT_EQ(lines[0].rfind("randnla: ", 0), 0U) << lines[0];
  EXPECT_NE(lines[0].find(reason), std::string::npos) << lines[0];
  EXPECT_EQ(folder.names(), before);
}

std::string small_libsvm(int rows) {
  std::mt19937 bits(5);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::ostringstream text;
  for (int i = 0; i < rows; ++i) {
    const double a = uniform(bits), b = 20 * uniform(bits) + 70, c = uniform(bits);
    const bool positive = a + (b - 70) / 20 + 0.3 * uniform(bits) > 0.2;
    text << (positive ? "+1" : "-1") << " 1:" << a << " 2:" << b;
    if (i % 3 != 0) text << " 4:" << c;
    text << "\n";
  }
  return text.str();
}

}  // namespace randnla::test
