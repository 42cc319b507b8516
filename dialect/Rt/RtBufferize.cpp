//===- RtBufferize.cpp - bufferisation of the cellrt dialect --------------===//
#include "dialect/Rt/RtOps.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace {
/// Elements lie without gaps, wherever they start. Compiled code has pointers to the first element, so an offset is no obstacle.
bool isContiguous(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (type.getLayout().isIdentity())
    return true;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return false;
  int64_t expected = 1;
  for (auto [size, stride] : llvm::reverse(llvm::zip_equal(type.getShape(), strides))) {
    if (size != 1 && stride != expected)
      return false;
    expected *= size;
  }
  return true;
}

/// The buffer of `value`, or a copy of it where that has gaps.
FailureOr<Value> getContiguousBuffer(RewriterBase &rewriter, Location loc, Value value, const BufferizationOptions &options, BufferizationState &state) {
  FailureOr<Value> buffer = getBuffer(rewriter, value, options, state);
  if (failed(buffer) || isContiguous(cast<MemRefType>(buffer->getType())))
    return buffer;
  auto type = cast<MemRefType>(buffer->getType());
  FailureOr<Value> copy = options.createAlloc(rewriter, loc, MemRefType::get(type.getShape(), type.getElementType()), {});
  if (failed(copy) || failed(options.createMemCpy(rewriter, loc, *buffer, *copy)))
    return failure();
  return copy;
}

struct CallModel : DstBufferizableOpInterfaceExternalModel<CallModel, cellrt::CallOp> {
  // By number: the interface's own answers make an attribute each time, and the analysis asks often.
  static bool isOut(Operation *op, OpOperand &operand) { return operand.getOperandNumber() >= cast<cellrt::CallOp>(op).getIns().size(); }
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !isOut(op, operand) || cast<cellrt::CallOp>(op).accumulates();
  }
  bool bufferizesToMemoryWrite(Operation *op, OpOperand &operand, const AnalysisState &) const { return isOut(op, operand); }
  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand, const AnalysisState &) const {
    if (!isOut(op, operand))
      return {};
    return {{op->getResult(operand.getOperandNumber() - cast<cellrt::CallOp>(op).getIns().size()), BufferRelation::Equivalent}};
  }
  AliasingOpOperandList getAliasingOpOperands(Operation *op, Value value, const AnalysisState &) const {
    return {{&op->getOpOperand(cast<cellrt::CallOp>(op).getIns().size() + cast<OpResult>(value).getResultNumber()), BufferRelation::Equivalent}};
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto call = cast<cellrt::CallOp>(op);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> buffers;
    SmallVector<std::pair<Value, Value>> copyBack;
    for (Value operand : call->getOperands()) {
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      // Routines take contiguous memory: other layouts go through a copy.
      auto type = cast<MemRefType>(buffer->getType());
      if (!isContiguous(type)) {
        auto plain = MemRefType::get(type.getShape(), type.getElementType());
        FailureOr<Value> copy = options.createAlloc(rewriter, op->getLoc(), plain, {});
        if (failed(copy) || failed(options.createMemCpy(rewriter, op->getLoc(), *buffer, *copy)))
          return failure();
        if (buffers.size() >= call.getIns().size())
          copyBack.push_back({*copy, *buffer});
        buffer = copy;
      }
      buffers.push_back(*buffer);
    }
    ArrayRef<Value> all(buffers);
    size_t ins = call.getIns().size();
    auto lowered = cellrt::CallOp::create(rewriter, op->getLoc(), TypeRange{}, call.getRoutine(), call.getParams(),
                                          all.take_front(ins), all.drop_front(ins));
    lowered->setDiscardableAttrs(call->getDiscardableAttrDictionary());
    SmallVector<Value> results(all.drop_front(ins));
    for (auto [copy, target] : copyBack) {
      if (failed(options.createMemCpy(rewriter, op->getLoc(), copy, target)))
        return failure();
      llvm::replace(results, copy, target);
    }
    replaceOpWithBufferizedValues(rewriter, op, results);
    return success();
  }
};

/// An op that only reads its tensors.
template <typename Self, typename Op>
struct ReaderModel : BufferizableOpInterface::ExternalModel<Self, Op> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return true; }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  AliasingValueList getAliasingValues(Operation *, OpOperand &, const AnalysisState &) const { return {}; }
};

struct PushModel : ReaderModel<PushModel, cellrt::TapePushOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options, BufferizationState &state) const {
    auto push = cast<cellrt::TapePushOp>(op);
    auto type = cast<RankedTensorType>(push.getValue().getType());
    FailureOr<Value> buffer = getBuffer(rewriter, push.getValue(), options, state);
    if (failed(buffer))
      return failure();
    Value item = cellrt::TapeReserveOp::create(rewriter, op->getLoc(), MemRefType::get(type.getShape(), type.getElementType()), push.getTape());
    if (failed(options.createMemCpy(rewriter, op->getLoc(), *buffer, item)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

struct PopModel : BufferizableOpInterface::ExternalModel<PopModel, cellrt::TapePopOp> {
  bool bufferizesToAllocation(Operation *, Value) const { return true; }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &, BufferizationState &) const {
    auto pop = cast<cellrt::TapePopOp>(op);
    auto type = cast<RankedTensorType>(pop.getItem().getType());
    replaceOpWithNewBufferizedOp<cellrt::TapePopOp>(rewriter, op, MemRefType::get(type.getShape(), type.getElementType()), pop.getTape());
    return success();
  }
};

struct PrintModel : ReaderModel<PrintModel, cellrt::PrintOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options, BufferizationState &state) const {
    auto print = cast<cellrt::PrintOp>(op);
    SmallVector<Value> buffers;
    for (Value value : print.getValues()) {
      FailureOr<Value> buffer = getContiguousBuffer(rewriter, op->getLoc(), value, options, state);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
    }
    cellrt::PrintOp::create(rewriter, op->getLoc(), print.getFormat(), buffers, print.getDtypes());
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void cellrt::registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(
      +[](MLIRContext *context, CellRtDialect *) {
        CallOp::attachInterface<CallModel>(*context);
        TapePushOp::attachInterface<PushModel>(*context);
        TapePopOp::attachInterface<PopModel>(*context);
        PrintOp::attachInterface<PrintModel>(*context);
      });
}
