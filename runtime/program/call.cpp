//===- call.cpp - checks arguments and runs programs -----------------------===//
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/program/program.h"

#include <algorithm>

using namespace cellgrad::program;

namespace {
/// Checks one side of a call.
bool check(Place place, const std::vector<Tensor> &tensors, const std::vector<Argument> &arguments, const char *what, Problem &problem) {
  if (arguments.size() != tensors.size())
    return problem.set(CGP_ARGUMENT,
                       std::string("the program has ") + std::to_string(tensors.size()) + " " + what + "s, but was called with " + std::to_string(arguments.size()));
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor &tensor = tensors[i];
    const Argument &argument = arguments[i];
    auto refuse = [&](const std::string &text) {
      return problem.set(CGP_ARGUMENT, std::string(what) + " " + std::to_string(i) + (tensor.name.empty() ? "" : " ('" + tensor.name + "')") + text);
    };
    if (argument.bytes != tensor.bytes)
      return refuse(" has " + std::to_string(tensor.bytes) + " bytes, but the buffer has " + std::to_string(argument.bytes));
    if (argument.onDevice && !place.gpu)
      return refuse(" is said to be on a GPU, but the program runs on the CPU");
    if (!tensor.bytes)
      continue;
    if (!argument.data)
      return refuse(" is a null pointer");
    static constexpr int kAlign[] = {1, 1, 2, 4, 8, 1, 2, 2, 4, 8};
    auto address = reinterpret_cast<uintptr_t>(argument.data);
    if (argument.onDevice ? address % CGP_DEVICE_ALIGNMENT : address % kAlign[tensor.dtype])
      return refuse(argument.onDevice ? " does not begin at a multiple of " + std::to_string(CGP_DEVICE_ALIGNMENT) + " bytes, as arrays on the GPU have to"
                                      : " is not aligned like its elements");
    if (!argument.onDevice)
      continue;
    if (int result = place.gpu->checkMemory(place.device, argument.data, argument.bytes)) {
      refuse(std::string(": ") + place.gpu->error());
      problem.status = statusOf(result);
      return false;
    }
  }
  return true;
}

/// What is written may overlap with nothing.
bool checkOverlaps(const ProgramContents &program, const Arguments &arguments, Problem &problem) {
  struct Range {
    const char *begin, *end;
    bool written;
  };
  std::vector<Range> ranges;
  auto add = [&](const std::vector<Tensor> &tensors, const std::vector<Argument> &list, bool output) {
    for (size_t i = 0; i < tensors.size(); ++i)
      if (auto *begin = static_cast<const char *>(list[i].data); begin && list[i].bytes)
        ranges.push_back({begin, begin + list[i].bytes, output || tensors[i].written});
  };
  add(program.inputs, arguments.inputs, false);
  add(program.outputs, arguments.outputs, true);
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

/// A call of a program that runs on a GPU. Arrays there are used where they are; the host's are copied, with one wait at the end for all.
class GpuCall {
public:
  GpuCall(cgp_program &program, const Arguments &arguments, Problem &problem)
      : program(program), contents(program.contents), arguments(arguments), problem(problem), gpu(*program.file->place.gpu), device(program.file->place.device) {}

  bool run() {
    void *own;
    if ((arguments.stream && !done(gpu.checkStream(device, arguments.stream))) || !place() || !done(gpu.stream(device, &own)))
      return false;
    bool ordered = arguments.stream && arguments.stream != own;
    if (ordered && !done(gpu.waitFor(device, arguments.stream)))
      return false;
    // Copies that were started read and write the caller's memory: nothing returns before they are over.
    bool ok = start();
    if (!ok)
      return gpu.synchronize(device), false;
    if (waits)
      return done(gpu.synchronize(device));
    return !ordered || done(gpu.letWait(device, arguments.stream));
  }

private:
  bool done(int error) { return error == CG_GPU_OK || problem.set(statusOf(error), gpu.error()); }

  /// Where each input and output lies on the GPU.
  bool place() {
    size_t given = arguments.inputs.size(), count = given + arguments.outputs.size();
    program.buffers.resize(count);
    for (size_t i = 0; i < count; ++i) {
      const Argument &argument = i < given ? arguments.inputs[i] : arguments.outputs[i - given];
      if (argument.onDevice && argument.bytes) {
        memory.push_back(argument.data);
        continue;
      }
      waits |= argument.bytes && (i >= given || contents.inputs[i].written);
      Block &buffer = program.buffers[i];
      if (!buffer && !(buffer = allocate(argument.bytes, program.file->place)))
        return problem.set(CGP_MEMORY, "no memory on the GPU for a call of program '" + contents.name + "': " + gpu.error());
      memory.push_back(buffer.get());
    }
    waits |= !arguments.stream;
    return true;
  }

  /// Puts copies and the program on the device's stream.
  bool start() {
    size_t given = arguments.inputs.size();
    for (size_t i = 0; i < given; ++i)
      if (const Argument &input = arguments.inputs[i]; !input.onDevice && !done((waits ? gpu.startUpload : gpu.upload)(device, memory[i], input.data, input.bytes)))
        return false;
    std::vector<void *> args;
    for (const Source &source : contents.sources)
      args.push_back(source.state ? program.file->values[source.index].get() : memory[source.index]);
    args.insert(args.end(), memory.begin() + static_cast<ptrdiff_t>(given), memory.end());
    int error = gpu.run(device, program.calls, program.entry, args.data(), static_cast<int64_t>(args.size()), contents.arenaBytes);
    if (!finished(program, problem) || !done(error))
      return false;
    for (size_t i = 0; i < memory.size(); ++i) {
      const Argument &argument = i < given ? arguments.inputs[i] : arguments.outputs[i - given];
      if (!argument.onDevice && (i >= given || contents.inputs[i].written) && !done(gpu.startDownload(device, argument.data, memory[i], argument.bytes)))
        return false;
    }
    return true;
  }

  cgp_program &program;
  const ProgramContents &contents;
  const Arguments &arguments;
  Problem &problem;
  const Gpu &gpu;
  int device;
  std::vector<void *> memory;
  bool waits = false;
};

bool callOnHost(cgp_program &program, const Arguments &arguments, Problem &problem) {
  const ProgramContents &contents = program.contents;
  static constexpr int64_t nothing = 0; // what empty tensors point to
  std::vector<void *> args;
  args.reserve(contents.sources.size() + contents.outputs.size());
  auto pointer = [](const Argument &argument) { return argument.data ? argument.data : const_cast<int64_t *>(&nothing); };
  for (const Source &source : contents.sources)
    args.push_back(source.state ? program.file->values[source.index].get() : pointer(arguments.inputs[source.index]));
  for (const Argument &output : arguments.outputs)
    args.push_back(pointer(output));

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

bool cellgrad::program::checkArguments(const cgp_program &program, const Arguments &arguments, Problem &problem) {
  Place place = program.file->place;
  return check(place, program.contents.inputs, arguments.inputs, "input", problem) && check(place, program.contents.outputs, arguments.outputs, "output", problem) &&
         checkOverlaps(program.contents, arguments, problem);
}

bool cellgrad::program::call(cgp_program &program, const Arguments &arguments, Problem &problem) {
  if (!program.file->place.gpu)
    return callOnHost(program, arguments, problem);
  std::unique_lock<std::shared_mutex> alone(program.file->mutex);
  return GpuCall(program, arguments, problem).run();
}
