//===- load.cpp - from a file's bytes to programs that can be called --------===//
#include "runtime/program/imports.h"
#include "runtime/program/kernels.h"
#include "runtime/program/program.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace cellgrad::program;
using cellgrad::loader::Image;

void Free::operator()(void *memory) const { place.gpu ? place.gpu->release(place.device, memory) : std::free(memory); }

Block cellgrad::program::allocate(size_t bytes, Place place) {
  constexpr size_t kAlignment = 64;
  void *memory = nullptr;
  bytes = std::max(bytes, kAlignment);
  int error = place.gpu ? place.gpu->allocate(place.device, static_cast<int64_t>(bytes), &memory) : posix_memalign(&memory, kAlignment, bytes);
  return Block(error ? nullptr : memory, Free{place});
}

bool cellgrad::program::copyIn(Place place, void *to, const void *from, size_t bytes, Problem &problem) {
  if (!place.gpu)
    return memcpy(to, from, bytes), true;
  int result = place.gpu->startUpload(place.device, to, from, static_cast<int64_t>(bytes));
  if (!result)
    result = place.gpu->synchronize(place.device);
  return !result || problem.set(statusOf(result), place.gpu->error());
}

bool cellgrad::program::copyOut(Place place, void *to, const void *from, size_t bytes, Problem &problem) {
  if (!place.gpu)
    return memcpy(to, from, bytes), true;
  int result = place.gpu->download(place.device, to, from, static_cast<int64_t>(bytes));
  return !result || problem.set(statusOf(result), place.gpu->error());
}

cgp_program::~cgp_program() {
  if (calls)
    file->place.gpu->callsDestroy(calls);
  if (kernels)
    file->place.gpu->unload(kernels);
}

namespace {
template <typename T>
T *cast(void *address) {
  return reinterpret_cast<T *>(address);
}

/// Memory for the file's Parameters, with their values.
bool loadState(cgp_file &file, std::vector<State> &states, Problem &problem) {
  Place place = file.place;
  int result = CG_GPU_OK;
  for (State &state : states) {
    Block value = allocate(state.data.size(), place);
    if (!value) {
      problem.set(CGP_MEMORY, "no memory for the Parameters of the program");
      break;
    }
    if (!place.gpu)
      memcpy(value.get(), state.data.data(), state.data.size());
    else if ((result = place.gpu->startUpload(place.device, value.get(), state.data.data(), static_cast<int64_t>(state.data.size())))) {
      problem.set(statusOf(result), place.gpu->error());
      break;
    }
    file.values.push_back(std::move(value));
    file.state.push_back(std::move(state.tensor));
  }
  // One wait for all: the file's bytes may be freed, whatever has failed.
  if (place.gpu && !states.empty() && (result = place.gpu->synchronize(place.device)) && problem.status == CGP_OK)
    problem.set(statusOf(result), place.gpu->error());
  return problem.status == CGP_OK;
}

/// Maps a program's code and looks at all that a call relies on.
bool loadCode(cgp_program &program, const DeviceTarget &target, Problem &problem) {
  auto damaged = [&](const std::string &what) {
    return problem.set(CGP_DAMAGED, "the code of program '" + program.contents.name + "' cannot be loaded: " + what);
  };
  std::string error;
  const Gpu *gpu = program.file->place.gpu;
  auto resolve = [&](const char *name) {
    void *found = import(name);
    return found || !gpu ? found : gpu->import(name);
  };
  program.image = Image::load(program.contents.object, resolve, error);
  program.contents.object = {};
  if (!program.image)
    return damaged(error);
  const Image &image = *program.image;
  void *entry = image.symbol("cg_entry"), *arena = image.symbol("cg_arena_size"), *failure = image.symbol("cg_failure");
  if (!entry || !image.holds(entry, 1, Image::Execute) || !arena || !image.holds(arena, sizeof(int64_t)) || (failure && !image.holds(failure, 1, Image::Execute)))
    return damaged("it has no entry point");
  int64_t arenaBytes;
  memcpy(&arenaBytes, arena, sizeof arenaBytes);
  if (arenaBytes != program.contents.arenaBytes)
    return damaged("its scratch memory is not of the size that the header says");
  program.entry = cast<void(void **, void *)>(entry);
  program.failure = cast<int(const char **)>(failure);
  if (!gpu)
    return true;
  cg_gpu_program *kernels = findKernels(image, target, program.contents.kernels, error);
  if (!kernels)
    return damaged(error);
  // The driver compiles PTX here and not in the middle of a call; what it does not take, or lacks a kernel, does not run on this machine.
  if (int failed = gpu->load(program.file->place.device, kernels)) {
    problem.set(failed == CG_GPU_OUT_OF_MEMORY ? CGP_MEMORY : CGP_MACHINE, "program '" + program.contents.name + "' does not run here: " + gpu->error());
    gpu->unload(kernels);
    return false;
  }
  program.kernels = kernels;
  program.calls = gpu->callsCreate();
  return program.calls || problem.set(CGP_MEMORY, "no memory for the programs");
}
} // namespace

bool cellgrad::program::load(std::string_view bytes, const char *digest, int device, cgp_file **out, Problem &problem) {
  Contents contents;
  if (!readContents(bytes, digest, contents, problem))
    return false;
  auto file = std::make_unique<cgp_file>();
  file->digest = std::move(contents.digest);
  file->header = std::move(contents.header);
  if (!contents.device.chip.empty()) {
    file->place = {openGpu(contents.device, device, problem), device};
    if (!file->place.gpu)
      return false;
  }
  for (ProgramContents &content : contents.programs) {
    auto program = std::make_unique<cgp_program>();
    program->contents = std::move(content);
    for (auto *list : {&program->contents.inputs, &program->contents.outputs})
      for (Tensor &tensor : *list)
        tensor.settle();
    program->file = file.get();
    if (!loadCode(*program, contents.device, problem))
      return false;
    file->programs.push_back(std::move(program));
  }
  if (!loadState(*file, contents.state, problem))
    return false;
  for (Tensor &tensor : file->state) // they have moved
    tensor.settle();
  *out = file.release();
  return true;
}
