//===- HivmPrinter.h - the text of one kernel -------------------------------===//
#ifndef CELL_PASSES_ASCENDTOHIVM_HIVMPRINTER_H
#define CELL_PASSES_ASCENDTOHIVM_HIVMPRINTER_H

#include "dialect/Ascend/Library.h"
#include "passes/AscendToHivm/Hivm.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mlir::ascend {

/// Writes HIVM itself where ops of the ascend dialect stand, and lets MLIR print the arithmetic, control flow and views around them: both know these
/// dialects. Only the names of memory spaces differ.
class HivmPrinter {
public:
  HivmPrinter(FunctionOpInterface kernel, HivmForm form);

  /// Appends the function to `text`.
  LogicalResult print(std::string &text);

private:
  // HivmPrinter.cpp: functions, control flow, memory, flags
  LogicalResult printBlock(Block &block, bool isFunction = false);
  LogicalResult printOp(Operation *op);
  LogicalResult printFor(Operation *op);
  LogicalResult printIf(Operation *op);
  LogicalResult printAddress(AddressOp op);
  LogicalResult printAlloc(Operation *op, int64_t copies);
  LogicalResult printFlag(StringRef name, PipeAttr source, PipeAttr target, ArrayRef<int64_t> ids, Value slot);

  // HivmOps.cpp: what pipes run
  LogicalResult printPipeOp(Operation *op);
  LogicalResult printVector(Operation *op);
  LogicalResult printSelect(VSelOp op);
  /// A buffer or scalar in the text.
  struct Operand {
    std::string name;
    Type type;
  };
  Operand shown(Value value) { return {name(value), value.getType()}; }
  /// Memory of the output's shape for a value that is spread aside.
  FailureOr<Operand> memoryAside(VSelOp op);
  /// A reduction, or a repetition, of a buffer.
  LogicalResult printAlongAxes(Operation *op, const std::string &kind, Value source, const Operand &out, ArrayRef<int64_t> axes, const FoldedAxes &folded,
                               const std::string &temporary);
  LogicalResult printNd2Nz(Nd2NzOp op);
  LogicalResult printMmad(MmadL1Op op);
  LogicalResult printFixpipe(FixpipeOp op);
  /// `ins(..) outs(..)` of some operands.
  std::string operands(ValueRange ins, Value out);
  /// ` temp_buffer(..)` in planned form, for an op that needs scratch memory of element type `type`; `bytes`: not all that it needs.
  FailureOr<std::string> scratch(AscendPipeOpInterface op, Type type, std::optional<int64_t> bytes = std::nullopt);
  /// Where the scratch memory of an op starts.
  FailureOr<int64_t> scratchOffset(AscendPipeOpInterface op);
  /// The buffer that a view of a tile starts; the vendor's library takes whole tiles and true sizes.
  FailureOr<Value> tile(Operation *op, Value value);
  /// Sizes of the matrix in a tile of L1: those of the transfer that filled it.
  std::pair<std::string, std::string> matrixSizes(Operation *op, Value value, bool transpose);

  // Lines and names
  void line(const Twine &text);
  std::string name(Value value);
  std::string resultNames(Operation *op);
  std::string type(Type type);
  std::string types(TypeRange types);
  /// A new value, `%hivm_n = text`.
  std::string define(const Twine &text);
  std::string constant(int64_t value, StringRef type);
  /// A buffer of this type at a byte of its memory.
  std::string castPointer(int64_t offset, const std::string &type);
  /// The entry of `values` number `slot mod count`, all of them of type `type`.
  std::string choose(ArrayRef<std::string> values, Value slot, StringRef type);

  FunctionOpInterface kernel;
  HivmForm form;
  Target target;
  AsmState state;
  std::string *text = nullptr;
  unsigned depth = 1, fresh = 0;
  int64_t plannedUb = 0; // bytes of UB with an address
};

/// Memory spaces in `text` by the vendor's names.
std::string withVendorSpaces(std::string text);

} // namespace mlir::ascend

#endif // CELL_PASSES_ASCENDTOHIVM_HIVMPRINTER_H
