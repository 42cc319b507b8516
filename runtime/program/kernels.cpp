//===- kernels.cpp - the record of a program's kernels ---------------------===//
#include "runtime/program/kernels.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <vector>

namespace cellgrad::program {

namespace {
using loader::Image;

/// Whether a text lies in the image with the zero at its end.
bool isText(const Image &image, const char *text) { return image.holds(text, 1) && memchr(text, 0, image.bytesFrom(text)); }

template <typename T>
bool read(std::string_view bytes, uint64_t offset, T &out) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset)
    return false;
  memcpy(&out, bytes.data() + offset, sizeof(T));
  return true;
}

/// Drivers get an ELF file by its address alone and believe its tables: they have to end where the code ends, and to name what is there.
bool isElf(std::string_view code, uint16_t machine) {
  Elf64_Ehdr header;
  if (!read(code, 0, header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != machine || header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shoff > code.size() || header.e_shstrndx >= header.e_shnum ||
      (header.e_phnum && header.e_phentsize != sizeof(Elf64_Phdr)))
    return false;
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  for (size_t i = 0; i < sections.size(); ++i) {
    Elf64_Shdr &section = sections[i];
    if (!read(code, header.e_shoff + i * sizeof section, section) || section.sh_link >= sections.size())
      return false;
    if (section.sh_type != SHT_NOBITS && (section.sh_offset > code.size() || section.sh_size > code.size() - section.sh_offset))
      return false;
    if (section.sh_type == SHT_STRTAB && (!section.sh_size || code[section.sh_offset + section.sh_size - 1]))
      return false;
    bool relocations = section.sh_type == SHT_REL || section.sh_type == SHT_RELA;
    if (relocations && (section.sh_info >= sections.size() || section.sh_entsize != (section.sh_type == SHT_REL ? sizeof(Elf64_Rel) : sizeof(Elf64_Rela))))
      return false;
  }
  const Elf64_Shdr &names = sections[header.e_shstrndx];
  if (names.sh_type != SHT_STRTAB)
    return false;
  for (const Elf64_Shdr &section : sections) {
    const Elf64_Shdr &linked = sections[section.sh_link];
    if (section.sh_name >= names.sh_size)
      return false;
    if (section.sh_type != SHT_SYMTAB)
      continue;
    if (linked.sh_type != SHT_STRTAB || section.sh_entsize != sizeof(Elf64_Sym))
      return false;
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      if (!read(code, section.sh_offset + at, symbol) || symbol.st_name >= linked.sh_size || (symbol.st_shndx >= sections.size() && symbol.st_shndx < SHN_LORESERVE))
        return false;
    }
  }
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (header.e_phoff > code.size() || !read(code, header.e_phoff + i * sizeof segment, segment) || segment.p_offset > code.size() ||
        segment.p_filesz > code.size() - segment.p_offset)
      return false;
  }
  return true;
}

/// Drivers tell PTX by not being anything else that they know, such as an ELF file: it has to be a text, whose one zero is its end.
bool isPtx(std::string_view code) {
  return code.size() > 1 && !code.back() && std::all_of(code.begin(), code.end() - 1, [](char c) { return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r'); });
}

bool hasForm(const std::string &format, std::string_view code) {
  if (format == "ptx")
    return isPtx(code);
  if (format == "cubin")
    return isElf(code, EM_CUDA);
  return format == "x86_64-elf" && isElf(code, EM_X86_64);
}
} // namespace

cg_gpu_program *findKernels(const Image &image, const DeviceTarget &target, int64_t kernels, std::string &wrong) {
  auto fail = [&](const std::string &what) {
    wrong = what;
    return nullptr;
  };
  auto *record = static_cast<cg_gpu_program *>(image.symbol("cg_gpu_program"));
  if (!record || reinterpret_cast<uintptr_t>(record) % alignof(cg_gpu_program) || !image.holds(record, sizeof *record, Image::Write) || record->state)
    return fail("it has no kernels");
  int64_t count = record->kernel_count;
  if (count < 0 || count > static_cast<int64_t>(image.size() / sizeof(char *)) || (kernels >= 0 && count != kernels))
    return fail("it has " + std::to_string(count) + " kernels" + (kernels >= 0 ? ", and the header says " + std::to_string(kernels) : ""));
  if (!count) // what only copies
    return record;
  if (!isText(image, record->format) || !isText(image, record->chip))
    return fail("its kernels are of no kind");
  if (record->format != target.image || record->chip != target.chip)
    return fail(std::string("its kernels are ") + record->format + " for " + record->chip + ", and the header says " + target.image + " for " + target.chip);
  for (auto [list, optional] : {std::pair{record->kernels, false}, std::pair{record->positions, true}}) {
    if (!list && optional)
      continue;
    if (reinterpret_cast<uintptr_t>(list) % alignof(char *) || !image.holds(list, count * sizeof(char *)))
      return fail("the list of its kernels lies outside of it");
    for (int64_t k = 0; k < count; ++k)
      if (!(optional && !list[k]) && !isText(image, list[k]))
        return fail("the name of a kernel lies outside of it");
  }
  if (record->image_bytes < 1 || !image.holds(record->image, record->image_bytes))
    return fail("the code of its kernels lies outside of it");
  if (!hasForm(target.image, {static_cast<const char *>(record->image), static_cast<size_t>(record->image_bytes)}))
    return fail("the code of its kernels is no " + target.image);
  return record;
}

} // namespace cellgrad::program
