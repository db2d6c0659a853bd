// Starts the program `randnla` as a user's shell does.
#pragma once

#include "support/temporary.hpp"

#include <nlohmann/json.hpp>
#include <sys/types.h>

#include <string>
#include <vector>

namespace randnla::test {

struct Outcome {
  int exit_code = 0;  // minus the signal's number where one ended the program
  std::string out, err;

  std::vector<std::string> out_lines() const;
  std::vector<std::string> err_lines() const;
  /// The last line of the standard output.
  nlohmann::json json() const;
};

/// The program, running. Its output goes to files, so that it never waits for a reader.
class Program {
 public:
  /// out  where the standard output goes; empty: to finish()
  explicit Program(const std::vector<std::string>& arguments, const std::string& out = "");
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  void send(int signal) const;
  /// Waits until the program has ended.
  Outcome finish();

 private:
  TemporaryFolder folder_;
  pid_t pid_ = 0;
};

Outcome run(const std::vector<std::string>& arguments);

std::vector<std::string> lines_of(const std::string& text);
/// The program ends with this code, says one line, and neither prints nor writes anything.
void expect_refusal(const std::vector<std::string>& words, int code, const std::string& reason,
                    const TemporaryFolder& folder);

/// One JSON object a line; throws where one is not.
std::vector<nlohmann::json> read_json_lines(const std::string& path);

/// LIBSVM text of a small problem that needs no exact arithmetic to be learnt: labels -1 and 1.
std::string small_libsvm(int rows);

}  // namespace randnla::test
