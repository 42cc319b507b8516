//===- CubeOps.cpp - verification of transfers and of the cube -------------===//
#include "dialect/Ascend/Check.h"

using namespace mlir;
using namespace mlir::ascend;

namespace {
constexpr unsigned kCube = kF16 | kBF16 | kF32 | kI8;

/// ceil(size / unit), or dynamic.
int64_t blocks(int64_t size, int64_t unit) { return ShapedType::isDynamic(size) ? size : llvm::divideCeil(size, unit); }

/// A transfer between global memory and UB: rows of UB are aligned, so a column without gaps there has none in global memory, either.
bool rowsFit(const Check &check, Value gm, Value ub) {
  MemRefType outer = bufferType(gm), inner = bufferType(ub);
  SmallVector<int64_t> outerStrides, innerStrides;
  int64_t offset;
  (void)outer.getStridesAndOffset(outerStrides, offset);
  (void)inner.getStridesAndOffset(innerStrides, offset);
  for (int64_t axis = inner.getRank() - 2; axis >= 0; --axis) {
    if (inner.getDimSize(axis) == 1)
      continue;
    int64_t bytes = getElementBytes(inner.getElementType());
    if (innerStrides[axis] * bytes % check.target.ub_align && innerStrides[axis] != outerStrides[axis])
      return check.error("moves single elements into a column without gaps; give the rows in UB a pitch of " + Twine(check.target.ub_align) + " bytes");
    break;
  }
  return true;
}

/// The element type in L0C of operands with element type `type`.
unsigned accumulator(Type type) { return type.isInteger(8) ? kI32 : kF32; }

/// An axis of a matrix in fractals: its padded size, a multiple of `unit`.
struct Axis {
  int64_t size, unit;
};

/// True if both may be the same axis, padded in their own way.
bool agree(Axis a, Axis b) {
  return ShapedType::isDynamic(a.size) || ShapedType::isDynamic(b.size) || (a.size > b.size - b.unit && b.size > a.size - a.unit);
}

/// Rows and columns of the matrix whose fractals `value` holds; exchanged for a transposed one.
std::pair<Axis, Axis> matrixOf(const Check &check, Value value, bool transpose = false) {
  MemRefType type = bufferType(value);
  Space space = *getSpace(type);
  int64_t high = check.target.fractal_rows, wide = type.getDimSize(3);
  auto axis = [&](unsigned dim, int64_t unit) { return Axis{type.isDynamicDim(dim) ? ShapedType::kDynamic : type.getDimSize(dim) * unit, unit}; };
  // L0A is ordered by rows, all others by columns; in L0B the fractals are transposed.
  std::pair<Axis, Axis> matrix = space == Space::L0A   ? std::pair(axis(0, high), axis(1, wide))
                                 : space == Space::L0B ? std::pair(axis(0, wide), axis(1, high))
                                                       : std::pair(axis(1, high), axis(0, wide));
  return transpose ? std::pair(matrix.second, matrix.first) : matrix;
}

bool product(const Check &check, std::pair<Axis, Axis> lhs, std::pair<Axis, Axis> rhs, Value value) {
  auto out = matrixOf(check, value);
  auto fits = [&](Axis a, Axis b, StringRef name) {
    return agree(a, b) || check.error("has " + Twine(a.size) + " and " + Twine(b.size) + " elements along " + name + ", padding included; these are the same axis");
  };
  return fits(lhs.second, rhs.first, "K") && fits(lhs.first, out.first, "M") && fits(rhs.second, out.second, "N");
}

bool biasFits(const Check &check, Value bias, Space space, unsigned elements, MemRefType out) {
  if (!bias)
    return true;
  if (!check.buffer(bias, "bias", space, elements))
    return false;
  MemRefType type = bufferType(bias);
  if (type.getRank() == 1 && sizesAgree(blocks(type.getDimSize(0), check.target.fractal_rows), out.getDimSize(0)))
    return true;
  std::string text;
  llvm::raw_string_ostream(text) << "needs a bias with one number per column of its output, " << out << ", got " << type;
  return check.error(text);
}

template <typename Op>
LogicalResult verifyToL0(Op op, Space space) {
  Check check(op);
  if (!check.onCore(Core::AIC) || !check.fractal(op.getSource(), "source", Space::L1, kCube) || !check.fractal(op.getOut(), "output", space, kCube) ||
      !check.sameElement(op.getSource(), "source", op.getOut()))
    return failure();
  auto [rows, columns] = matrixOf(check, op.getSource(), op.getTranspose());
  auto [outRows, outColumns] = matrixOf(check, op.getOut());
  if (agree(rows, outRows) && agree(columns, outColumns))
    return success();
  return result(check.error("moves a matrix of " + Twine(rows.size) + "x" + Twine(columns.size) + " elements, padding included, to one of " + Twine(outRows.size) + "x" +
                            Twine(outColumns.size)));
}
} // namespace

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

LogicalResult LoadOp::verify() {
  Check check(*this);
  bool toL1 = getSpace(getOut()) == Space::L1;
  if (!check.onCore(toL1 ? Core::AIC : Core::AIV) || !check.buffer(getSource(), "source", Space::GM, kData) ||
      !check.buffer(getOut(), "output", toL1 ? Space::L1 : Space::UB, kData) || !check.sameElement(getSource(), "source", getOut()) ||
      !check.shape(getSource(), "source", getOut()))
    return failure();
  if (toL1)
    return result(bufferType(getOut()).getRank() == 1 || check.error("takes vectors to L1; matrices go there by ascend.nd2nz"));
  return result(rowsFit(check, getSource(), getOut()));
}

LogicalResult StoreOp::verify() {
  Check check(*this);
  return result(check.onCore(Core::AIV) && check.buffer(getSource(), "source", Space::UB, kData) &&
                check.buffer(getOut(), "output", Space::GM, getAtomicAdd() ? kF32 | kF16 | kBF16 | kI32 | kI16 | kI8 : kData) &&
                check.sameElement(getSource(), "source", getOut()) && check.shape(getSource(), "source", getOut()) && rowsFit(check, getOut(), getSource()));
}

LogicalResult CopyOp::verify() {
  Check check(*this);
  return result(check.onCore(Core::AIV) && check.buffer(getSource(), "source", Space::UB, kAnyElement) && check.buffer(getOut(), "output", Space::UB, kAnyElement) &&
                check.sameElement(getSource(), "source", getOut()) && check.shape(getSource(), "source", getOut()));
}

LogicalResult Nd2NzOp::verify() {
  Check check(*this);
  if (!check.onCore(Core::AIC) || !check.buffer(getSource(), "source", Space::GM, kCube) || !check.fractal(getOut(), "output", Space::L1, kCube) ||
      !check.sameElement(getSource(), "source", getOut()))
    return failure();
  MemRefType source = bufferType(getSource()), out = bufferType(getOut());
  if (source.getRank() != 2)
    return emitOpError("needs a matrix as its source, got ") << source << "; take memref.subview or memref.reinterpret_cast of it";
  int64_t rows = blocks(source.getDimSize(0), check.target.fractal_rows), columns = blocks(source.getDimSize(1), out.getDimSize(3));
  if (!sizesAgree(out.getDimSize(0), columns) || !sizesAgree(out.getDimSize(1), rows))
    return emitOpError("needs ") << columns << "x" << rows << " fractals for " << source << ", got " << out;
  return success();
}

LogicalResult L1ToL0AOp::verify() { return verifyToL0(*this, Space::L0A); }
LogicalResult L1ToL0BOp::verify() { return verifyToL0(*this, Space::L0B); }

LogicalResult L1ToBtOp::verify() {
  Check check(*this);
  if (!check.onCore(Core::AIC) || !check.buffer(getSource(), "source", Space::L1, kF32 | kF16 | kI32) || !check.buffer(getOut(), "output", Space::BT, kF32 | kI32) ||
      !check.shape(getSource(), "source", getOut()))
    return failure();
  Type from = bufferType(getSource()).getElementType(), to = bufferType(getOut()).getElementType();
  if (bufferType(getOut()).getRank() != 1 || from.isInteger(32) != to.isInteger(32))
    return emitOpError("moves a vector: f32 or f16 to f32, i32 to i32; got ") << getSource().getType() << " and " << getOut().getType();
  return success();
}

LogicalResult FixpipeOp::verify() {
  Check check(*this);
  if (!check.onCore(Core::AIC) || !check.fractal(getSource(), "source", Space::L0C, kF32 | kI32))
    return failure();
  MemRefType source = bufferType(getSource());
  unsigned outputs = source.getElementType().isF32() ? kF32 | kF16 | kBF16 : kI32 | kI16 | kI8 | kF16;
  if (!check.buffer(getOut(), "output", Space::GM, outputs))
    return failure();
  MemRefType out = bufferType(getOut());
  if (out.getRank() != 2)
    return emitOpError("needs a matrix as its output, got ") << out;
  int64_t unit = check.target.fractal_rows;
  if (!sizesAgree(source.getDimSize(0), blocks(out.getDimSize(1), unit)) || !sizesAgree(source.getDimSize(1), blocks(out.getDimSize(0), unit)))
    return emitOpError("needs ") << blocks(out.getDimSize(1), unit) << "x" << blocks(out.getDimSize(0), unit) << " fractals for " << out << ", got " << source;
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

LogicalResult MmadOp::verify() {
  Check check(*this);
  if (!check.onCore(Core::AIC) || !check.fractal(getLhs(), "left operand", Space::L0A, kCube) || !check.fractal(getRhs(), "right operand", Space::L0B, kCube))
    return failure();
  MemRefType lhs = bufferType(getLhs()), rhs = bufferType(getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return emitOpError("needs operands of one element type, got ") << lhs.getElementType() << " and " << rhs.getElementType();
  unsigned sum = accumulator(lhs.getElementType());
  return result(check.fractal(getOut(), "output", Space::L0C, sum) && biasFits(check, getBias(), Space::BT, sum, bufferType(getOut())) &&
                product(check, matrixOf(check, getLhs()), matrixOf(check, getRhs()), getOut()));
}

LogicalResult MmadL1Op::verify() {
  Check check(*this);
  if (!check.onCore(Core::AIC) || !check.fractal(getLhs(), "left operand", Space::L1, kCube) || !check.fractal(getRhs(), "right operand", Space::L1, kCube))
    return failure();
  MemRefType lhs = bufferType(getLhs()), rhs = bufferType(getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return emitOpError("needs operands of one element type, got ") << lhs.getElementType() << " and " << rhs.getElementType();
  unsigned sum = accumulator(lhs.getElementType());
  if (!check.fractal(getOut(), "output", Space::L0C, sum) || !biasFits(check, getBias(), Space::L1, sum == kF32 ? kF32 | kF16 : kI32, bufferType(getOut())))
    return failure();
  if (getBias() && (getTransposeA() || getTransposeB()))
    return emitOpError("takes a bias only with operands that are not transposed; add it in a vector kernel");
  return result(product(check, matrixOf(check, getLhs(), getTransposeA()), matrixOf(check, getRhs(), getTransposeB()), getOut()));
}
