//===- kernels.h - the record of a program's kernels -----------------------===//
#ifndef CELLGRAD_RUNTIME_PROGRAM_KERNELS_H
#define CELLGRAD_RUNTIME_PROGRAM_KERNELS_H

#include "runtime/gpu/cellgrad_gpu.h"
#include "runtime/loader/elf.h"
#include "runtime/program/contents.h"

namespace cellgrad::program {

/// The `cg_gpu_program` of a loaded object, after a look at all that the runtime and the driver will follow: each pointer leads into the object, texts end
/// there, the code has the length and form that it claims, and it is what the header says. Null with the reason in `wrong`.
cg_gpu_program *findKernels(const loader::Image &image, const DeviceTarget &target, int64_t kernels, std::string &wrong);

} // namespace cellgrad::program

#endif // CELLGRAD_RUNTIME_PROGRAM_KERNELS_H
