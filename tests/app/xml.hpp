// As much of XML as tells whether a picture is one.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace randnla::test {

inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// Every element is closed in order, attributes are quoted, nothing else has angle brackets.
inline testing::AssertionResult is_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  std::size_t at = 0;
  for (std::size_t begin; (begin = xml.find('<', at)) != std::string::npos;) {
    const std::size_t end = xml.find('>', begin);
    if (end == std::string::npos) return testing::AssertionFailure() << "open tag at " << begin;
    const std::string text = xml.substr(at, begin - at),
                      tag = xml.substr(begin + 1, end - begin - 1);
    if (text.find('>') != std::string::npos) return testing::AssertionFailure() << "'>': " << text;
    if (tag.find('<') != std::string::npos || count(tag, "\"") % 2 != 0) {
      return testing::AssertionFailure() << "tag: " << tag;
    }
    for (std::size_t amp = text.find('&'); amp != std::string::npos;
         amp = text.find('&', amp + 1)) {
      if (text.find(';', amp) > amp + 6) return testing::AssertionFailure() << "'&': " << text;
    }
    const std::string name =
        tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != name) return testing::AssertionFailure() << "</" << name;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    at = end + 1;
  }
  if (!open.empty()) return testing::AssertionFailure() << open.back() << " is not closed";
  return testing::AssertionSuccess();
}

}  // namespace randnla::test
