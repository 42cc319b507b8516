//===- file.h - reads a program file into memory ---------------------------===//
#ifndef CELLGRAD_RUNTIME_PROGRAM_FILE_H
#define CELLGRAD_RUNTIME_PROGRAM_FILE_H

#include "runtime/program/contents.h"

#include <cstdlib>
#include <memory>

namespace cellgrad::program {

struct Bytes {
  struct Free {
    void operator()(char *memory) const { std::free(memory); }
  };
  std::unique_ptr<char, Free> data;
  size_t size = 0;
};

/// A copy and no mapping: what was checked cannot be changed afterwards by whoever may write the file.
bool readFile(const char *path, Bytes &bytes, Problem &problem);

} // namespace cellgrad::program

#endif // CELLGRAD_RUNTIME_PROGRAM_FILE_H
