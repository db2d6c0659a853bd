#include "io/npy_header.hpp"
#include "io/number.hpp"
#include "io/text_stream.hpp"

#include <randnla/io/format.hpp>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace randnla {
namespace {

FileFormat by_name(const std::string& path) {
  std::string name = path;
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* packed : {".gz", ".bz2"}) {
    if (name.ends_with(packed)) name.resize(name.rfind('.'));
  }
  if (name.ends_with(".npy")) return FileFormat::npy;
  return name.ends_with(".csv") || name.ends_with(".tsv") ? FileFormat::csv : FileFormat::libsvm;
}

std::string first_bytes(const std::string& path) {
  constexpr std::size_t enough = std::size_t{1} << 16;
  TextStream stream(path);
  std::string bytes(enough, '\0');
  std::size_t size = 0;
  while (const std::size_t got = stream.read(bytes.data() + size, enough - size)) size += got;
  bytes.resize(size);
  return bytes;
}

/// `label index:`, and the rest does not matter.
bool begins_as_libsvm(const std::string& line) {
  const char* p = line.c_str();
  double label = 0;
  if (parse_number(p, label) != NumberFault::none || (*p != ' ' && *p != '\t')) return false;
  while (*p == ' ' || *p == '\t') ++p;
  const char* const index = p;
  while (is_digit(*p)) ++p;
  return p > index && *p == ':';
}

std::optional<FileFormat> by_first_line(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    if (line.empty() || line.front() == '#') continue;
    if (begins_as_libsvm(std::string(line))) return FileFormat::libsvm;
    if (line.find_first_of(",;\t") != std::string_view::npos) return FileFormat::csv;
    break;
  }
  return std::nullopt;
}

}  // namespace

FileFormat guess_format(const std::string& path) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  if (type == std::filesystem::file_type::fifo) return by_name(path);
  const std::string bytes = first_bytes(path);
  if (bytes.starts_with(npy_magic)) return FileFormat::npy;
  return by_first_line(bytes).value_or(by_name(path));
}

}  // namespace randnla
