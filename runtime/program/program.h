//===- program.h - loaded files and their programs -------------------------===//
#ifndef CELLGRAD_RUNTIME_PROGRAM_PROGRAM_H
#define CELLGRAD_RUNTIME_PROGRAM_PROGRAM_H

#include "runtime/loader/elf.h"
#include "runtime/program/contents.h"
#include "runtime/program/gpu.h"

#include <memory>
#include <mutex>
#include <shared_mutex>

namespace cellgrad::program {

/// Where a file's programs run and its Parameters are: this processor, or a GPU.
struct Place {
  const Gpu *gpu = nullptr;
  int device = 0;
};

struct Free {
  Place place;
  void operator()(void *memory) const;
};
using Block = std::unique_ptr<void, Free>;

/// Null where there is no memory; never null for no bytes.
Block allocate(size_t bytes, Place place = {});
/// Copies from the host to a place, or back; the memory of the host is free again.
bool copyIn(Place place, void *to, const void *from, size_t bytes, Problem &problem);
bool copyOut(Place place, void *to, const void *from, size_t bytes, Problem &problem);

/// An input or output of a call, on the host or the file's GPU.
struct Argument {
  void *data;
  int64_t bytes;
  bool onDevice;
};
/// Where a call's arrays on the GPU come from: `stream`, or whoever knows that they are ready (null; the call then waits for its results).
struct Arguments {
  std::vector<Argument> inputs, outputs;
  void *stream = nullptr;
};

/// Number, sizes, alignment, place and overlaps of what a program is called with.
bool checkArguments(const cgp_program &program, const Arguments &arguments, Problem &problem);
/// Runs a program with arguments that were checked.
bool call(cgp_program &program, const Arguments &arguments, Problem &problem);
/// Loads a file; `device` is the number of the GPU for programs that want one.
bool load(std::string_view bytes, const char *digest, int device, cgp_file **out, Problem &problem);

} // namespace cellgrad::program

struct cgp_program {
  cellgrad::program::ProgramContents contents;
  cgp_file *file = nullptr;
  std::unique_ptr<cellgrad::loader::Image> image;
  void (*entry)(void **, void *) = nullptr;
  int (*failure)(const char **) = nullptr; // null: it cannot fail
  std::mutex mutex;
  std::vector<cellgrad::program::Block> arenas; // scratch memory that no call uses
  // Of a program for a GPU: its kernels, what is known of its runs, and memory for the inputs and outputs that calls have on the host, the same in each call
  // so that runs can be replayed.
  cg_gpu_program *kernels = nullptr;
  cg_gpu_calls *calls = nullptr;
  std::vector<cellgrad::program::Block> buffers;

  ~cgp_program();
};

struct cgp_file {
  std::string digest, header;
  cellgrad::program::Place place;
  std::vector<std::unique_ptr<cgp_program>> programs;
  std::vector<cellgrad::program::Tensor> state;
  std::vector<cellgrad::program::Block> values; // of `state`
  std::shared_mutex mutex;                      // held for writing by what writes state, and by what runs on a GPU
};

#endif // CELLGRAD_RUNTIME_PROGRAM_PROGRAM_H
