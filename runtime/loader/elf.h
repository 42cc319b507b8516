//===- elf.h - loads a relocatable ELF object into the process ------------===//
//
// The objects are those of our own code generator: position independent code for x86-64 with data, constants and calls to C
// functions. Thread-local storage, constructors and common symbols do not occur and are refused. Every offset of the file
// is checked, so a damaged object is an error and not a crash.
//
//===----------------------------------------------------------------------===//
#ifndef CELLGRAD_LOADER_ELF_H
#define CELLGRAD_LOADER_ELF_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace cellgrad::loader {

/// A loaded object. Its memory is freed with it.
class Image {
public:
  /// Address of an external symbol, null if there is none.
  using Resolver = std::function<void *(const char *name)>;

  /// Null with a message in `error` where the object cannot be loaded.
  static std::unique_ptr<Image> load(std::string_view object, const Resolver &resolve, std::string &error);
  ~Image();
  Image(const Image &) = delete;
  /// Address of a global symbol of the object, null if there is none.
  void *symbol(std::string_view name) const;
  enum Use { Read, Execute, Write };
  /// Whether that many bytes of the image lie there and may be used so.
  bool holds(const void *address, size_t bytes, Use use = Read) const;
  /// Bytes from the symbol's address to the end of the image.
  size_t bytesFrom(const void *address) const;
  size_t size() const { return length; }

private:
  friend class Linker;
  Image() = default;
  char *base = nullptr;
  size_t length = 0, codeEnd = 0, dataBegin = 0; // code, constants, data
  std::unordered_map<std::string, void *> symbols;
};

} // namespace cellgrad::loader

#endif // CELLGRAD_LOADER_ELF_H
