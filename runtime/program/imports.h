//===- imports.h - the functions that programs may call --------------------===//
#ifndef CELLGRAD_RUNTIME_PROGRAM_IMPORTS_H
#define CELLGRAD_RUNTIME_PROGRAM_IMPORTS_H

namespace cellgrad::program {

/// The address of a function that compiled code may call, null for every other name.
void *import(const char *name);

} // namespace cellgrad::program

#endif // CELLGRAD_RUNTIME_PROGRAM_IMPORTS_H
