//===- cpu.h - what kind of processor this is ------------------------------===//
#ifndef CELLGRAD_LOADER_CPU_H
#define CELLGRAD_LOADER_CPU_H

#include <string>
#include <string_view>
#include <vector>

namespace cellgrad::loader {

/// A text that differs where code generated for one processor may not run or not run best on the other.
std::string cpuIdentity();

/// "x86_64", "aarch64": as the system's name of the machine.
const char *cpuArchitecture();
/// Whether the processor, and the system, have a feature by LLVM's name ("avx2"); false for unknown names.
bool cpuHas(std::string_view feature);
/// All features that `cpuHas` knows and this processor has.
std::vector<std::string> cpuFeatures();

} // namespace cellgrad::loader

#endif // CELLGRAD_LOADER_CPU_H
