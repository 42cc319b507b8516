//===- json.cpp - reads the header of a program file -----------------------===//
#include "runtime/program/json.h"

#include <cstring>

namespace cellgrad::program {

const Json *Json::get(std::string_view key) const {
  for (const auto &[name, value] : fields)
    if (name == key)
      return &value;
  return nullptr;
}

namespace {
class Parser {
public:
  Parser(std::string_view text, std::string &problem) : text(text), problem(problem) {}

  bool document(Json &value) { return parse(value, 0) && (skip(), at == text.size() || fail("something follows the value")); }

private:
  static constexpr int kDeepest = 64;
  static constexpr size_t kMost = 1000000; // each value takes memory, up to a hundred times that of its text

  bool fail(const char *what) {
    problem = std::string(what) + " at byte " + std::to_string(at);
    return false;
  }
  char peek() const { return at < text.size() ? text[at] : '\0'; }
  void skip() {
    while (at < text.size() && memchr(" \t\r\n", text[at], 4))
      ++at;
  }
  bool take(char c) {
    if (at >= text.size() || text[at] != c)
      return false;
    ++at;
    return true;
  }
  bool word(const char *name) {
    size_t length = strlen(name);
    if (text.substr(at, length) != name)
      return fail("an unknown word");
    at += length;
    return true;
  }

  bool parse(Json &value, int depth) {
    if (depth > kDeepest)
      return fail("the values are nested too deeply");
    if (++values > kMost)
      return fail("there are too many values");
    skip();
    switch (peek()) {
    case '{': return map(value, depth);
    case '[': return list(value, depth);
    case '"': value.kind = Json::Text; return string(value.text);
    case 't': value.kind = Json::Bool; value.number = 1; return word("true");
    case 'f': value.kind = Json::Bool; return word("false");
    case 'n': return word("null");
    default: return number(value);
    }
  }

  bool list(Json &value, int depth) {
    value.kind = Json::List;
    ++at;
    skip();
    if (take(']'))
      return true;
    do {
      value.items.emplace_back();
      if (!parse(value.items.back(), depth + 1))
        return false;
      skip();
    } while (take(','));
    return take(']') || fail("a ']' is missing");
  }

  bool map(Json &value, int depth) {
    value.kind = Json::Map;
    ++at;
    skip();
    if (take('}'))
      return true;
    do {
      skip();
      std::string key;
      if (peek() != '"')
        return fail("a key is missing");
      if (!string(key))
        return false;
      if (value.get(key))
        return fail("a key occurs twice");
      skip();
      if (!take(':'))
        return fail("a ':' is missing");
      value.fields.emplace_back(std::move(key), Json());
      if (!parse(value.fields.back().second, depth + 1))
        return false;
      skip();
    } while (take(','));
    return take('}') || fail("a '}' is missing");
  }

  bool number(Json &value) {
    size_t begin = at;
    bool negative = take('-'), fits = true;
    uint64_t magnitude = 0;
    size_t digits = at;
    while (peek() >= '0' && peek() <= '9') {
      fits = fits && !__builtin_mul_overflow(magnitude, uint64_t(10), &magnitude) && !__builtin_add_overflow(magnitude, uint64_t(peek() - '0'), &magnitude);
      ++at;
    }
    if (at == digits || (text[digits] == '0' && at - digits > 1))
      return fail("a value is missing");
    value.kind = Json::Int;
    if (take('.') && !fraction(value))
      return false;
    if (peek() == 'e' || peek() == 'E') {
      ++at;
      if (peek() == '+' || peek() == '-')
        ++at;
      if (!fraction(value))
        return false;
    }
    if (value.kind == Json::Real)
      return true;
    if (!fits || magnitude > uint64_t(INT64_MAX) + negative) {
      at = begin;
      return fail("a number is too large");
    }
    value.number = negative ? static_cast<int64_t>(0 - magnitude) : static_cast<int64_t>(magnitude);
    return true;
  }

  bool fraction(Json &value) {
    value.kind = Json::Real;
    size_t digits = at;
    while (peek() >= '0' && peek() <= '9')
      ++at;
    return at != digits || fail("a number ends early");
  }

  bool hex(uint32_t &code) {
    code = 0;
    for (int i = 0; i < 4; ++i, ++at) {
      char c = peek();
      int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      if (digit < 0)
        return fail("an escape is damaged");
      code = code * 16 + digit;
    }
    return true;
  }

  static void append(std::string &out, uint32_t code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
      return;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    constexpr uint8_t kLead[] = {0, 0xc0, 0xe0, 0xf0};
    out += static_cast<char>(kLead[more] | code >> (6 * more));
    while (more--)
      out += static_cast<char>(0x80 | (code >> (6 * more) & 63));
  }

  bool string(std::string &out) {
    ++at;
    while (at < text.size() && text[at] != '"') {
      char c = text[at++];
      if (static_cast<unsigned char>(c) < 0x20)
        return fail("a control character in a text");
      if (c != '\\') {
        out += c;
        continue;
      }
      static constexpr char kNames[] = "\"\\/bfnrt", kValues[] = "\"\\/\b\f\n\r\t";
      char name = peek();
      const char *found = name ? strchr(kNames, name) : nullptr;
      if (found) {
        out += kValues[found - kNames];
        ++at;
        continue;
      }
      uint32_t code, low;
      if (!take('u') || !hex(code))
        return fail("an escape is damaged");
      if (code >= 0xd800 && code < 0xdc00) { // half of a pair
        if (!take('\\') || !take('u') || !hex(low) || low < 0xdc00 || low >= 0xe000)
          return fail("an escape is damaged");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      } else if (code == 0 || (code >= 0xdc00 && code < 0xe000)) {
        return fail("a character that is not allowed");
      }
      append(out, code);
    }
    return take('"') || fail("a text has no end");
  }

  std::string_view text;
  std::string &problem;
  size_t at = 0, values = 0;
};
} // namespace

bool parseJson(std::string_view text, Json &value, std::string &problem) { return Parser(text, problem).document(value); }

} // namespace cellgrad::program
