// Where the public data sets lie that some tests use. They are not part of the project.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace randnla::test {

/// Folder named by the environment variable RANDNLA_DATA, else shared/data beside the source tree.
/// None where the file is absent: then GTEST_SKIP() << no_data(name).
inline std::optional<std::string> data_path(const std::string& name) {
  const char* const given = std::getenv("RANDNLA_DATA");
  const std::filesystem::path folder =
      given != nullptr ? std::filesystem::path(given)
                       : std::filesystem::path(RANDNLA_SOURCE_DIR) / ".." / "shared" / "data";
  const std::filesystem::path path = folder / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path.lexically_normal().string();
}

inline std::string no_data(const std::string& name) {
  return "no " + name + ": set RANDNLA_DATA to the folder that holds it";
}

}  // namespace randnla::test
