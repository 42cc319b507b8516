//===- program.cpp - loads and calls exported programs ---------------------===//
#include "runtime/program/cellgrad_program.h"

#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/loader/elf.h"
#include "runtime/program/contents.h"
#include "runtime/program/file.h"
#include "runtime/program/gpu.h"
#include "runtime/program/imports.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <shared_mutex>

using namespace cellgrad::program;

namespace {
constexpr size_t kAlignment = 64;

/// Where a file's programs run and its Parameters are: this processor, or a GPU.
struct Place {
  const Gpu *gpu = nullptr;
  int device = 0;
};

struct Free {
  Place place;
  void operator()(void *memory) const { place.gpu ? place.gpu->release(place.device, memory) : std::free(memory); }
};
using Block = std::unique_ptr<void, Free>;

/// Null where there is no memory; never null for no bytes.
Block allocate(size_t bytes, Place place = {}) {
  void *memory = nullptr;
  bytes = std::max(bytes, kAlignment);
  int error = place.gpu ? place.gpu->allocate(place.device, static_cast<int64_t>(bytes), &memory) : posix_memalign(&memory, kAlignment, bytes);
  return Block(error ? nullptr : memory, Free{place});
}

/// Copies from the host to a place, or back.
bool copyIn(Place place, void *to, const void *from, size_t bytes, Problem &problem) {
  if (!place.gpu)
    return memcpy(to, from, bytes), true;
  return !bytes || place.gpu->upload(place.device, to, from, static_cast<int64_t>(bytes)) == CG_GPU_OK || problem.set(CGP_PROGRAM, place.gpu->error());
}
bool copyOut(Place place, void *to, const void *from, size_t bytes, Problem &problem) {
  if (!place.gpu)
    return memcpy(to, from, bytes), true;
  return !bytes || place.gpu->download(place.device, to, from, static_cast<int64_t>(bytes)) == CG_GPU_OK || problem.set(CGP_PROGRAM, place.gpu->error());
}

thread_local int chosenDevice = 0;

int report(const Problem &problem, cgp_error *error) {
  if (error) {
    error->status = problem.status;
    size_t length = std::min(problem.text.size(), sizeof error->text - 1);
    memcpy(error->text, problem.text.data(), length);
    error->text[length] = '\0';
  }
  return problem.status;
}
int report(int status, const std::string &text, cgp_error *error) { return report({status, text}, error); }
} // namespace

struct cgp_program {
  ProgramContents contents;
  cgp_file *file = nullptr;
  std::unique_ptr<cellgrad::loader::Image> image;
  void (*entry)(void **, void *) = nullptr;
  int (*failure)(const char **) = nullptr; // null: it cannot fail
  std::mutex mutex;
  std::vector<Block> arenas; // scratch memory that no call uses
  // Of a program for a GPU: its kernels, what is known of its runs, and the inputs' and outputs' memory, the same in each call so that runs can be replayed.
  cg_gpu_program *kernels = nullptr;
  cg_gpu_calls *calls = nullptr;
  std::vector<Block> buffers;

  ~cgp_program();
};

struct cgp_file {
  std::string digest, header;
  Place place;
  std::vector<std::unique_ptr<cgp_program>> programs;
  std::vector<Tensor> state;
  std::vector<Block> values; // of `state`
  std::shared_mutex mutex;   // held for writing by what writes state, and by what runs on a GPU
};

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

bool loadCode(cgp_program &program, Problem &problem) {
  auto damaged = [&](const std::string &what) {
    return problem.set(CGP_DAMAGED, "the code of program '" + program.contents.name + "' cannot be loaded: " + what);
  };
  std::string error;
  const Gpu *gpu = program.file->place.gpu;
  auto resolve = [&](const char *name) {
    void *found = import(name);
    return found || !gpu ? found : gpu->import(name);
  };
  program.image = cellgrad::loader::Image::load(program.contents.object, resolve, error);
  program.contents.object = {};
  if (!program.image)
    return damaged(error);
  void *entry = program.image->symbol("cg_entry"), *arena = program.image->symbol("cg_arena_size");
  if (!entry || !arena || program.image->bytesFrom(arena) < sizeof(int64_t))
    return damaged("it has no entry point");
  int64_t arenaBytes;
  memcpy(&arenaBytes, arena, sizeof arenaBytes);
  if (arenaBytes != program.contents.arenaBytes)
    return damaged("its scratch memory is not of the size that the header says");
  if (gpu) {
    void *kernels = program.image->symbol("cg_gpu_program");
    if (!kernels || reinterpret_cast<uintptr_t>(kernels) % alignof(cg_gpu_program) || program.image->bytesFrom(kernels) < sizeof(cg_gpu_program) ||
        static_cast<cg_gpu_program *>(kernels)->state)
      return damaged("it has no kernels");
    program.kernels = static_cast<cg_gpu_program *>(kernels);
    if (!(program.calls = gpu->callsCreate()))
      return problem.set(CGP_MEMORY, "no memory for the programs");
  }
  program.entry = cast<void(void **, void *)>(entry);
  if (void *failure = program.image->symbol("cg_failure"))
    program.failure = cast<int(const char **)>(failure);
  return true;
}

bool load(std::string_view bytes, const char *digest, cgp_file **out, Problem &problem) {
  Contents contents;
  if (!readContents(bytes, digest, contents, problem))
    return false;
  auto file = std::make_unique<cgp_file>();
  file->digest = std::move(contents.digest);
  file->header = std::move(contents.header);
  if (!contents.device.chip.empty()) {
    file->place = {openGpu(contents.device, chosenDevice, problem), chosenDevice};
    if (!file->place.gpu)
      return false;
  }
  for (State &state : contents.state) {
    Block value = allocate(state.data.size(), file->place);
    if (!value)
      return problem.set(CGP_MEMORY, "no memory for the Parameters of the program");
    if (!copyIn(file->place, value.get(), state.data.data(), state.data.size(), problem))
      return false;
    file->values.push_back(std::move(value));
    file->state.push_back(std::move(state.tensor));
  }
  for (Tensor &tensor : file->state) // they have moved
    tensor.settle();
  for (ProgramContents &content : contents.programs) {
    auto program = std::make_unique<cgp_program>();
    program->contents = std::move(content);
    for (auto *list : {&program->contents.inputs, &program->contents.outputs})
      for (Tensor &tensor : *list)
        tensor.settle();
    program->file = file.get();
    if (!loadCode(*program, problem))
      return false;
    file->programs.push_back(std::move(program));
  }
  *out = file.release();
  return true;
}

/// Checks the buffers of one side of a call.
bool check(const std::vector<Tensor> &tensors, const cgp_buffer *buffers, size_t count, const char *what, Problem &problem) {
  if (count != tensors.size())
    return problem.set(CGP_ARGUMENT, std::string("the program has ") + std::to_string(tensors.size()) + " " + what + "s, but was called with " + std::to_string(count));
  for (size_t i = 0; i < count; ++i) {
    const Tensor &tensor = tensors[i];
    auto name = [&] { return std::string(what) + " " + std::to_string(i) + (tensor.name.empty() ? "" : " ('" + tensor.name + "')"); };
    if (buffers[i].bytes != tensor.bytes)
      return problem.set(CGP_ARGUMENT, name() + " has " + std::to_string(tensor.bytes) + " bytes, but the buffer has " + std::to_string(buffers[i].bytes));
    static constexpr int kAlign[] = {1, 1, 2, 4, 8, 1, 2, 2, 4, 8};
    if (tensor.bytes && (!buffers[i].data || reinterpret_cast<uintptr_t>(buffers[i].data) % kAlign[tensor.dtype]))
      return problem.set(CGP_ARGUMENT, name() + (buffers[i].data ? " is not aligned like its elements" : " is a null pointer"));
  }
  return true;
}

/// What is written may overlap with nothing.
bool checkOverlaps(const ProgramContents &program, const cgp_buffer *inputs, const cgp_buffer *outputs, Problem &problem) {
  struct Range {
    const char *begin, *end;
    bool written;
  };
  std::vector<Range> ranges;
  auto add = [&](const std::vector<Tensor> &tensors, const cgp_buffer *buffers, bool output) {
    for (size_t i = 0; i < tensors.size(); ++i)
      if (auto *begin = static_cast<const char *>(buffers[i].data); begin && buffers[i].bytes)
        ranges.push_back({begin, begin + buffers[i].bytes, output || tensors[i].written});
  };
  add(program.inputs, inputs, false);
  add(program.outputs, outputs, true);
  std::sort(ranges.begin(), ranges.end(), [](const Range &a, const Range &b) { return a.begin < b.begin; });
  const char *end = nullptr, *writtenEnd = nullptr; // of all ranges so far, of those that are written
  for (const Range &range : ranges) {
    if ((range.written ? end : writtenEnd) > range.begin)
      return problem.set(CGP_ARGUMENT, "memory that the program writes overlaps with another input or output");
    end = std::max(end, range.end);
    if (range.written)
      writtenEnd = std::max(writtenEnd, range.end);
  }
  return true;
}

/// What a program's run left behind as its failure.
bool finished(cgp_program &program, Problem &problem) {
  const char *text = "";
  int kind = program.failure ? program.failure(&text) : CG_FAILURE_NONE;
  if (kind == CG_FAILURE_NONE)
    return true;
  return problem.set(kind == CG_FAILURE_ASSERTION ? CGP_ASSERTION : kind == CG_FAILURE_MEMORY ? CGP_MEMORY : CGP_PROGRAM, text);
}

/// A call with data of the host of a program that runs on a GPU.
bool callOnGpu(cgp_program &program, const cgp_buffer *inputs, const cgp_buffer *outputs, Problem &problem) {
  const ProgramContents &contents = program.contents;
  Place place = program.file->place;
  std::unique_lock<std::shared_mutex> alone(program.file->mutex);
  const size_t given = contents.inputs.size();
  for (size_t i = program.buffers.size(); i < given + contents.outputs.size(); ++i) {
    Block buffer = allocate((i < given ? contents.inputs[i] : contents.outputs[i - given]).bytes, place);
    if (!buffer)
      return problem.set(CGP_MEMORY, "no memory on the GPU for a call of program '" + contents.name + "': " + place.gpu->error());
    program.buffers.push_back(std::move(buffer));
  }
  for (size_t i = 0; i < given; ++i)
    if (!copyIn(place, program.buffers[i].get(), inputs[i].data, inputs[i].bytes, problem))
      return false;
  std::vector<void *> args;
  for (const Source &source : contents.sources)
    args.push_back((source.state ? program.file->values : program.buffers)[source.index].get());
  for (size_t i = given; i < program.buffers.size(); ++i)
    args.push_back(program.buffers[i].get());
  int error = place.gpu->run(place.device, program.calls, program.entry, args.data(), static_cast<int64_t>(args.size()), contents.arenaBytes);
  if (!finished(program, problem))
    return false;
  if (error)
    return problem.set(error == CG_GPU_OUT_OF_MEMORY ? CGP_MEMORY : CGP_PROGRAM, place.gpu->error());
  for (size_t i = 0; i < given; ++i)
    if (contents.inputs[i].written && !copyOut(place, inputs[i].data, program.buffers[i].get(), inputs[i].bytes, problem))
      return false;
  for (size_t i = 0; i < contents.outputs.size(); ++i)
    if (!copyOut(place, outputs[i].data, program.buffers[given + i].get(), outputs[i].bytes, problem))
      return false;
  return true;
}

bool call(cgp_program &program, const cgp_buffer *inputs, const cgp_buffer *outputs, Problem &problem) {
  const ProgramContents &contents = program.contents;
  static constexpr int64_t nothing = 0; // what empty tensors point to
  std::vector<void *> args;
  args.reserve(contents.sources.size() + contents.outputs.size());
  auto pointer = [](const cgp_buffer &buffer) { return buffer.data ? buffer.data : const_cast<int64_t *>(&nothing); };
  for (const Source &source : contents.sources)
    args.push_back(source.state ? program.file->values[source.index].get() : pointer(inputs[source.index]));
  for (size_t i = 0; i < contents.outputs.size(); ++i)
    args.push_back(pointer(outputs[i]));

  Block arena;
  {
    std::lock_guard<std::mutex> lock(program.mutex);
    if (!program.arenas.empty()) {
      arena = std::move(program.arenas.back());
      program.arenas.pop_back();
    }
  }
  if (!arena && !(arena = allocate(contents.arenaBytes)))
    return problem.set(CGP_MEMORY, "no memory for a call of program '" + contents.name + "': it needs " + std::to_string(contents.arenaBytes) + " bytes");
  {
    std::shared_lock<std::shared_mutex> reading(program.file->mutex, std::defer_lock);
    std::unique_lock<std::shared_mutex> writing(program.file->mutex, std::defer_lock);
    contents.writesState ? writing.lock() : reading.lock();
    program.entry(args.data(), arena.get());
  }
  std::lock_guard<std::mutex> lock(program.mutex);
  program.arenas.push_back(std::move(arena));
  return finished(program, problem);
}
} // namespace

int cgp_api(void) { return CGP_API; }

int cgp_open_memory(const void *data, size_t bytes, const char *digest, cgp_file **file, cgp_error *error) {
  Problem problem;
  *file = nullptr;
  load({static_cast<const char *>(data), bytes}, digest, file, problem);
  return report(problem, error);
}

int cgp_open(const char *path, const char *digest, cgp_file **file, cgp_error *error) {
  Problem problem;
  *file = nullptr;
  Bytes bytes;
  if (readFile(path, bytes, problem))
    load({bytes.data.get(), bytes.size}, digest, file, problem);
  return report(problem, error);
}

void cgp_close(cgp_file *file) { delete file; }
const char *cgp_digest(const cgp_file *file) { return file->digest.c_str(); }
const char *cgp_header(const cgp_file *file) { return file->header.c_str(); }
size_t cgp_program_count(const cgp_file *file) { return file->programs.size(); }
const cgp_program *cgp_program_at(const cgp_file *file, size_t index) { return index < file->programs.size() ? file->programs[index].get() : nullptr; }

const cgp_program *cgp_program_named(const cgp_file *file, const char *name) {
  for (const auto &program : file->programs)
    if (program->contents.name == name)
      return program.get();
  return nullptr;
}

const char *cgp_program_name(const cgp_program *program) { return program->contents.name.c_str(); }
size_t cgp_input_count(const cgp_program *program) { return program->contents.inputs.size(); }
size_t cgp_output_count(const cgp_program *program) { return program->contents.outputs.size(); }

const cgp_tensor *cgp_input(const cgp_program *program, size_t index) {
  return index < program->contents.inputs.size() ? &program->contents.inputs[index].view : nullptr;
}
const cgp_tensor *cgp_output(const cgp_program *program, size_t index) {
  return index < program->contents.outputs.size() ? &program->contents.outputs[index].view : nullptr;
}

int cgp_call(const cgp_program *program, const cgp_buffer *inputs, size_t inputCount, const cgp_buffer *outputs, size_t outputCount, cgp_error *error) {
  Problem problem;
  if (check(program->contents.inputs, inputs, inputCount, "input", problem) && check(program->contents.outputs, outputs, outputCount, "output", problem) &&
      checkOverlaps(program->contents, inputs, outputs, problem))
    (program->file->place.gpu ? callOnGpu : call)(const_cast<cgp_program &>(*program), inputs, outputs, problem);
  return report(problem, error);
}

size_t cgp_parameter_count(const cgp_file *file) { return file->state.size(); }
const cgp_tensor *cgp_parameter(const cgp_file *file, size_t index) { return index < file->state.size() ? &file->state[index].view : nullptr; }

int64_t cgp_parameter_named(const cgp_file *file, const char *name) {
  for (size_t i = 0; i < file->state.size(); ++i)
    if (file->state[i].name == name)
      return static_cast<int64_t>(i);
  return -1;
}

void *cgp_parameter_data(cgp_file *file, size_t index) {
  return index < file->values.size() && !file->place.gpu ? file->values[index].get() : nullptr;
}

static bool checkParameter(const cgp_file *file, size_t index, int64_t bytes, cgp_error *error) {
  if (index >= file->state.size())
    return report(CGP_ARGUMENT, "there is no Parameter " + std::to_string(index), error) == CGP_OK;
  const Tensor &tensor = file->state[index];
  if (bytes != tensor.bytes)
    return report(CGP_ARGUMENT, "Parameter '" + tensor.name + "' has " + std::to_string(tensor.bytes) + " bytes, but the buffer has " + std::to_string(bytes), error) == CGP_OK;
  return true;
}

int cgp_read_parameter(const cgp_file *file, size_t index, void *data, int64_t bytes, cgp_error *error) {
  if (!checkParameter(file, index, bytes, error))
    return CGP_ARGUMENT;
  Problem problem;
  std::shared_lock<std::shared_mutex> lock(const_cast<cgp_file *>(file)->mutex);
  copyOut(file->place, data, file->values[index].get(), bytes, problem);
  return report(problem, error);
}

int cgp_write_parameter(cgp_file *file, size_t index, const void *data, int64_t bytes, cgp_error *error) {
  if (!checkParameter(file, index, bytes, error))
    return CGP_ARGUMENT;
  Problem problem;
  std::unique_lock<std::shared_mutex> lock(file->mutex);
  copyIn(file->place, file->values[index].get(), data, bytes, problem);
  return report(problem, error);
}

int cgp_runs_on_gpu(const cgp_file *file) { return file->place.gpu != nullptr; }
void cgp_choose_gpu(int number) { chosenDevice = number; }
void cgp_set_threads(int n) { cg_set_num_threads(n); }
void cgp_set_print(int (*print)(const char *, int64_t, void *const *, const int64_t *)) { cg_set_print_handler(print); }
