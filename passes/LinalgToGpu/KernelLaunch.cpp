//===- KernelLaunch.cpp - the launch of a kernel, and what is said of its arguments --===//
#include "passes/LinalgToGpu/KernelBuilder.h"

#include "passes/LinalgToLLVM/BufferRoots.h"
#include "passes/LinalgToLLVM/Common.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;

/// True if the kernel writes to memory through `buffer` or a view of it.
static bool isWritten(Value buffer) {
  return llvm::any_of(buffer.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<memref::LoadOp, vector::LoadOp, nvgpu::LdMatrixOp, UnrealizedConversionCastOp>(user)) // a tensor map
      return false;
    if (auto op = dyn_cast<DestinationStyleOpInterface>(user))
      return op.isDpsInit(&use);
    if (auto copy = dyn_cast<nvgpu::DeviceAsyncCopyOp>(user))
      return use.get() == copy.getDst();
    if (isa<ViewLikeOpInterface>(user))
      return isWritten(user->getResult(0));
    return true;
  });
}

/// Whether anything in the kernel reads the buffer or may do so.
static bool isReadInside(Value buffer) {
  return llvm::any_of(buffer.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<ViewLikeOpInterface>(user))
      return isReadInside(user->getResult(0));
    if (auto store = dyn_cast<memref::StoreOp>(user))
      return use.get() != store.getMemRef();
    if (auto store = dyn_cast<vector::StoreOp>(user))
      return use.get() != store.getBase();
    return true;
  });
}

void KernelBuilder::markArguments() {
  // For LLVM no barrier touches memory that is an argument's alone: what another thread wrote there would not be seen behind it.
  bool exchanges = func.walk([](gpu::BarrierOp) { return WalkResult::interrupt(); }).wasInterrupted();
  SmallVector<std::pair<unsigned, BufferRoots>> buffers;
  for (auto [i, value] : llvm::enumerate(arguments))
    if (isa<MemRefType>(value.getType()))
      buffers.push_back({i, BufferRoots::of(value)});
  for (auto &[i, roots] : buffers) {
    bool written = isWritten(func.getArgument(i)), alone = !(exchanges && written && isReadInside(func.getArgument(i)));
    for (auto &[j, others] : buffers)
      alone &= i == j || !(written || isWritten(func.getArgument(j))) || !roots.mayAlias(others);
    if (alone)
      func.setArgAttr(i, "llvm.noalias", getUnitAttr());
    if (!written)
      func.setArgAttr(i, "llvm.readonly", getUnitAttr());
  }
}

/// Reports a grid or shared memory that no device has.
bool KernelBuilder::fits(ArrayRef<int64_t> blocks) {
  for (auto [count, limit] : llvm::zip_equal(blocks, target.maxBlocks))
    if (count > limit) {
      module.refuse(getLoc()) << "the kernel '" << func.getName() << "' would need a grid of " << blocks[0] << " x " << blocks[1] << " x " << blocks[2]
                              << " blocks, more than a GPU takes; cut the tensors into parts, or use device_target=\"CPU\"";
      return false;
    }
  int64_t sharedBytes = 0;
  for (BlockArgument buffer : cast<gpu::GPUFuncOp>(func.getOperation()).getWorkgroupAttributions())
    sharedBytes += llvm::alignTo(contiguousBytes(cast<MemRefType>(buffer.getType())), target.vectorBytes);
  if (sharedBytes > target.sharedBytes)
    module.refuse(getLoc()) << "the kernel '" << func.getName() << "' would need " << sharedBytes << " bytes of shared memory, and a block has " << target.sharedBytes
                            << "; use device_target=\"CPU\"";
  if (dynamicBytes > target.residentShared)
    module.refuse(getLoc()) << "the kernel '" << func.getName() << "' would need " << dynamicBytes << " bytes of shared memory, and a block has " << target.residentShared
                            << "; use device_target=\"CPU\"";
  return sharedBytes <= target.sharedBytes && dynamicBytes <= target.residentShared;
}

void KernelBuilder::launch(ArrayRef<int64_t> grid) {
  markArguments();
  SmallVector<int64_t> blocks(grid);
  blocks.resize(3, 1);
  if (form) {
    func->setAttr(form->blocks, getI64IntegerAttr(blocks[0]));
  } else {
    if (!fits(blocks))
      return;
    cast<gpu::GPUFuncOp>(func.getOperation()).setKnownGridSize(SmallVector<int32_t>(blocks.begin(), blocks.end()));
  }
  ImplicitLocOpBuilder host(getLoc(), anchor);
  auto sizes = [&](ArrayRef<int64_t> values) {
    auto constant = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(host, value); };
    return gpu::KernelDim3{constant(values[0]), constant(values[1]), constant(values[2])};
  };
  auto name = SymbolRefAttr::get(StringAttr::get(getContext(), cast<gpu::GPUModuleOp>(func->getParentOp()).getName()), FlatSymbolRefAttr::get(getContext(), func.getName()));
  Value dynamicSize;
  if (dynamicBytes)
    dynamicSize = arith::ConstantIntOp::create(host, dynamicBytes, 32);
  gpu::LaunchFuncOp::create(host, name, sizes(blocks), sizes(size), dynamicSize, ValueRange(arguments));
}
