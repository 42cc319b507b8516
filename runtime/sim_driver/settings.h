//===- settings.h - comma lists in the environment ------------------------===//
#ifndef CELLGRAD_SIM_SETTINGS_H
#define CELLGRAD_SIM_SETTINGS_H

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace cellgrad::sim {

/// Gives the words of the comma list in the environment's `variable` to `take`, which is false for a word that means nothing. Empty, or a text
/// about the last such word that says what there is: `words`.
template <typename Take> std::string readSettings(const char *variable, const char *words, Take take) {
  std::string wrong;
  const char *text = getenv(variable);
  for (std::string_view rest = text ? text : ""; !rest.empty();) {
    std::string_view word = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    if (!take(word))
      wrong = std::string(variable) + ": '" + std::string(word) + "' is none of " + words;
  }
  return wrong;
}

/// Whether `word` is `start`, which ends with "=", and all the rest a number, which `number` is then.
inline bool readNumber(std::string_view word, std::string_view start, uint64_t &number) {
  if (word.substr(0, start.size()) != start)
    return false;
  const char *end = word.data() + word.size();
  auto [stop, error] = std::from_chars(word.data() + start.size(), end, number);
  return error == std::errc() && stop == end;
}

} // namespace cellgrad::sim

#endif // CELLGRAD_SIM_SETTINGS_H
