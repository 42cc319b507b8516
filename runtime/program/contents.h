//===- contents.h - what a program file says -------------------------------===//
// The format is described in docs/design/export-format.md. Everything that is read is checked here; nothing is mapped or run.
#ifndef CELLGRAD_RUNTIME_PROGRAM_CONTENTS_H
#define CELLGRAD_RUNTIME_PROGRAM_CONTENTS_H

#include "runtime/program/cellgrad_program.h"

#include <string>
#include <string_view>
#include <vector>

namespace cellgrad::program {

/// What went wrong: a status of cgp_error and its text.
struct Problem {
  int status = CGP_OK;
  std::string text;
  bool set(int kind, std::string message) {
    status = kind;
    text = std::move(message);
    return false;
  }
};

struct Tensor {
  std::string name;
  int dtype = 0;
  std::vector<int64_t> shape;
  int64_t bytes = 0;
  bool written = false;
  cgp_tensor view = {}; // points into this object; set when it no longer moves

  void settle();
};

/// Where cg_entry's arguments come from: an argument of the call, or state of the file.
struct Source {
  bool state;
  size_t index;
};

struct ProgramContents {
  std::string name;
  std::string_view object;
  int64_t arenaBytes = 0, kernels = -1; // -1: the header does not say
  std::vector<Source> sources;
  std::vector<Tensor> inputs, outputs;
  bool writesState = false;
};

struct State {
  Tensor tensor;
  std::string_view data;
};

/// The GPU that programs are for; `image` is the kind of their kernels' code.
struct DeviceTarget {
  std::string image, chip; // empty: the CPU
};

struct Contents {
  std::string digest, header;
  DeviceTarget device;
  std::vector<ProgramContents> programs;
  std::vector<State> state;
};

/// The fixed first part of a file.
constexpr size_t kPreamble = 64;

/// Bytes of the whole file as its preamble says. False for what cannot be a program file.
bool readPreamble(std::string_view preamble, uint64_t fileBytes, Problem &problem);
/// Reads a whole file; `contents` refers into it. `digest` is null or what the file's has to be.
bool readContents(std::string_view file, const char *digest, Contents &contents, Problem &problem);

} // namespace cellgrad::program

#endif // CELLGRAD_RUNTIME_PROGRAM_CONTENTS_H
