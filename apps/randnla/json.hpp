// Results as JSON. Numbers keep all their digits; what is not finite becomes null.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace randnla::app {

using Json = nlohmann::ordered_json;

/// One line, whatever bytes the strings hold.
inline std::string one_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace randnla::app
