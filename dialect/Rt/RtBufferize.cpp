//===- RtBufferize.cpp - bufferisation of cellrt.call ---------------------===//
#include "dialect/Rt/RtOps.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace {
struct CallModel : DstBufferizableOpInterfaceExternalModel<CallModel, cellrt::CallOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    auto call = cast<cellrt::CallOp>(op);
    return !call.isDpsInit(&operand) || call.accumulates();
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
      if (!type.getLayout().isIdentity()) {
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
} // namespace

void cellrt::registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(
      +[](MLIRContext *context, CellRtDialect *) { CallOp::attachInterface<CallModel>(*context); });
}
