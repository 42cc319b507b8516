//===- contents.cpp - what a program file says -----------------------------===//
#include "runtime/program/contents.h"

#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/loader/cpu.h"
#include "runtime/program/blake2b.h"
#include "runtime/program/json.h"

#include <algorithm>
#include <cstring>

namespace cellgrad::program {

namespace {
constexpr char kMagic[] = "\x89"
                          "CGPROG\n";
constexpr uint32_t kFormat = 1;
constexpr size_t kDigestAt = 32, kDigestBytes = 32, kAlign = 64, kLargestHeader = size_t(64) << 20;
constexpr int64_t kLargestRank = 64;
constexpr const char *kTypes[] = {"bool", "int8", "int16", "int32", "int64", "uint8", "float16", "bfloat16", "float32", "float64"};
constexpr int64_t kTypeBytes[] = {1, 1, 2, 4, 8, 1, 2, 2, 4, 8};

template <typename T>
T word(std::string_view data, size_t at) {
  T value;
  memcpy(&value, data.data() + at, sizeof value);
  return value;
}

struct Section {
  std::string kind;
  std::string_view data;
};

class Reader {
public:
  Reader(std::string_view file, Contents &contents, Problem &problem) : file(file), contents(contents), problem(problem) {}

  bool run(const Json &header) {
    if (header.kind != Json::Map)
      return damaged("the header is no map");
    const Json *target = header.get("target"), *abi = header.get("runtime_abi");
    if (!target || !abi || abi->kind != Json::Int)
      return damaged("the header names no target");
    if (abi->number != CG_RUNTIME_ABI)
      return problem.set(CGP_MACHINE, "the program needs version " + std::to_string(abi->number) + " of the runtime, and this is version " +
                                          std::to_string(CG_RUNTIME_ABI) + "; use the loader of the cellgrad that exported it");
    return fits(*target) && readSections(header.get("sections")) && readState(header.get("state")) && readPrograms(header.get("programs"));
  }

private:
  bool damaged(const std::string &what) { return problem.set(CGP_DAMAGED, "the program file is damaged: " + what); }

  /// A field of a given kind, null if there is none.
  static const Json *field(const Json *map, const char *key, Json::Kind kind) {
    const Json *found = map ? map->get(key) : nullptr;
    return found && found->kind == kind ? found : nullptr;
  }

  /// Whether this machine can run what the file was made for.
  bool fits(const Json &target) {
    const Json *arch = field(&target, "arch", Json::Text), *os = field(&target, "os", Json::Text), *cpu = field(&target, "cpu", Json::Text);
    const Json *features = field(&target, "features", Json::List), *device = target.get("device");
    if (!arch || !os || !cpu || !features || !device)
      return damaged("its target is incomplete");
    if (arch->text != loader::cpuArchitecture() || os->text != "linux")
      return problem.set(CGP_MACHINE, "the program is for " + arch->text + " on " + os->text + ", and this is " + loader::cpuArchitecture() + " on linux");
    std::string missing;
    for (const Json &feature : features->items)
      if (feature.kind != Json::Text)
        return damaged("a feature of the processor is no text");
      else if (!loader::cpuHas(feature.text))
        missing += (missing.empty() ? "" : ", ") + feature.text;
    if (!missing.empty())
      return problem.set(CGP_MACHINE, "the program was compiled for " + cpu->text + ", and this processor lacks " + missing +
                                          "; export it with a smaller cpu, for example cpu=\"x86-64-v2\"");
    if (device->kind == Json::Null)
      return true;
    const Json *kind = field(device, "kind", Json::Text), *image = field(device, "image", Json::Text), *chip = field(device, "chip", Json::Text);
    if (!kind || !image || !chip || chip->text.empty())
      return damaged("its device is described badly");
    if (kind->text != "cuda")
      return problem.set(CGP_MACHINE, "the program is for a device of kind '" + kind->text + "', which this loader does not know");
    contents.device = {image->text, chip->text};
    return true;
  }

  bool readSections(const Json *list) {
    if (!list || list->kind != Json::List)
      return damaged("it lists no sections");
    uint64_t last = kPreamble + contents.header.size();
    for (const Json &item : list->items) {
      const Json *kind = field(&item, "kind", Json::Text), *offset = field(&item, "offset", Json::Int), *bytes = field(&item, "bytes", Json::Int);
      if (!kind || !offset || !bytes || offset->number < 0 || bytes->number < 0)
        return damaged("a section is described badly");
      uint64_t begin = offset->number, length = bytes->number;
      if (begin % kAlign || begin < last || begin > file.size() || length > file.size() - begin)
        return damaged("section '" + kind->text + "' lies outside of the file");
      sections.push_back({kind->text, file.substr(begin, length)});
      last = begin + length;
    }
    return true;
  }

  bool readTensor(const Json &item, Tensor &tensor) {
    const Json *name = field(&item, "name", Json::Text), *dtype = field(&item, "dtype", Json::Text), *shape = field(&item, "shape", Json::List);
    if (!name || !dtype || !shape || static_cast<int64_t>(shape->items.size()) > kLargestRank)
      return damaged("a tensor is described badly");
    const auto *type = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const char *known) { return dtype->text == known; });
    if (type == std::end(kTypes))
      return damaged("element type '" + dtype->text + "' is unknown");
    tensor.name = name->text;
    tensor.dtype = static_cast<int>(type - kTypes);
    tensor.bytes = kTypeBytes[tensor.dtype];
    bool empty = false;
    for (const Json &size : shape->items) {
      if (size.kind != Json::Int || size.number < 0 || __builtin_mul_overflow(tensor.bytes, std::max<int64_t>(size.number, 1), &tensor.bytes))
        return damaged("the shape of '" + tensor.name + "' is impossible");
      empty |= size.number == 0;
      tensor.shape.push_back(size.number);
    }
    if (empty)
      tensor.bytes = 0;
    return true;
  }

  bool readState(const Json *list) {
    if (!list || list->kind != Json::List)
      return damaged("it lists no state");
    auto values = std::find_if(sections.begin(), sections.end(), [](const Section &section) { return section.kind == "state"; });
    for (const Json &item : list->items) {
      State state;
      const Json *offset = field(&item, "offset", Json::Int);
      if (!readTensor(item, state.tensor))
        return false;
      if (!offset || values == sections.end() || offset->number < 0 || static_cast<uint64_t>(offset->number) > values->data.size() ||
          static_cast<uint64_t>(state.tensor.bytes) > values->data.size() - offset->number)
        return damaged("the value of '" + state.tensor.name + "' lies outside of the file");
      if (std::any_of(contents.state.begin(), contents.state.end(), [&](const State &other) { return other.tensor.name == state.tensor.name; }))
        return damaged("two Parameters are called '" + state.tensor.name + "'");
      state.data = values->data.substr(offset->number, state.tensor.bytes);
      contents.state.push_back(std::move(state));
    }
    return true;
  }

  bool readPrograms(const Json *list) {
    if (!list || list->kind != Json::List || list->items.empty())
      return damaged("it has no programs");
    for (const Json &item : list->items) {
      ProgramContents program;
      if (!readProgram(item, program))
        return false;
      for (const ProgramContents &other : contents.programs)
        if (other.name == program.name)
          return damaged("two programs are called '" + program.name + "'");
      contents.programs.push_back(std::move(program));
    }
    return true;
  }

  bool readProgram(const Json &item, ProgramContents &program) {
    const Json *name = field(&item, "name", Json::Text), *object = field(&item, "object", Json::Int), *arena = field(&item, "arena", Json::Int);
    const Json *inputs = field(&item, "inputs", Json::List), *outputs = field(&item, "outputs", Json::List);
    if (!name || !object || !arena || !inputs || !outputs || arena->number < 0)
      return damaged("a program is described badly");
    program.name = name->text;
    program.arenaBytes = arena->number;
    if (const Json *kernels = item.get("kernels")) {
      if (kernels->kind != Json::Int || kernels->number < 0)
        return damaged("a program is described badly");
      program.kernels = kernels->number;
    }
    if (object->number < 0 || static_cast<uint64_t>(object->number) >= sections.size() || sections[object->number].kind != "object")
      return damaged("program '" + name->text + "' has no code");
    program.object = sections[object->number].data;
    for (const Json &input : inputs->items) {
      if (const Json *state = field(&input, "state", Json::Int)) {
        if (state->number < 0 || static_cast<uint64_t>(state->number) >= contents.state.size())
          return damaged("an input of '" + name->text + "' refers to no state");
        program.sources.push_back({true, static_cast<size_t>(state->number)});
        continue;
      }
      program.sources.push_back({false, program.inputs.size()});
      program.inputs.emplace_back();
      if (!readTensor(input, program.inputs.back()))
        return false;
    }
    std::vector<bool> tied(program.sources.size());
    for (const Json &output : outputs->items) {
      const Json *alias = field(&output, "alias", Json::Int);
      if (!alias) {
        program.outputs.emplace_back();
        if (!readTensor(output, program.outputs.back()))
          return false;
        continue;
      }
      if (alias->number < 0 || static_cast<uint64_t>(alias->number) >= tied.size() || tied[alias->number])
        return damaged("a result of '" + name->text + "' is tied to no input");
      tied[alias->number] = true;
      const Source &source = program.sources[alias->number];
      (source.state ? contents.state[source.index].tensor : program.inputs[source.index]).written = true;
      program.writesState |= source.state;
    }
    return true;
  }

  std::string_view file;
  Contents &contents;
  Problem &problem;
  std::vector<Section> sections;
};

std::string hexadecimal(const uint8_t *bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}
} // namespace

void Tensor::settle() { view = {name.c_str(), dtype, static_cast<int32_t>(shape.size()), shape.data(), bytes, written}; }

bool readPreamble(std::string_view preamble, uint64_t fileBytes, Problem &problem) {
  if (preamble.size() < kPreamble || memcmp(preamble.data(), kMagic, sizeof kMagic - 1) != 0)
    return problem.set(CGP_DAMAGED, "this is no program file of cellgrad");
  auto format = word<uint32_t>(preamble, 8);
  if (format != kFormat)
    return problem.set(CGP_DAMAGED, "the file has format version " + std::to_string(format) + ", and this loader reads version " + std::to_string(kFormat) +
                                        "; take the loader of the cellgrad that exported it, or export it again");
  auto length = word<uint64_t>(preamble, 16), header = word<uint64_t>(preamble, 24);
  if (length != fileBytes)
    return problem.set(CGP_DAMAGED, "the program file is damaged: it should have " + std::to_string(length) + " bytes, but has " + std::to_string(fileBytes));
  if (header > kLargestHeader || header > length - kPreamble || word<uint32_t>(preamble, 12) != 0)
    return problem.set(CGP_DAMAGED, "the program file is damaged: its header has an impossible length");
  return true;
}

bool readContents(std::string_view file, const char *digest, Contents &contents, Problem &problem) {
  if (!readPreamble(file.substr(0, kPreamble), file.size(), problem))
    return false;
  Blake2b hash;
  hash.update(file.data(), kDigestAt);
  hash.update(file.data() + kPreamble, file.size() - kPreamble);
  std::array<uint8_t, kDigestBytes> found = hash.finish();
  if (memcmp(found.data(), file.data() + kDigestAt, kDigestBytes) != 0)
    return problem.set(CGP_DAMAGED, "the program file is damaged: its content does not match its digest");
  contents.digest = hexadecimal(found.data(), found.size());
  if (digest && contents.digest != digest)
    return problem.set(CGP_UNTRUSTED, "the program file has digest " + contents.digest + ", not the expected '" + std::string(digest) + "'");
  contents.header = std::string(file.substr(kPreamble, word<uint64_t>(file, 24)));
  Json header;
  std::string wrong;
  if (!parseJson(contents.header, header, wrong))
    return problem.set(CGP_DAMAGED, "the program file is damaged: its header has " + wrong);
  if (!Reader(file, contents, problem).run(header))
    return false;
  for (State &state : contents.state)
    state.tensor.settle();
  for (ProgramContents &program : contents.programs) {
    for (Tensor &tensor : program.inputs)
      tensor.settle();
    for (Tensor &tensor : program.outputs)
      tensor.settle();
  }
  return true;
}

} // namespace cellgrad::program
