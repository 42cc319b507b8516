//===- DeviceReads.cpp - kernels read what the host would read back -------===//
// A launch may depend on elements of device memory through the host: the start of a slice, an index of a loop that adds rows. Where the host does nothing
// else with them, the kernel loads them and computes its addresses itself, and nobody waits.
#include "passes/LinalgToGpu/DeviceReads.h"

#include "passes/GpuToLLVM/Passes.h"
#include "passes/LinalgToLLVM/BufferRoots.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Operations that a kernel repeats for one operand at most.
constexpr unsigned kMaxSlice = 32;

/// What a kernel can do in place of the host.
bool canMove(Operation *op) {
  return isa<memref::LoadOp, memref::SubViewOp, memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp>(op) ||
         (isa<arith::ArithDialect>(op->getDialect()) && op->getNumRegions() == 0 && isPure(op));
}

class DeviceReads {
public:
  explicit DeviceReads(ModuleOp module) : module(module) {}

  void run() {
    for (auto func : module.getOps<func::FuncOp>())
      func.walk([&](gpu::LaunchFuncOp launch) {
        launches.push_back(launch);
        ++uses[kernelOf(launch)];
      });
    for (gpu::LaunchFuncOp launch : launches)
      lower(launch);
    eraseDead();
  }

private:
  ModuleOp module;
  SmallVector<gpu::LaunchFuncOp> launches;
  llvm::DenseMap<Operation *, unsigned> uses;
  llvm::DenseMap<Operation *, bool> known;
  llvm::SmallSetVector<Operation *, 16> moved;

  gpu::GPUFuncOp kernelOf(gpu::LaunchFuncOp launch) { return SymbolTable::lookupNearestSymbolFrom<gpu::GPUFuncOp>(module, launch.getKernel()); }

  bool writes(gpu::LaunchFuncOp launch, const BufferRoots &roots) {
    gpu::GPUFuncOp kernel = kernelOf(launch);
    for (auto [i, operand] : llvm::enumerate(launch.getKernelOperands()))
      if (isa<MemRefType>(operand.getType()) && !(kernel && kernel.getArgAttr(i, "llvm.readonly")) && BufferRoots::of(operand).mayAlias(roots))
        return true;
    return false;
  }

  bool writes(Operation *op, const BufferRoots &roots) {
    if (isPure(op) || isa<memref::LoadOp, memref::AllocOp>(op))
      return false;
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
      return writes(launch, roots);
    if (auto copy = dyn_cast<memref::CopyOp>(op))
      return BufferRoots::of(copy.getTarget()).mayAlias(roots);
    return true; // calls and tapes may write where no operand shows it
  }

  /// Whether the launch finds in memory what the load before it found.
  bool canLoadIn(memref::LoadOp load, gpu::LaunchFuncOp launch) {
    if (load->getBlock() != launch->getBlock() || uses.lookup(kernelOf(launch)) != 1)
      return false;
    BufferRoots roots = BufferRoots::of(load.getMemref());
    for (Operation *op = load; op != launch; op = op->getNextNode())
      if (writes(op, roots))
        return false;
    return !writes(launch, roots);
  }

  /// Whether all that comes of the load goes to launches that can load it themselves.
  bool canMoveLoad(memref::LoadOp load) {
    auto [it, isNew] = known.try_emplace(load, false);
    if (!isNew)
      return it->second;
    SmallVector<OpOperand *> work;
    auto follow = [&](Operation *op) {
      for (OpOperand &use : op->getUses())
        work.push_back(&use);
    };
    follow(load);
    llvm::SmallPtrSet<Operation *, 16> seen;
    bool all = true;
    while (all && !work.empty()) {
      OpOperand *use = work.pop_back_val();
      Operation *user = use->getOwner();
      if (auto launch = dyn_cast<gpu::LaunchFuncOp>(user)) {
        // A size of the grid is the host's business.
        bool isArgument = llvm::any_of(launch.getKernelOperandsMutable(), [&](OpOperand &operand) { return &operand == use; });
        all = isArgument && canLoadIn(load, launch);
      } else if (seen.insert(user).second) {
        all = canMove(user);
        follow(user);
      }
    }
    return known[load] = all;
  }

  /// Collects what computes `value` from a load, in order; false if the kernel cannot. `depends` says whether there is a load.
  bool collect(Value value, gpu::LaunchFuncOp launch, llvm::SmallSetVector<Operation *, 16> &slice, bool &depends) {
    depends = false;
    Operation *def = value.getDefiningOp();
    if (!def || !canMove(def) || def->hasTrait<OpTrait::ConstantLike>())
      return true;
    auto load = dyn_cast<memref::LoadOp>(def);
    llvm::SmallSetVector<Operation *, 16> before;
    bool possible = true;
    for (Value operand : def->getOperands()) {
      bool inner;
      possible &= collect(operand, launch, before, inner);
      depends |= inner;
    }
    depends |= bool(load);
    if (!depends)
      return true;
    if (!possible || (load && (!canMoveLoad(load) || !canLoadIn(load, launch))))
      return false;
    slice.insert(before.begin(), before.end());
    slice.insert(def);
    return slice.size() <= kMaxSlice;
  }

  void lower(gpu::LaunchFuncOp launch) {
    for (unsigned i = 0; i < launch.getNumKernelOperands();) {
      llvm::SmallSetVector<Operation *, 16> slice;
      bool depends;
      bool isMap = kernelOf(launch).getArgAttr(i, kTensorMap) != nullptr; // made by the host
      if (!isMap && collect(launch.getKernelOperand(i), launch, slice, depends) && depends)
        move(launch, i, slice.getArrayRef());
      else
        ++i;
    }
  }

  /// Replaces argument `i` of the kernel by what the slice makes of other arguments.
  void move(gpu::LaunchFuncOp launch, unsigned i, ArrayRef<Operation *> slice) {
    gpu::GPUFuncOp kernel = kernelOf(launch);
    SmallVector<Value> operands(launch.getKernelOperands());
    Value value = operands[i];
    DictionaryAttr old = kernel.getArgAttrDict(i);
    OpBuilder builder = OpBuilder::atBlockBegin(&kernel.getBody().front());
    IRMapping map;
    auto inside = [&](Value outside, bool isLoaded) -> Value {
      if (Operation *def = outside.getDefiningOp(); def && def->hasTrait<OpTrait::ConstantLike>())
        return builder.clone(*def)->getResult(0);
      bool isBuffer = isa<MemRefType>(outside.getType());
      for (auto [number, operand] : llvm::enumerate(operands))
        if (operand == outside && (!isBuffer || (isLoaded && kernel.getArgAttr(number, "llvm.readonly") && !kernel.getArgAttr(number, kTensorMap))))
          return Value(kernel.getArgument(number));
      unsigned number = operands.size();
      NamedAttrList attributes;
      if (isBuffer && isLoaded) {
        attributes.set("llvm.readonly", builder.getUnitAttr());
        attributes.set("llvm.noalias", builder.getUnitAttr()); // nothing that the kernel writes overlaps it
      } else if (isBuffer && old) {
        attributes = NamedAttrList(old); // of the part that it stands for
      }
      (void)kernel.insertArgument(number, outside.getType(), attributes.getDictionary(builder.getContext()), outside.getLoc());
      operands.push_back(outside);
      return Value(kernel.getArgument(number));
    };
    for (Operation *op : slice) {
      auto load = dyn_cast<memref::LoadOp>(op);
      for (Value operand : op->getOperands())
        if (!map.contains(operand))
          map.map(operand, inside(operand, load && operand == load.getMemref()));
      builder.clone(*op, map);
      if (load)
        moved.insert(op);
    }
    kernel.getArgument(i).replaceAllUsesWith(map.lookup(value));
    (void)kernel.eraseArgument(i);
    operands.erase(operands.begin() + i);
    launch.getKernelOperandsMutable().assign(operands);
  }

  /// Erases what only computed with the loads, and the loads.
  void eraseDead() {
    for (unsigned i = 0; i < moved.size(); ++i)
      for (Operation *user : moved[i]->getUsers())
        if (canMove(user))
          moved.insert(user);
    for (bool changed = true; changed;) {
      changed = false;
      for (Operation *op : llvm::to_vector(moved))
        if (op->use_empty()) {
          moved.remove(op);
          op->erase();
          changed = true;
        }
    }
  }
};
} // namespace

void cell::readOnDevice(ModuleOp module) { DeviceReads(module).run(); }
