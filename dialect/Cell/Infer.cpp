//===- Infer.cpp - shared type inference and its diagnostics --------------===//
#include "dialect/Cell/Infer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::cell;

InFlightDiagnostic mlir::cell::inferError(std::optional<Location> location, StringRef op) {
  if (!location)
    return InFlightDiagnostic();
  return emitError(*location) << "'" << op << "' ";
}

RankedTensorType mlir::cell::inferOperand(std::optional<Location> location, StringRef op, ValueRange operands, unsigned i) {
  if (i >= operands.size()) {
    inferError(location, op) << "needs operand " << i << ", but got " << operands.size() << " operands";
    return nullptr;
  }
  auto type = dyn_cast<RankedTensorType>(operands[i].getType());
  if (!type)
    inferError(location, op) << "takes ranked tensors, but operand " << i << " is " << operands[i].getType();
  return type;
}

bool mlir::cell::compatibleShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return a.size() == b.size() && llvm::all_of(llvm::zip(a, b), [](auto pair) {
           auto [x, y] = pair;
           return x == y || ShapedType::isDynamic(x) || ShapedType::isDynamic(y);
         });
}

SmallVector<int64_t> mlir::cell::mergeShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return llvm::map_to_vector(llvm::zip(a, b), [](auto pair) {
    auto [x, y] = pair;
    return ShapedType::isDynamic(x) ? y : x;
  });
}

/// The common shape of all operands from `first` on, and their common element type; diagnostics name both sides.
static RankedTensorType inferCommon(StringRef op, std::optional<Location> location, ValueRange operands, unsigned first) {
  auto common = inferOperand(location, op, operands, first);
  for (unsigned i = first + 1; common && i < operands.size(); ++i) {
    auto type = inferOperand(location, op, operands, i);
    if (!type)
      return nullptr;
    if (type.getElementType() != common.getElementType()) {
      auto diagnostic = inferError(location, op) << "takes operands of one dtype, but operand " << first << " is " << common << " and operand "
                                                 << i << " is " << type;
      diagnostic.attachNote() << "convert one of them with cell.cast";
      return nullptr;
    }
    if (!compatibleShapes(common.getShape(), type.getShape())) {
      auto diagnostic = inferError(location, op) << "takes operands of one shape, but operand " << first << " is " << common << " and operand "
                                                 << i << " is " << type;
      diagnostic.attachNote() << "bring them to one shape with cell.broadcast";
      return nullptr;
    }
    common = RankedTensorType::get(mergeShapes(common.getShape(), type.getShape()), common.getElementType());
  }
  return common;
}

LogicalResult mlir::cell::inferSameType(StringRef op, std::optional<Location> location, ValueRange operands, SmallVectorImpl<Type> &inferred) {
  auto common = inferCommon(op, location, operands, 0);
  if (!common)
    return failure();
  inferred.push_back(common);
  return success();
}

LogicalResult mlir::cell::inferCompare(StringRef op, std::optional<Location> location, ValueRange operands, SmallVectorImpl<Type> &inferred) {
  auto common = inferCommon(op, location, operands, 0);
  if (!common)
    return failure();
  inferred.push_back(common.clone(IntegerType::get(common.getContext(), 1)));
  return success();
}

LogicalResult mlir::cell::inferSelect(StringRef op, std::optional<Location> location, ValueRange operands, SmallVectorImpl<Type> &inferred) {
  auto condition = inferOperand(location, op, operands, 0);
  auto common = condition ? inferCommon(op, location, operands, 1) : nullptr;
  if (!common)
    return failure();
  if (!compatibleShapes(condition.getShape(), common.getShape())) {
    auto diagnostic = inferError(location, op) << "takes operands of one shape, but the condition is " << condition << " and the values are " << common;
    diagnostic.attachNote() << "bring them to one shape with cell.broadcast";
    return failure();
  }
  inferred.push_back(common.clone(mergeShapes(common.getShape(), condition.getShape())));
  return success();
}

LogicalResult mlir::cell::checkAxes(StringRef op, std::optional<Location> location, ArrayRef<int64_t> axes, int64_t rank) {
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (axis < 0 || axis >= rank)
      return inferError(location, op) << "axis " << axis << " is outside of a tensor of rank " << rank;
    if (i && axes[i - 1] >= axis)
      return inferError(location, op) << "axes must be distinct and in ascending order, but " << axis << " follows " << axes[i - 1];
  }
  return success();
}

LogicalResult mlir::cell::checkAxis(StringRef op, std::optional<Location> location, int64_t axis, int64_t rank) {
  return checkAxes(op, location, axis, rank);
}

LogicalResult mlir::cell::checkDtype(StringRef op, std::optional<Location> location, Type dtype) {
  if (dtype && (dtype.isF16() || dtype.isBF16() || dtype.isF32() || dtype.isF64() || dtype.isSignlessInteger(1) || dtype.isSignlessInteger(8) ||
                dtype.isSignlessInteger(16) || dtype.isSignlessInteger(32) || dtype.isSignlessInteger(64) || dtype.isUnsignedInteger(8)))
    return success();
  return inferError(location, op) << "cannot give elements of type " << dtype << "; element types are f16 bf16 f32 f64 i8 i16 i32 i64 ui8 i1";
}

LogicalResult mlir::cell::inferShape(StringRef op, std::optional<Location> location, ArrayRef<int64_t> shape, Type element,
                                     SmallVectorImpl<Type> &inferred) {
  int64_t count = 1;
  bool overflow = false, negative = false;
  for (int64_t size : shape) {
    negative |= size < 0 && !ShapedType::isDynamic(size);
    if (size > 0)
      overflow |= llvm::MulOverflow(count, size, count);
  }
  if (negative || overflow) {
    auto diagnostic = inferError(location, op) << "cannot make a tensor of shape [";
    llvm::interleaveComma(shape, diagnostic);
    return diagnostic << "]: " << (negative ? "a size is negative" : "it has too many elements");
  }
  inferred.push_back(RankedTensorType::get(shape, element));
  return success();
}

void mlir::cell::printTypeList(OpAsmPrinter &printer, ArrayRef<Type> types) {
  if (llvm::all_equal(types)) {
    printer << types.front();
    return;
  }
  printer << '(';
  llvm::interleaveComma(types.drop_back(), printer);
  printer << ") -> " << types.back();
}

ParseResult mlir::cell::parseTypeList(OpAsmParser &parser, ArrayRef<Type *> types) {
  SMLoc loc = parser.getCurrentLocation();
  Type type;
  if (parser.parseType(type))
    return failure();
  if (auto function = dyn_cast<FunctionType>(type)) {
    if (function.getNumInputs() != types.size() - 1 || function.getNumResults() != 1)
      return parser.emitError(loc) << "expected " << types.size() - 1 << " operand types and one result type";
    for (auto [slot, operand] : llvm::zip(types.drop_back(), function.getInputs()))
      *slot = operand;
    *types.back() = function.getResult(0);
    return success();
  }
  for (Type *slot : types)
    *slot = type;
  return success();
}
