//===- cpu.h - what kind of processor this is ------------------------------===//
#ifndef CELLGRAD_LOADER_CPU_H
#define CELLGRAD_LOADER_CPU_H

#include <string>

namespace cellgrad::loader {

/// A text that differs where code generated for one processor may not run or not run best on the other.
std::string cpuIdentity();

} // namespace cellgrad::loader

#endif // CELLGRAD_LOADER_CPU_H
