//===- elf.cpp - loads a relocatable ELF object into the process ----------===//
#include "runtime/loader/elf.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace cellgrad::loader {

namespace {
/// The three kinds of memory, in the order in which they lie.
enum Segment { Code, Constants, Data, SegmentCount };

Segment segmentOf(uint64_t flags) { return flags & SHF_EXECINSTR ? Code : flags & SHF_WRITE ? Data : Constants; }
size_t alignTo(size_t value, size_t alignment) { return (value + alignment - 1) / alignment * alignment; }
} // namespace

/// One load: the checked file, where each section goes, and the tables for addresses that do not fit into 32 bits.
class Linker {
public:
  Linker(std::string_view object, const Image::Resolver &resolve, std::string &error) : object(object), resolve(resolve), error(error) {}

  std::unique_ptr<Image> run() {
    if (!readHeaders() || !place() || !resolveSymbols() || !relocate() || !protect())
      return nullptr;
    return std::move(image);
  }

private:
  bool fail(const std::string &message) {
    error = message;
    return false;
  }

  /// A table of the file; null when it does not lie inside.
  template <typename T>
  const T *table(uint64_t offset, uint64_t count) const {
    if (count > object.size() / sizeof(T) || offset > object.size() - count * sizeof(T) || offset % alignof(T) != 0)
      return nullptr;
    return reinterpret_cast<const T *>(object.data() + offset);
  }

  const char *nameAt(const Elf64_Shdr &strings, uint64_t offset) const {
    const char *begin = table<char>(strings.sh_offset, strings.sh_size);
    if (!begin || offset >= strings.sh_size || !memchr(begin + offset, 0, strings.sh_size - offset))
      return nullptr;
    return begin + offset;
  }

  bool readHeaders() {
    // A copy that is aligned like the structures in it.
    storage.resize(object.size() / sizeof(uint64_t) + 1);
    memcpy(storage.data(), object.data(), object.size());
    object = {reinterpret_cast<const char *>(storage.data()), object.size()};
    const auto *header = table<Elf64_Ehdr>(0, 1);
    if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_type != ET_REL)
      return fail("not a relocatable ELF object");
#ifdef __x86_64__
    if (header->e_machine != EM_X86_64)
      return fail("the object is for another kind of processor");
#else
    return fail("this processor's objects cannot be loaded; only x86-64 can");
#endif
    count = header->e_shnum;
    sections = table<Elf64_Shdr>(header->e_shoff, count);
    if (!sections || header->e_shentsize != sizeof(Elf64_Shdr))
      return fail("the section table lies outside of the file");
    for (size_t i = 0; i < count; ++i) {
      const Elf64_Shdr &section = sections[i];
      if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL && !table<char>(section.sh_offset, section.sh_size))
        return fail("a section lies outside of the file");
      if ((section.sh_flags & SHF_ALLOC) && (section.sh_flags & SHF_TLS))
        return fail("thread-local data is not supported");
      if (section.sh_type == SHT_INIT_ARRAY && section.sh_size)
        return fail("constructors are not supported");
      if (section.sh_type != SHT_SYMTAB)
        continue;
      symbolCount = section.sh_size / sizeof(Elf64_Sym);
      symbols = table<Elf64_Sym>(section.sh_offset, symbolCount);
      if (!symbols || section.sh_link >= count)
        return fail("the symbol table is damaged");
      strings = &sections[section.sh_link];
    }
    return symbols || fail("there is no symbol table");
  }

  /// Unwind tables are left out: compiled code neither throws nor is thrown through.
  bool loaded(const Elf64_Shdr &section) const {
    return (section.sh_flags & SHF_ALLOC) && section.sh_size && section.sh_type != SHT_X86_64_UNWIND && section.sh_type != SHT_NOTE &&
           !isNamed(section, ".eh_frame");
  }

  bool isNamed(const Elf64_Shdr &section, const char *name) const {
    const auto *header = table<Elf64_Ehdr>(0, 1);
    if (header->e_shstrndx >= count)
      return false;
    const char *own = nameAt(sections[header->e_shstrndx], section.sh_name);
    return own && !strcmp(own, name);
  }

  bool place() {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    constexpr size_t kLimit = size_t(1) << 31; // 32-bit offsets reach every place of the image
    // An entry and a stub per symbol: more than needed, and the tables' size is known before relocation.
    size_t tables[SegmentCount] = {symbolCount * kStub, symbolCount * 8, 0};
    offsets.assign(count, 0);
    size_t at = 0;
    for (int segment = 0; segment < SegmentCount; ++segment) {
      at = starts[segment] = alignTo(at, page);
      for (size_t i = 0; i < count; ++i) {
        const Elf64_Shdr &section = sections[i];
        if (!loaded(section) || segmentOf(section.sh_flags) != segment)
          continue;
        size_t alignment = std::max<size_t>(section.sh_addralign, 1);
        if (alignment > page || (alignment & (alignment - 1)) || section.sh_size > kLimit)
          return fail("a section has an impossible size or alignment");
        offsets[i] = alignTo(at, alignment);
        at = offsets[i] + section.sh_size;
        if (at > kLimit)
          return fail("the object is too large");
      }
      tableAt[segment] = alignTo(at, 16);
      at = tableAt[segment] + tables[segment];
    }
    size_t length = alignTo(std::max<size_t>(at, 1), page);
    void *memory = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      return fail("no memory for the code");
    image.reset(new Image());
    image->base = static_cast<char *>(memory);
    image->length = length;
    image->codeEnd = starts[Constants];
    image->dataBegin = starts[Data];
    ends = alignTo(at, page);
    for (size_t i = 0; i < count; ++i)
      if (loaded(sections[i]) && sections[i].sh_type != SHT_NOBITS)
        memcpy(image->base + offsets[i], object.data() + sections[i].sh_offset, sections[i].sh_size);
    return true;
  }

  bool resolveSymbols() {
    addresses.assign(symbolCount, 0);
    gotSlots.assign(symbolCount, -1);
    for (size_t i = 1; i < symbolCount; ++i) {
      const Elf64_Sym &symbol = symbols[i];
      unsigned binding = ELF64_ST_BIND(symbol.st_info);
      const char *name = nameAt(*strings, symbol.st_name);
      if (!name)
        return fail("a symbol's name lies outside of the file");
      if (symbol.st_shndx == SHN_UNDEF && !strcmp(name, "_GLOBAL_OFFSET_TABLE_")) {
        addresses[i] = reinterpret_cast<uint64_t>(image->base + tableAt[Constants]);
      } else if (symbol.st_shndx == SHN_UNDEF) {
        void *address = *name ? resolve(name) : nullptr;
        if (!address && binding != STB_WEAK && *name)
          return fail(std::string("there is no function '") + name + "' in the runtime library");
        addresses[i] = reinterpret_cast<uint64_t>(address);
      } else if (symbol.st_shndx == SHN_ABS) {
        addresses[i] = symbol.st_value;
      } else if (symbol.st_shndx >= count) {
        return fail(std::string("symbol '") + name + "' is of an unsupported kind");
      } else if (loaded(sections[symbol.st_shndx])) {
        if (symbol.st_value > sections[symbol.st_shndx].sh_size)
          return fail(std::string("symbol '") + name + "' lies outside of its section");
        addresses[i] = reinterpret_cast<uint64_t>(image->base + offsets[symbol.st_shndx] + symbol.st_value);
        if (binding != STB_LOCAL)
          image->symbols.emplace(name, reinterpret_cast<void *>(addresses[i]));
      }
    }
    return true;
  }

  /// Address of the table entry that holds a symbol's address.
  uint64_t gotEntry(size_t symbol) {
    if (gotSlots[symbol] < 0)
      gotSlots[symbol] = gotCount++;
    char *entry = image->base + tableAt[Constants] + gotSlots[symbol] * 8;
    memcpy(entry, &addresses[symbol], 8);
    return reinterpret_cast<uint64_t>(entry);
  }

  /// Address of a jump to a symbol from anywhere in the image: jmp *entry(%rip).
  uint64_t stub(size_t symbol) {
    uint64_t entry = gotEntry(symbol);
    char *code = image->base + tableAt[Code] + gotSlots[symbol] * kStub;
    auto distance = static_cast<int32_t>(entry - (reinterpret_cast<uint64_t>(code) + 6));
    code[0] = '\xff';
    code[1] = '\x25';
    memcpy(code + 2, &distance, 4);
    return reinterpret_cast<uint64_t>(code);
  }

  static bool fits32(int64_t value) { return value == static_cast<int32_t>(value); }

  bool relocate() {
    for (size_t i = 0; i < count; ++i) {
      const Elf64_Shdr &list = sections[i];
      if (list.sh_type == SHT_REL)
        return fail("relocations without addends are not supported");
      if (list.sh_type != SHT_RELA || list.sh_info >= count || !loaded(sections[list.sh_info]))
        continue;
      size_t entries = list.sh_size / sizeof(Elf64_Rela);
      const auto *relocations = table<Elf64_Rela>(list.sh_offset, entries);
      if (!relocations)
        return fail("a relocation table lies outside of the file");
      for (size_t k = 0; k < entries; ++k)
        if (!apply(relocations[k], sections[list.sh_info], image->base + offsets[list.sh_info]))
          return false;
    }
    return true;
  }

  bool apply(const Elf64_Rela &relocation, const Elf64_Shdr &section, char *target) {
    size_t symbol = ELF64_R_SYM(relocation.r_info);
    unsigned type = ELF64_R_TYPE(relocation.r_info);
    bool wide = type == R_X86_64_64 || type == R_X86_64_PC64 || type == R_X86_64_GOTOFF64 || type == R_X86_64_GOTPC64 || type == R_X86_64_GOT64 ||
                type == R_X86_64_PLTOFF64;
    if (symbol >= symbolCount || relocation.r_offset > section.sh_size || section.sh_size - relocation.r_offset < (wide ? 8u : 4u))
      return fail("a relocation lies outside of its section");
    char *place = target + relocation.r_offset;
    auto p = reinterpret_cast<int64_t>(place), s = static_cast<int64_t>(addresses[symbol]), a = static_cast<int64_t>(relocation.r_addend);
    auto got = reinterpret_cast<int64_t>(image->base + tableAt[Constants]);
    // Sums wrap: what a damaged addend gives is refused below or is merely wrong.
    auto sum = [](int64_t x, int64_t y, int64_t minus) { return static_cast<int64_t>(uint64_t(x) + uint64_t(y) - uint64_t(minus)); };
    int64_t value = 0;
    switch (type) {
    case R_X86_64_NONE:
      return true;
    case R_X86_64_64:
      value = sum(s, a, 0);
      break;
    case R_X86_64_PC64:
      value = sum(s, a, p);
      break;
    case R_X86_64_GOTOFF64:
    case R_X86_64_PLTOFF64: // 64 bits reach a function without a stub
      value = sum(s, a, got);
      break;
    case R_X86_64_GOTPC32:
    case R_X86_64_GOTPC64:
      value = sum(got, a, p);
      break;
    case R_X86_64_GOT64:
      value = sum(static_cast<int64_t>(gotEntry(symbol)), a, got);
      break;
    case R_X86_64_PC32:
    case R_X86_64_PLT32:
      value = sum(s, a, p);
      if (!fits32(value) && symbols[symbol].st_shndx == SHN_UNDEF)
        value = sum(static_cast<int64_t>(stub(symbol)), a, p);
      break;
    case R_X86_64_GOTPCREL:
    case R_X86_64_GOTPCRELX:
    case R_X86_64_REX_GOTPCRELX:
      value = sum(static_cast<int64_t>(gotEntry(symbol)), a, p);
      break;
    default:
      return fail("relocation " + std::to_string(type) + " is not supported");
    }
    if (!wide && !fits32(value))
      return fail("a relocation does not reach its target");
    memcpy(place, &value, wide ? 8 : 4);
    return true;
  }

  bool protect() {
    const int rights[SegmentCount] = {PROT_READ | PROT_EXEC, PROT_READ, PROT_READ | PROT_WRITE};
    for (int segment = 0; segment < SegmentCount; ++segment) {
      size_t end = segment + 1 < SegmentCount ? starts[segment + 1] : ends;
      if (end > starts[segment] && mprotect(image->base + starts[segment], end - starts[segment], rights[segment]) != 0)
        return fail("the system does not allow memory to be made executable");
    }
    return true;
  }

  static constexpr size_t kStub = 16;
  std::string_view object;
  const Image::Resolver &resolve;
  std::string &error;
  std::vector<uint64_t> storage;
  size_t count = 0, symbolCount = 0, ends = 0;
  const Elf64_Shdr *sections = nullptr, *strings = nullptr;
  const Elf64_Sym *symbols = nullptr;
  std::vector<size_t> offsets;
  std::vector<uint64_t> addresses;
  std::vector<int64_t> gotSlots;
  int64_t gotCount = 0;
  size_t starts[SegmentCount] = {}, tableAt[SegmentCount] = {};
  std::unique_ptr<Image> image;
};

std::unique_ptr<Image> Image::load(std::string_view object, const Resolver &resolve, std::string &error) {
  return Linker(object, resolve, error).run();
}

Image::~Image() {
  if (base)
    munmap(base, length);
}

void *Image::symbol(std::string_view name) const {
  auto found = symbols.find(std::string(name));
  return found == symbols.end() ? nullptr : found->second;
}

bool Image::holds(const void *address, size_t bytes, Use use) const {
  auto at = reinterpret_cast<uintptr_t>(address), begin = reinterpret_cast<uintptr_t>(base) + (use == Write ? dataBegin : 0);
  uintptr_t end = reinterpret_cast<uintptr_t>(base) + (use == Execute ? codeEnd : length);
  return at >= begin && at <= end && bytes <= end - at;
}

size_t Image::bytesFrom(const void *address) const { return static_cast<size_t>(base + length - static_cast<const char *>(address)); }

} // namespace cellgrad::loader
