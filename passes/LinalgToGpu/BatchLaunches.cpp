//===- BatchLaunches.cpp - launches that can run side by side are one -----===//
// A training step has many kernels that are too small for a device: the update of each bias, the running mean of each normalisation. Those that nothing between
// them depends on become one kernel, in which each has blocks of its own.
#include "passes/LinalgToGpu/Passes.h"
#include "passes/LinalgToGpu/Touches.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <vector>

namespace mlir::cell {
#define GEN_PASS_DEF_BATCHLAUNCHES
#include "passes/LinalgToGpu/GpuMappingPasses.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Parameters of a kernel have 4 KiB on every device.
constexpr size_t kMaxArguments = 480;
/// Operations of one kernel, and of all that become one.
constexpr int64_t kMaxOperations = 400, kMaxTogether = 6000;
constexpr size_t kMaxNames = 3;
/// A buffer of at most so many bytes may live longer than it had to.
constexpr int64_t kSmallBuffer = 1 << 16;

/// A launch whose kernel can become a part of another one.
struct Part {
  gpu::LaunchFuncOp launch;
  gpu::GPUFuncOp kernel;
  int64_t position, deadline; // it may run before the op of this position at the latest
  int64_t blocks, threads, operations;
  bool keepsLarge; // it reads a large buffer, which lives until then
};

/// Parts that run together in the place of the last one.
struct Group {
  SmallVector<Part> parts;
  int64_t deadline = INT64_MAX, operations = 0;
  llvm::SmallDenseSet<Value> arguments;

  bool takes(Part &part) const {
    if (parts.empty())
      return true;
    size_t more = llvm::count_if(part.launch.getKernelOperands(), [&](Value operand) { return !arguments.contains(operand); });
    return part.position < deadline && operations + part.operations <= kMaxTogether && arguments.size() + more <= kMaxArguments;
  }
  void add(Part &part) {
    parts.push_back(part);
    deadline = std::min(deadline, part.deadline);
    operations += part.operations;
    arguments.insert(part.launch.getKernelOperands().begin(), part.launch.getKernelOperands().end());
  }
};

/// The ops of a block that meet a buffer, in order.
struct Events {
  SmallVector<std::pair<int64_t, bool>> list; // position, and whether it writes

  int64_t firstConflict(int64_t behind, bool writes) const {
    for (auto it = llvm::upper_bound(list, behind, [](int64_t position, auto &event) { return position < event.first; }); it != list.end(); ++it)
      if (writes || it->second)
        return it->first;
    return INT64_MAX;
  }
};

class LaunchBatcher {
public:
  explicit LaunchBatcher(ModuleOp module) : module(module) {}

  void run() {
    SmallVector<Block *> blocks;
    for (auto func : module.getOps<func::FuncOp>())
      func.walk([&](Block *block) { blocks.push_back(block); });
    for (Block *block : blocks)
      for (Operation &op : *block)
        if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
          ++uses[launch.getKernel()];
    for (Block *block : blocks)
      runOn(*block);
  }

private:
  ModuleOp module;
  llvm::DenseMap<Attribute, unsigned> uses;
  llvm::DenseMap<Operation *, bool> quiet; // functions

  /// The call that says which way of a product is next: no program sees it.
  static bool isChoice(CallOpInterface call) {
    auto callee = dyn_cast<SymbolRefAttr>(call.getCallableForCallee());
    return callee && callee.getRootReference() == "cg_gpu_product_next";
  }

  /// True if the op does nothing but what its buffers show: nobody can tell whether a launch was before or behind it. A failing assertion would.
  bool isQuiet(Operation *op) {
    return !op->walk([&](Operation *inner) {
                if (isa<gpu::LaunchFuncOp, linalg::LinalgOp, memref::CopyOp, memref::LoadOp, memref::StoreOp, memref::AllocOp, cellrt::CallOp, scf::ForOp, scf::IfOp, scf::WhileOp,
                        scf::IndexSwitchOp>(inner) ||
                    inner->hasTrait<OpTrait::IsTerminator>() || isPure(inner))
                  return WalkResult::advance();
                if (auto call = dyn_cast<CallOpInterface>(inner); call && isChoice(call))
                  return WalkResult::advance();
                if (auto call = dyn_cast<func::CallOp>(inner)) {
                  auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
                  if (!callee || callee.isDeclaration())
                    return WalkResult::interrupt();
                  auto [it, isNew] = quiet.try_emplace(callee, false);
                  if (isNew) {
                    bool all = llvm::all_of(callee.getBody().front(), [&](Operation &own) { return isQuiet(&own); });
                    return (quiet[callee] = all) ? WalkResult::advance() : WalkResult::interrupt();
                  }
                  return it->second ? WalkResult::advance() : WalkResult::interrupt();
                }
                return WalkResult::interrupt();
              }).wasInterrupted();
  }

  /// What the launch is as a part, without its deadline; nothing if its kernel cannot be one.
  std::optional<Part> partOf(gpu::LaunchFuncOp launch, int64_t position) {
    auto kernel = SymbolTable::lookupNearestSymbolFrom<gpu::GPUFuncOp>(module, launch.getKernel());
    if (!kernel || uses.lookup(launch.getKernel()) != 1 || !kernel.getBody().hasOneBlock() || kernel.getNumWorkgroupAttributions() || launch.getDynamicSharedMemorySize() ||
        launch->getNumResults())
      return std::nullopt;
    int64_t sizes[6];
    Value given[] = {launch.getGridSizeX(), launch.getGridSizeY(), launch.getGridSizeZ(), launch.getBlockSizeX(), launch.getBlockSizeY(), launch.getBlockSizeZ()};
    for (auto [value, size] : llvm::zip_equal(given, sizes)) {
      APInt constant;
      if (!matchPattern(value, m_ConstantInt(&constant)))
        return std::nullopt;
      size = constant.getSExtValue();
    }
    if (sizes[1] != 1 || sizes[2] != 1 || sizes[4] != 1 || sizes[5] != 1 || !llvm::isPowerOf2_64(sizes[3]))
      return std::nullopt;
    Part part{launch, kernel, position, INT64_MAX, sizes[0], sizes[3], 0, false};
    bool fits = true;
    kernel.walk([&](Operation *op) {
      ++part.operations;
      fits &= !isa<nvgpu::NVGPUDialect>(op->getDialect()) && (!isa<gpu::GPUDialect>(op->getDialect()) || op == kernel || isa<gpu::ThreadIdOp, gpu::BlockIdOp, gpu::ReturnOp>(op));
    });
    if (!fits || part.operations > kMaxOperations)
      return std::nullopt;
    for (Value operand : launch.getKernelOperands())
      if (auto type = dyn_cast<MemRefType>(operand.getType()))
        for (Value root : BufferRoots::of(operand).roots)
          if (auto alloc = root.getDefiningOp<memref::AllocOp>())
            part.keepsLarge |= alloc.getType().getNumElements() * alloc.getType().getElementTypeBitWidth() > 8 * kSmallBuffer;
    return part;
  }

  void runOn(Block &block) {
    llvm::DenseMap<Value, Events> events;
    Events unknown, loud;
    std::vector<std::pair<Part, SmallVector<Touch>>> parts;
    SmallVector<int64_t> working; // positions of ops that do anything
    int64_t position = 0;
    for (Operation &op : block) {
      ++position;
      if (isa<memref::AllocOp>(op) || isPure(&op))
        continue;
      working.push_back(position);
      if (!isQuiet(&op))
        loud.list.push_back({position, true});
      SmallVector<Touch> touches = touchesOf(&op);
      bool known = true;
      for (const Touch &touch : touches) {
        if (touch.roots.unknown)
          unknown.list.push_back({position, touch.writes});
        for (Value root : touch.roots.roots)
          events[root].list.push_back({position, touch.writes});
        known &= !touch.roots.unknown;
      }
      if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op); launch && known)
        if (std::optional<Part> part = partOf(launch, position))
          parts.push_back({*part, std::move(touches)});
    }
    Group groups[2]; // of those that keep large buffers, they stay where nothing else comes between; and of the others
    for (auto &[part, touches] : parts) {
      part.deadline = loud.firstConflict(part.position, true);
      for (const Touch &touch : touches) {
        part.deadline = std::min(part.deadline, unknown.firstConflict(part.position, touch.writes));
        for (Value root : touch.roots.roots)
          part.deadline = std::min(part.deadline, events[root].firstConflict(part.position, touch.writes));
      }
      Group &group = groups[part.keepsLarge];
      bool takes = group.takes(part);
      if (takes && part.keepsLarge && !group.parts.empty()) {
        int64_t last = group.parts.back().position;
        takes = llvm::none_of(ArrayRef(working), [&](int64_t other) {
          return other > last && other < part.position && llvm::none_of(groups[0].parts, [&](const Part &small) { return small.position == other; });
        });
      }
      if (!takes)
        close(group);
      group.add(part);
    }
    for (Group &group : groups)
      close(group);
  }

  /// Makes one launch of a group and empties it.
  void close(Group &group) {
    if (group.parts.size() > 1)
      merge(group);
    group = Group();
  }

  /// What the first few kinds of parts are called.
  std::string nameOf(Group &group, gpu::GPUModuleOp kernels) {
    llvm::SmallSetVector<StringRef, 8> stems;
    for (Part &part : group.parts)
      stems.insert(part.kernel.getName().take_front(part.kernel.getName().rfind('_')));
    std::string stem = "batch_" + llvm::join(stems.getArrayRef().take_front(kMaxNames), "_and_") + (stems.size() > kMaxNames ? "_and_more_" : "_");
    unsigned number = 0;
    while (kernels.lookupSymbol(stem + std::to_string(number)))
      ++number;
    return stem + std::to_string(number);
  }

  void merge(Group &group) {
    Part &last = group.parts.back();
    MLIRContext *context = module.getContext();
    SmallVector<Location> places;
    llvm::MapVector<Value, NamedAttrList> arguments;
    int64_t threads = 1, blocks = 0;
    for (Part &part : group.parts)
      threads = std::max(threads, part.threads);
    SmallVector<int64_t> starts;
    for (Part &part : group.parts) {
      starts.push_back(blocks);
      blocks += llvm::divideCeil(part.blocks * part.threads, threads);
      places.push_back(part.kernel.getLoc());
      for (auto [i, operand] : llvm::enumerate(part.launch.getKernelOperands())) {
        NamedAttrList own(part.kernel.getArgAttrDict(i));
        auto [it, isNew] = arguments.insert({operand, own});
        if (!isNew) // what one writes no other one has
          for (NamedAttribute attribute : llvm::to_vector(it->second))
            if (!own.get(attribute.getName()))
              it->second.erase(attribute.getName());
      }
    }
    auto kernels = cast<gpu::GPUModuleOp>(last.kernel->getParentOp());
    ImplicitLocOpBuilder b(FusedLoc::get(context, places), context);
    SmallVector<Type> types;
    for (auto &[operand, attributes] : arguments)
      types.push_back(operand.getType());
    b.setInsertionPoint(last.kernel);
    std::string name = nameOf(group, kernels);
    auto kernel = gpu::GPUFuncOp::create(b, name, b.getFunctionType(types, {}));
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    kernel.setKnownBlockSize(SmallVector<int32_t>{static_cast<int32_t>(threads), 1, 1});
    kernel.setKnownGridSize(SmallVector<int32_t>{static_cast<int32_t>(blocks), 1, 1});
    IRMapping inside;
    for (auto [i, entry] : llvm::enumerate(arguments)) {
      inside.map(entry.first, kernel.getArgument(i));
      if (DictionaryAttr attributes = entry.second.getDictionary(context); !attributes.empty())
        kernel.setArgAttrs(i, attributes);
    }
    b.setInsertionPointToStart(&kernel.getBody().front());
    Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x), block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
    divide(b, group, starts, 0, group.parts.size(), thread, block, threads, inside);
    b.setInsertionPointToEnd(&kernel.getBody().front());
    gpu::ReturnOp::create(b);

    b.setInsertionPoint(last.launch);
    auto size = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, value); };
    gpu::KernelDim3 grid{size(blocks), size(1), size(1)}, shape{size(threads), size(1), size(1)};
    auto symbol = SymbolRefAttr::get(kernels.getNameAttr(), FlatSymbolRefAttr::get(kernel.getNameAttr()));
    gpu::LaunchFuncOp::create(b, symbol, grid, shape, /*dynamicSharedMemorySize=*/Value(), llvm::to_vector(llvm::make_first_range(arguments)));
    for (Part &part : group.parts) {
      part.launch.erase();
      part.kernel.erase();
    }
  }

  /// Sends each block to its part, halving what is left.
  void divide(ImplicitLocOpBuilder &b, Group &group, ArrayRef<int64_t> starts, size_t from, size_t to, Value thread, Value block, int64_t threads, const IRMapping &inside) {
    if (to - from == 1) {
      emit(b, group.parts[from], starts[from], thread, block, threads, inside);
      return;
    }
    size_t middle = (from + to) / 2;
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, block, arith::ConstantIndexOp::create(b, starts[middle]));
    auto branch = scf::IfOp::create(b, isFirst, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    divide(b, group, starts, from, middle, thread, block, threads, inside);
    b.setInsertionPointToStart(branch.elseBlock());
    divide(b, group, starts, middle, to, thread, block, threads, inside);
  }

  void emit(ImplicitLocOpBuilder &b, Part &part, int64_t start, Value thread, Value block, int64_t threads, const IRMapping &inside) {
    auto constant = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, value); };
    OpBuilder::InsertionGuard guard(b);
    Value own = start ? arith::SubIOp::create(b, block, constant(start)).getResult() : block;
    if (part.threads != threads) {
      // A block takes several of the part's, which were smaller.
      Value number = arith::AddIOp::create(b, arith::MulIOp::create(b, own, constant(threads)), thread);
      int64_t count = part.blocks * part.threads;
      if (count % threads) {
        auto exists = scf::IfOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number, constant(count)), /*withElseRegion=*/false);
        b.setInsertionPointToStart(exists.thenBlock());
      }
      own = arith::DivUIOp::create(b, number, constant(part.threads));
      thread = arith::RemUIOp::create(b, number, constant(part.threads));
    }
    IRMapping map;
    for (auto [argument, operand] : llvm::zip(part.kernel.getArguments(), part.launch.getKernelOperands()))
      map.map(argument, inside.lookup(operand));
    for (Operation &op : part.kernel.getBody().front().without_terminator()) {
      auto threadId = dyn_cast<gpu::ThreadIdOp>(op);
      auto blockId = dyn_cast<gpu::BlockIdOp>(op);
      if (threadId)
        map.map(threadId.getResult(), threadId.getDimension() == gpu::Dimension::x ? thread : constant(0));
      else if (blockId)
        map.map(blockId.getResult(), blockId.getDimension() == gpu::Dimension::x ? own : constant(0));
      else
        b.clone(op, map);
    }
  }
};

struct BatchLaunches : cell::impl::BatchLaunchesBase<BatchLaunches> {
  void runOnOperation() override { LaunchBatcher(getOperation()).run(); }
};
} // namespace

SmallVector<Touch> cell::touchesOf(Operation *op) {
  SmallVector<Touch> touches;
  if (isPure(op) || isa<memref::AllocOp>(op))
    return touches;
  op->walk([&](Operation *inner) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(inner);
    auto copy = dyn_cast<memref::CopyOp>(inner);
    auto launch = dyn_cast<gpu::LaunchFuncOp>(inner);
    auto kernel = launch ? SymbolTable::lookupNearestSymbolFrom<gpu::GPUFuncOp>(launch, launch.getKernel()) : nullptr;
    if (isPure(inner))
      return; // a view; what is done with it has it as an operand
    for (OpOperand &operand : inner->getOpOperands()) {
      if (!isa<BaseMemRefType>(operand.get().getType()))
        continue;
      bool writes = linalgOp ? linalgOp.isDpsInit(&operand) : copy ? operand.get() == copy.getTarget() : !isa<memref::LoadOp>(inner);
      if (kernel) // buffers are arguments, never sizes
        writes = !kernel.getArgAttr(operand.getOperandNumber() - launch.getKernelOperands().getBeginOperandIndex(), "llvm.readonly");
      touches.push_back({BufferRoots::of(operand.get()), writes});
    }
  });
  return touches;
}
