//===- optable.cpp - operand counts and attributes of every op ------------===//
#include "python/bindings/compiler/ir.h"

#include <algorithm>
#include <unordered_map>

namespace cellgrad::native {

const std::vector<OpInfo> &opTable() {
  static const std::vector<OpInfo> rows = {
#include "python/bindings/compiler/OpTable.inc"
  };
  return rows;
}

/// Levenshtein distance, enough for a suggestion.
static size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t next = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = row[j];
      row[j] = next;
    }
  }
  return row.back();
}

const char *kindName(Kind kind) {
  switch (kind) {
  case Kind::Int:
    return "an int";
  case Kind::Ints:
    return "a tuple of ints";
  case Kind::Bool:
    return "a bool";
  case Kind::Float:
    return "a float";
  case Kind::Str:
    return "a str";
  case Kind::Type:
    return "('dtype', name)";
  case Kind::Unit:
    return "True or False";
  case Kind::Other:
    break;
  }
  return "set by the builder, not from Python";
}

const OpInfo *findOp(std::string_view name) {
  static const auto *index = [] {
    auto *map = new std::unordered_map<std::string_view, const OpInfo *>();
    for (const OpInfo &row : opTable())
      map->emplace(row.name, &row);
    return map;
  }();
  auto found = index->find(name);
  return found == index->end() ? nullptr : found->second;
}

std::string unknownOpMessage(std::string_view name) {
  // A long name is no misspelling, and the distance costs its length.
  std::string message = "there is no op '" + std::string(name.substr(0, 80)) + (name.size() > 80 ? "...'" : "'");
  size_t best = 4;
  std::string_view suggestion;
  if (name.size() <= 80)
    for (const OpInfo &row : opTable())
      if (size_t d = distance(name, row.name); d < best) {
        best = d;
        suggestion = row.name;
      }
  return suggestion.empty() ? message : message + "; did you mean '" + std::string(suggestion) + "'?";
}

} // namespace cellgrad::native
