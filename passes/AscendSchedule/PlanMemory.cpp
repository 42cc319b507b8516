//===- PlanMemory.cpp - which buffers turn with the steps, and where all lie --===//
#include "passes/AscendSchedule/Passes.h"
#include "passes/AscendSchedule/Placement.h"
#include "passes/UserPlace.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::cell {
#define GEN_PASS_DEF_ASCENDMULTIBUFFER
#define GEN_PASS_DEF_ASCENDPLANMEMORY
#include "passes/AscendSchedule/AscendSchedulePasses.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::ascend;

static SmallVector<Space> spacesOf(ArrayRef<LocalBuffer> buffers) {
  SmallVector<Space> spaces;
  for (const LocalBuffer &buffer : buffers)
    if (!llvm::is_contained(spaces, buffer.space))
      spaces.push_back(buffer.space);
  return spaces;
}

namespace {
/// A kernel and its buffers.
struct BufferedKernel {
  std::unique_ptr<KernelModel> model;
  SmallVector<LocalBuffer> buffers;
};
} // namespace

static LogicalResult forEachKernel(ModuleOp module, llvm::function_ref<LogicalResult(BufferedKernel &)> body) {
  for (func::FuncOp kernel : getScheduledKernels(module)) {
    FailureOr<std::unique_ptr<KernelModel>> model = KernelModel::read(kernel);
    if (failed(model))
      return failure();
    FailureOr<SmallVector<LocalBuffer>> buffers = getLocalBuffers(**model);
    if (failed(buffers))
      return failure();
    BufferedKernel read{std::move(*model), std::move(*buffers)};
    if (failed(body(read)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// ascend-multi-buffer
//===----------------------------------------------------------------------===//

namespace {
struct AscendMultiBuffer : cell::impl::AscendMultiBufferBase<AscendMultiBuffer> {
  /// Two places let one pipe fill a tile while another one still works on the last.
  static bool pays(const LocalBuffer &buffer) {
    if (!buffer.loop || llvm::popcount(buffer.pipes) < 2)
      return false;
    scf::ForOp loop = buffer.loop;
    std::optional<llvm::APInt> trips = loop.getStaticTripCount();
    return !trips || trips->ugt(1);
  }

  static LogicalResult mark(BufferedKernel &kernel) {
    SmallVector<LocalBuffer> &buffers = kernel.buffers;
    const Target &target = kernel.model->target;
    // Tiles that come from afar gain most: their transfer is what there is to hide.
    constexpr unsigned kIncoming = 1u << unsigned(Pipe::MTE2) | 1u << unsigned(Pipe::MTE1);
    SmallVector<std::pair<LocalBuffer *, unsigned>> wanted;
    for (LocalBuffer &buffer : buffers) {
      bool given = buffer.maker->hasAttr(kMultiBufferAttr);
      if (given ? buffer.copies > 1 : pays(buffer))
        wanted.push_back({&buffer, given ? buffer.copies : 2});
      buffer.copies = 1;
    }
    llvm::stable_sort(wanted, [&](auto &a, auto &b) { return bool(a.first->pipes & kIncoming) > bool(b.first->pipes & kIncoming); });
    for (Space space : spacesOf(buffers)) {
      // If even single buffers have to share, pipes wait for each other anyway: then copies may share, too.
      Sharing most = placeBuffers(buffers, space, target).sharing;
      for (auto [buffer, copies] : wanted) {
        if (buffer->space != space)
          continue;
        buffer->copies = copies;
        if (placeBuffers(buffers, space, target, most).fits())
          continue;
        buffer->copies = 1;
        if (buffer->maker->hasAttr(kMultiBufferAttr))
          buffer->maker->emitRemark("kept single: ") << copies << " copies of this buffer do not fit into " << upper(space);
      }
    }
    for (auto [buffer, copies] : wanted)
      if (buffer->copies > 1)
        buffer->maker->setAttr(kMultiBufferAttr, OpBuilder(buffer->maker).getI64IntegerAttr(copies));
      else
        buffer->maker->removeAttr(kMultiBufferAttr);
    return success();
  }

  void runOnOperation() override {
    if (failed(forEachKernel(getOperation(), mark)))
      signalPassFailure();
  }
};

//===----------------------------------------------------------------------===//
// ascend-plan-memory
//===----------------------------------------------------------------------===//

struct AscendPlanMemory : cell::impl::AscendPlanMemoryBase<AscendPlanMemory> {
  /// The number of the loop's step, counted from 0.
  static Value stepNumber(scf::ForOp loop) {
    if (isConstantIntValue(loop.getLowerBound(), 0) && isConstantIntValue(loop.getStep(), 1))
      return loop.getInductionVar();
    OpBuilder builder = OpBuilder::atBlockBegin(loop.getBody());
    Value steps = loop.getInductionVar();
    if (!isConstantIntValue(loop.getLowerBound(), 0))
      steps = arith::SubIOp::create(builder, loop.getLoc(), steps, loop.getLowerBound());
    return isConstantIntValue(loop.getStep(), 1) ? steps : arith::DivUIOp::create(builder, loop.getLoc(), steps, loop.getStep()).getResult();
  }

  static LogicalResult refuse(func::FuncOp kernel, SmallVector<LocalBuffer> &buffers, const SpacePlan &plan, const Target &target) {
    InFlightDiagnostic error = kernel.emitError("the kernel '") << kernel.getName() << "' needs " << plan.peak << " bytes of " << upper(plan.space) << ", "
                               << target.chip << " has " << plan.capacity << "; use smaller tiles, or fewer buffers that are alive together";
    SmallVector<LocalBuffer *> largest;
    for (LocalBuffer &buffer : buffers)
      if (buffer.space == plan.space)
        largest.push_back(&buffer);
    llvm::stable_sort(largest, [](auto *a, auto *b) { return a->bytes * a->copies > b->bytes * b->copies; });
    for (LocalBuffer *buffer : ArrayRef(largest).take_front(4)) {
      Diagnostic &note = error.attachNote(buffer->maker->getLoc());
      note << buffer->bytes * buffer->copies << " bytes: ";
      if (buffer->copies > 1)
        note << buffer->copies << " copies of ";
      if (auto alloc = dyn_cast<memref::AllocOp>(buffer->maker))
        note << alloc.getType();
      else
        note << "scratch memory of '" << buffer->maker->getName() << "'";
    }
    return failure();
  }

  static LogicalResult plan(BufferedKernel &kernel) {
    SmallVector<LocalBuffer> &buffers = kernel.buffers;
    const Target &target = kernel.model->target;
    for (Space space : spacesOf(buffers))
      if (SpacePlan plan = placeBuffers(buffers, space, target); !plan.fits())
        return refuse(kernel.model->kernel, buffers, plan, target);
    llvm::DenseMap<Operation *, Value> steps;
    for (LocalBuffer &buffer : buffers) {
      auto alloc = dyn_cast<memref::AllocOp>(buffer.maker);
      OpBuilder builder(buffer.maker);
      if (!alloc) {
        buffer.maker->setAttr(kScratchAttr, builder.getI64IntegerAttr(buffer.offsets.front()));
        continue;
      }
      Value slot;
      if (buffer.copies > 1) {
        Value &step = steps[buffer.loop];
        slot = step = step ? step : stepNumber(buffer.loop);
      }
      Value address = AddressOp::create(builder, alloc.getLoc(), alloc.getType(), buffer.offsets, slot);
      alloc.replaceAllUsesWith(address);
      alloc.erase();
    }
    return success();
  }

  void runOnOperation() override {
    if (failed(forEachKernel(getOperation(), plan)))
      signalPassFailure();
  }
};
} // namespace
