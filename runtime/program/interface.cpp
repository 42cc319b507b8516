//===- interface.cpp - the functions of cellgrad_program.h -----------------===//
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/program/file.h"
#include "runtime/program/program.h"

#include <algorithm>
#include <cstring>

using namespace cellgrad::program;

namespace {
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

template <typename Buffer>
std::vector<Argument> argumentsOf(const Buffer *buffers, size_t count) {
  std::vector<Argument> arguments(count);
  for (size_t i = 0; i < count; ++i)
    arguments[i] = {buffers[i].data, buffers[i].bytes, false};
  return arguments;
}

int callWith(const cgp_program *program, const Arguments &arguments, cgp_error *error) {
  Problem problem;
  if (checkArguments(*program, arguments, problem))
    call(const_cast<cgp_program &>(*program), arguments, problem);
  return report(problem, error);
}

/// Runs a function of the GPU's runtime for a file on a GPU.
template <typename Function>
int onGpu(const cgp_file *file, cgp_error *error, Function function) {
  Place place = file->place;
  if (!place.gpu)
    return report(CGP_ARGUMENT, "the programs of this file run on the CPU", error);
  int result = function(*place.gpu, place.device);
  return report(statusOf(result), result == CG_GPU_OK ? "" : place.gpu->error(), error);
}

/// Copies between the host and an array on the file's GPU.
template <typename Copy>
int copyWith(const cgp_file *file, const void *array, const void *host, int64_t bytes, cgp_error *error, Copy copy) {
  if (bytes < 0 || (bytes && !host))
    return report(CGP_ARGUMENT, bytes < 0 ? "a copy of " + std::to_string(bytes) + " bytes" : std::string("the memory of the host is a null pointer"), error);
  return onGpu(file, error, [&](const Gpu &gpu, int device) {
    int result = gpu.checkMemory(device, array, bytes);
    return result == CG_GPU_OK ? copy(gpu, device) : result;
  });
}
} // namespace

int cgp_api(void) { return CGP_API; }

int cgp_open_memory(const void *data, size_t bytes, const char *digest, cgp_file **file, cgp_error *error) {
  Problem problem;
  *file = nullptr;
  load({static_cast<const char *>(data), bytes}, digest, chosenDevice, file, problem);
  return report(problem, error);
}

int cgp_open(const char *path, const char *digest, cgp_file **file, cgp_error *error) {
  Problem problem;
  *file = nullptr;
  Bytes bytes;
  if (readFile(path, bytes, problem))
    load({bytes.data.get(), bytes.size}, digest, chosenDevice, file, problem);
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
  return callWith(program, {argumentsOf(inputs, inputCount), argumentsOf(outputs, outputCount)}, error);
}

int cgp_call_on(const cgp_program *program, const cgp_array *inputs, size_t inputCount, const cgp_array *outputs, size_t outputCount, void *stream, cgp_error *error) {
  Arguments arguments{argumentsOf(inputs, inputCount), argumentsOf(outputs, outputCount), stream};
  for (auto [list, arrays] : {std::pair{&arguments.inputs, inputs}, std::pair{&arguments.outputs, outputs}})
    for (size_t i = 0; i < list->size(); ++i) {
      if (arrays[i].place != CGP_HOST && arrays[i].place != CGP_DEVICE)
        return report(CGP_ARGUMENT, "the place of an array is CGP_HOST or CGP_DEVICE, not " + std::to_string(arrays[i].place), error);
      (*list)[i].onDevice = arrays[i].place == CGP_DEVICE;
    }
  return callWith(program, arguments, error);
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
int cgp_device(const cgp_file *file) { return file->place.gpu ? file->place.device : -1; }

void *cgp_stream(const cgp_file *file) {
  void *stream = nullptr;
  return file->place.gpu && file->place.gpu->stream(file->place.device, &stream) == CG_GPU_OK ? stream : nullptr;
}
int cgp_wait_for(const cgp_file *file, void *stream, cgp_error *error) {
  return onGpu(file, error, [&](const Gpu &gpu, int device) { return gpu.waitFor(device, stream); });
}
int cgp_let_wait(const cgp_file *file, void *stream, cgp_error *error) {
  return onGpu(file, error, [&](const Gpu &gpu, int device) { return gpu.letWait(device, stream); });
}
int cgp_synchronize(const cgp_file *file, cgp_error *error) {
  return onGpu(file, error, [](const Gpu &gpu, int device) {
    int result = gpu.synchronize(device);
    return result == CG_GPU_OK ? gpu.quiesce(device) : result;
  });
}
int cgp_allocate(const cgp_file *file, int64_t bytes, void **data, cgp_error *error) {
  *data = nullptr;
  if (bytes < 0)
    return report(CGP_ARGUMENT, "an array of " + std::to_string(bytes) + " bytes", error);
  return onGpu(file, error, [&](const Gpu &gpu, int device) { return gpu.allocate(device, std::max<int64_t>(bytes, 1), data); });
}
void cgp_free(const cgp_file *file, void *data) {
  if (file->place.gpu && data)
    file->place.gpu->release(file->place.device, data);
}
int cgp_upload(const cgp_file *file, void *to, const void *from, int64_t bytes, cgp_error *error) {
  return copyWith(file, to, from, bytes, error, [&](const Gpu &gpu, int device) {
    int result = gpu.startUpload(device, to, from, bytes);
    return result == CG_GPU_OK ? gpu.synchronize(device) : result;
  });
}
int cgp_download(const cgp_file *file, void *to, const void *from, int64_t bytes, cgp_error *error) {
  return copyWith(file, from, to, bytes, error, [&](const Gpu &gpu, int device) { return gpu.download(device, to, from, bytes); });
}

void cgp_set_threads(int n) { cg_set_num_threads(n); }
void cgp_set_print(int (*print)(const char *, int64_t, void *const *, const int64_t *)) { cg_set_print_handler(print); }
