//===- json.h - reads the header of a program file -------------------------===//
#ifndef CELLGRAD_RUNTIME_PROGRAM_JSON_H
#define CELLGRAD_RUNTIME_PROGRAM_JSON_H

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cellgrad::program {

/// A JSON value (RFC 8259). Numbers that are no 64-bit integers are kept as `Real` without their value, since the loader needs none.
struct Json {
  enum Kind { Null, Bool, Int, Real, Text, List, Map } kind = Null;
  int64_t number = 0; // of Bool and Int
  std::string text;
  std::vector<Json> items;                         // of List
  std::vector<std::pair<std::string, Json>> fields; // of Map, in order

  /// The value under a key, null if this is no map or has no such key.
  const Json *get(std::string_view key) const;
};

/// False with what is wrong and where in `problem`. Nesting and the number of values are limited, a key occurs once, and texts have no zero characters.
bool parseJson(std::string_view text, Json &value, std::string &problem);

} // namespace cellgrad::program

#endif // CELLGRAD_RUNTIME_PROGRAM_JSON_H
