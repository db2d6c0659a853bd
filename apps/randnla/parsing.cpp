#include "parsing.hpp"

#include <randnla/core/error.hpp>
#include <randnla/version.hpp>

#include <memory>
#include <sstream>
#include <string>

namespace randnla::app {
namespace {

/// In the list of commands the first line says enough.
class ListsFirstLines : public CLI::Formatter {
 public:
  std::string make_subcommand(const CLI::App* command) const override {
    const std::string text = command->get_description();
    std::ostringstream out;
    CLI::detail::format_help(out, command->get_name(), text.substr(0, text.find('\n')),
                             get_column_width());
    return out.str();
  }
};

/// Line ends and the like in what a user typed must not make an error message of two lines.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace

void prepare(CLI::App& app) {
  const auto formatter = std::make_shared<ListsFirstLines>();
  formatter->column_width(34);
  app.formatter(formatter);
  app.set_version_flag("--version", "randnla " RANDNLA_VERSION);
  app.require_subcommand(1);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::optional<Help> parse_with(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Help{app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Help{std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    throw InvalidArgument(one_line(error.what()) + "; see " + app.get_name() + " --help");
  }
  return std::nullopt;
}

}  // namespace randnla::app
