//===- KernelReport.cpp - the kernels of a program, for people ------------===//
#include "passes/GpuToLLVM/KernelReport.h"

#include "dialect/Ascend/Ascend.h"
#include "passes/LinalgToLLVM/Common.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::cell;

SmallVector<KernelInfo> cell::getKernels(ModuleOp module) {
  SmallVector<KernelInfo> kernels;
  llvm::DenseMap<StringAttr, unsigned> numbers;
  for (auto device : module.getOps<gpu::GPUModuleOp>())
    for (auto kernel : device.getOps<FunctionOpInterface>()) {
      if (!kernel->hasAttr(gpu::GPUDialect::getKernelFuncAttrName()))
        continue;
      numbers[kernel.getNameAttr()] = kernels.size();
      KernelInfo info{kernel.getName().str(), kernel.getLoc(), ""};
      if (auto core = kernel->getAttrOfType<ascend::CoreAttr>(ascend::kCoreAttr))
        info.core = ascend::stringifyCore(core.getValue()).str();
      if (auto threads = dyn_cast<gpu::GPUFuncOp>(kernel.getOperation()))
        for (BlockArgument buffer : threads.getWorkgroupAttributions())
          info.sharedBytes += contiguousBytes(cast<MemRefType>(buffer.getType()));
      kernels.push_back(info);
    }
  module.walk([&](gpu::LaunchFuncOp launch) {
    auto found = numbers.find(launch.getKernelName());
    if (found == numbers.end())
      return;
    KernelInfo &info = kernels[found->second];
    gpu::KernelDim3 grid = launch.getGridSizeOperandValues(), block = launch.getBlockSizeOperandValues();
    Value sizes[] = {grid.x, grid.y, grid.z, block.x, block.y, block.z};
    for (unsigned i = 0; i < 6; ++i) {
      int64_t size = getConstantIntValue(sizes[i]).value_or(-1), &known = i < 3 ? info.grid[i] : info.block[i - 3];
      known = !info.launches || known == size ? size : -1;
    }
    ++info.launches;
  });
  return kernels;
}
