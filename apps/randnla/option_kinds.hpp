// Kinds of options on top of CLI11: a choice by name, a number within a range, a pair of labels.
#pragma once

#include "choices.hpp"
#include "options.hpp"

#include <randnla/core/error.hpp>

#include <CLI/CLI.hpp>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace randnla::app {

/// Numbers an option takes, and the words that say so.
struct Range {
  double least, most;
  bool with_least, with_most;
  const char* words;

  bool has(double value) const {
    return (with_least ? value >= least : value > least) &&
           (with_most ? value <= most : value < most);
  }
};

inline constexpr double infinite = std::numeric_limits<double>::infinity();
inline constexpr Range fraction{0, 1, false, true, "above 0 and at most 1"};
inline constexpr Range open_fraction{0, 1, false, false, "above 0 and below 1"};
inline constexpr Range below_half{0, 0.5, true, false, "at least 0 and below 0.5"};
inline constexpr Range positive{0, infinite, false, false, "above 0"};
inline constexpr Range positive_or_infinite{0, infinite, false, true, "above 0"};
inline constexpr Range nonnegative{0, infinite, true, false, "at least 0"};
inline constexpr Range nonnegative_or_infinite{0, infinite, true, true, "at least 0"};
inline constexpr Range at_least_one{1, infinite, true, false, "at least 1"};
inline constexpr Range any_number{-infinite, infinite, true, true, "a number"};

inline CLI::Validator in(const Range& range) {
  const auto check = [range](std::string& text) -> std::string {
    double value = 0;
    if (!CLI::detail::lexical_cast(text, value)) return "'" + text + "' is not a number";
    return range.has(value) ? "" : text + " is not " + range.words;
  };
  return {check, ""};
}

template <class Number>
CLI::Option* add_number(CLI::App& app, const char* name, Number& value, const Range& range,
                        const std::string& help) {
  return app.add_option(name, value, help)->check(in(range))->capture_default_str();
}

/// A number whose absence means something.
template <class Number>
CLI::Option* add_number(CLI::App& app, const char* name, std::optional<Number>& value,
                        const Range& range, const std::string& help) {
  const auto set = [&value](const Number& given) { value = given; };
  return app.add_option_function<Number>(name, set, help)->check(in(range));
}

/// set(value) is called where the option is given; `value` itself is the default that help names.
template <class E, class Set>
CLI::Option* add_choice(CLI::App& app, const char* name, E value, const Names<E>& names, Set set,
                        const std::string& help) {
  std::string list;
  for (const auto& [text, meaning] : names) list += (list.empty() ? "" : "|") + std::string(text);
  const auto find = [&names, name, list, set](const std::string& given) {
    for (const auto& [text, meaning] : names) {
      if (given == text) return set(meaning);
    }
    throw CLI::ValidationError(name, "'" + given + "' is none of " + list);
  };
  // A list that leaves no room beside it gets lines of its own.
  const bool is_long = list.size() > 60;
  std::string text = help;
  for (std::size_t from = 0; is_long && from < list.size();) {
    std::size_t end = list.size();
    if (end - from > 60) end = list.rfind('|', from + 60) + 1;
    text += "\n" + list.substr(from, end - from);
    from = end;
  }
  return app.add_option_function<std::string>(name, find, text)
      ->type_name(is_long ? "NAME" : list)
      ->default_str(name_in(names, value));
}

template <class E>
CLI::Option* add_choice(CLI::App& app, const char* name, E& value, const Names<E>& names,
                        const std::string& help) {
  return add_choice(
      app, name, value, names, [&value](E given) { value = given; }, help);
}

inline LabelPair label_pair(const std::string& text) {
  const std::size_t comma = text.find(',');
  LabelPair pair;
  if (comma == std::string::npos ||
      !CLI::detail::lexical_cast(text.substr(0, comma), pair.negative) ||
      !CLI::detail::lexical_cast(text.substr(comma + 1), pair.positive) ||
      !(pair.negative != pair.positive) || std::isnan(pair.negative) || std::isnan(pair.positive)) {
    throw CLI::ValidationError(
        "--labels", "'" + text + "' is neither two numbers NEG,POS nor the name of an npy file");
  }
  return pair;
}

/// --labels: a pair of values or, for npy data, a file; both may be given, one after the other.
inline void add_labels(CLI::App& app, ClassOptions& classes, std::string& file, const char* group) {
  const auto set = [&](const std::vector<std::string>& given) {
    for (const std::string& text : given) {
      if (text.ends_with(".npy")) {
        file = text;
      } else {
        classes.labels = label_pair(text);
      }
    }
  };
  app.add_option_function<std::vector<std::string>>(
         "--labels", set, "Label values, negative first; or the array of labels of npy data")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("NEG,POS|FILE.npy")
      ->group(group);
  const auto set_positive = [&classes](const std::string& text) { classes.positive = text; };
  app.add_option_function<std::string>("--positive", set_positive,
                                       "Or: this label is the positive class, all others not")
      ->type_name("LABEL")
      ->group(group);
}

inline void check_classes(const ClassOptions& classes) {
  require(!classes.labels || !classes.positive,
          "--labels NEG,POS and --positive exclude each other");
}

/// --device-memory, after --device.
inline CLI::Option* add_device_memory(CLI::App& app, std::size_t& bytes) {
  return app
      .add_option("--device-memory", bytes,
                  "Most of it for the rows of the data, for instance 500M; what does\n"
                  "not fit stays on the host and is streamed. Without it as much as\nthere is")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->check(in(at_least_one))
      ->type_name("BYTES[K|M|G]");
}

inline void check_device_memory(const CLI::App& app, Device device) {
  require(device == Device::cuda || app.count("--device-memory") == 0,
          "--device-memory is about --device cuda");
}

/// How to read files: the same in all commands.
inline void add_reading(CLI::App& app, ReadingOptions& reading, const char* group) {
  add_choice(app, "--format", reading.format, format_names, "Of the data; auto: by their content")
      ->group(group);
  const auto set_column = [&reading](const std::string& text) {
    int number = 0;
    if (CLI::detail::lexical_cast(text, number)) {
      reading.label_column = number;
    } else {
      reading.label_column = text;
    }
  };
  app.add_option_function<std::string>("--label-column", set_column,
                                       "CSV: name or number, -1: the last (default), 0: none")
      ->type_name("COLUMN")
      ->group(group);
  const auto set_delimiter = [&reading](const std::string& text) {
    if (text == "auto") {
      reading.delimiter.reset();
    } else if (text == "tab" || text == "\\t") {
      reading.delimiter = '\t';
    } else if (text.size() == 1) {
      reading.delimiter = text[0];
    } else {
      throw CLI::ValidationError("--delimiter",
                                 "'" + text + "' is neither auto nor tab nor one character");
    }
  };
  app.add_option_function<std::string>("--delimiter", set_delimiter,
                                       "CSV: auto finds tab, semicolon or comma")
      ->type_name("auto|tab|CHARACTER")
      ->group(group);
}

}  // namespace randnla::app
