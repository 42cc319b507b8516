//===- HivmOps.cpp - what pipes run -----------------------------------------===//
#include "passes/AscendToHivm/HivmPrinter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Dominance.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::ascend;

namespace {
std::string list(ArrayRef<int64_t> values) {
  return "[" + llvm::join(llvm::map_range(values, [](int64_t value) { return std::to_string(value); }), ", ") + "]";
}

std::string scalarOne(Type type) { return isa<FloatType>(type) ? "-1.0" : "-1"; }
} // namespace

std::string HivmPrinter::operands(ValueRange ins, Value out) {
  std::string names = llvm::join(llvm::map_range(ins, [&](Value value) { return name(value); }), ", ");
  return "ins(" + names + " : " + types(ins.getTypes()) + ") outs(" + name(out) + " : " + type(out.getType()) + ")";
}

FailureOr<int64_t> HivmPrinter::scratchOffset(AscendPipeOpInterface op) {
  int64_t bytes = op.getScratchBytes();
  // Without a place of its own: behind all planned buffers, which no other op uses.
  auto place = op->getAttrOfType<IntegerAttr>(kScratchAttr);
  int64_t offset = place ? place.getInt() : llvm::alignTo(plannedUb, target.ub_align);
  if (offset + bytes > target.ub_bytes) {
    op->emitOpError() << "needs " << bytes << " bytes of scratch memory in ub, of which the plan of '" << kernel.getName() << "' leaves "
                      << std::max<int64_t>(0, target.ub_bytes - offset) << "; use smaller tiles, or print the form 'auto'";
    return failure();
  }
  return offset;
}

std::string HivmPrinter::castPointer(int64_t offset, const std::string &type) { return define("hivm.hir.pointer_cast(" + constant(offset, "i64") + ") : " + type); }

FailureOr<std::string> HivmPrinter::scratch(AscendPipeOpInterface op, Type elementType, std::optional<int64_t> bytes) {
  int64_t size = bytes.value_or(op.getScratchBytes());
  if (form == HivmForm::Auto || size == 0)
    return std::string();
  FailureOr<int64_t> offset = scratchOffset(op);
  if (failed(offset))
    return failure();
  std::string kind = "memref<" + std::to_string(size / getElementBytes(elementType)) + "x" + type(elementType) + ", #hivm.address_space<ub>>";
  return " temp_buffer(" + castPointer(*offset, kind) + " : " + kind + ")";
}

LogicalResult HivmPrinter::printPipeOp(Operation *op) {
  if (auto load = dyn_cast<LoadOp>(op)) {
    line("hivm.hir.load " + operands(load.getSource(), load.getOut()));
    return success();
  }
  if (auto store = dyn_cast<StoreOp>(op)) {
    line("hivm.hir.store " + operands(store.getSource(), store.getOut()) + (store.getAtomicAdd() ? " atomic = <add>" : ""));
    return success();
  }
  if (auto nd2nz = dyn_cast<Nd2NzOp>(op))
    return printNd2Nz(nd2nz);
  if (auto mmad = dyn_cast<MmadL1Op>(op))
    return printMmad(mmad);
  if (auto fixpipe = dyn_cast<FixpipeOp>(op))
    return printFixpipe(fixpipe);
  if (cast<AscendPipeOpInterface>(op).getPipe() == Pipe::V)
    return printVector(op);
  return op->emitOpError("has no form in HIVM, whose products start in L1; print kernels before --ascend-decompose");
}

LogicalResult HivmPrinter::printVector(Operation *op) {
  // Their vector unit starts an instruction before the last one is done.
  if (form == HivmForm::Planned)
    line("hivm.hir.pipe_barrier[<PIPE_V>]");
  if (auto select = dyn_cast<VSelOp>(op))
    return printSelect(select);
  ValueRange ins = op->getOperands().drop_back();
  Value out = op->getOperands().back();
  Type element = cast<MemRefType>(out.getType()).getElementType();
  SmallVector<int64_t> repeated = getRepeatedAxes(ins, out);
  // Integers that lose bits are cut in the type they had.
  Type scratchType = element;
  if (auto cast = dyn_cast<VCastOp>(op); cast && element.isInteger() && !mlir::cast<MemRefType>(cast.getSource().getType()).getElementType().isInteger(1))
    scratchType = mlir::cast<MemRefType>(cast.getSource().getType()).getElementType();
  FailureOr<std::string> temporary = scratch(cast<AscendPipeOpInterface>(op), scratchType);
  if (failed(temporary))
    return failure();
  auto plain = [&](StringRef kind, const Twine &rest = "") {
    line("hivm.hir." + kind + " " + operands(ins, out) + *temporary + rest);
    return success();
  };
  if (isa<CopyOp>(op))
    return plain("copy");
  if (auto binary = dyn_cast<VBinOp>(op))
    return plain(("v" + stringifyBinaryKind(binary.getKind())).str(), repeated.empty() ? "" : " broadcast = " + list(repeated));
  if (auto binary = dyn_cast<VBinScalarOp>(op)) {
    std::string kind = ("v" + stringifyBinaryKind(binary.getKind())).str();
    if (!binary.getReverse())
      return plain(kind);
    line("hivm.hir." + kind + " " + operands({binary.getRhs(), binary.getLhs()}, out) + *temporary);
    return success();
  }
  if (auto unary = dyn_cast<VUnOp>(op)) {
    if (unary.getKind() != UnaryKind::Neg)
      return plain(("v" + stringifyUnaryKind(unary.getKind())).str());
    std::string minus = define("arith.constant " + scalarOne(element) + " : " + type(element));
    line("hivm.hir.vmul ins(" + name(unary.getSource()) + ", " + minus + " : " + type(unary.getSource().getType()) + ", " + type(element) + ") outs(" + name(out) + " : " +
         type(out.getType()) + ")");
    return success();
  }
  if (auto cast = dyn_cast<VCastOp>(op)) {
    Type from = mlir::cast<MemRefType>(cast.getSource().getType()).getElementType();
    // Between integers nothing is rounded: the value stays, or its high bits are cut off.
    bool integers = from.isInteger() && element.isInteger();
    StringRef rounding = !integers ? stringifyRounding(cast.getRounding()) : from.getIntOrFloatBitWidth() > element.getIntOrFloatBitWidth() ? "truncwithoverflow" : "rint";
    return plain("vcast", " round_mode = <" + rounding + ">");
  }
  if (auto broadcast = dyn_cast<VBrcOp>(op)) {
    if (isa<MemRefType>(broadcast.getSource().getType()) && repeated.empty()) {
      line("hivm.hir.copy " + operands(ins, out));
      return success();
    }
    if (repeated.empty() || !isa<MemRefType>(broadcast.getSource().getType()))
      return plain("vbrc");
    return printAlongAxes(op, "vbrc", broadcast.getSource(), shown(out), repeated, foldAxes(out, broadcast.getSource(), repeated), *temporary);
  }
  if (auto reduce = dyn_cast<VReduceOp>(op)) {
    return printAlongAxes(op, ("vreduce <" + stringifyReduceKind(reduce.getKind()) + ">").str(), reduce.getSource(), shown(out), reduce.getDims(),
                          foldAxes(reduce.getSource(), out, reduce.getDims()), *temporary);
  }
  if (auto compare = dyn_cast<VCmpOp>(op))
    return plain("vcmp", " compare_mode = <" + stringifyCompareKind(compare.getKind()) + ">");
  if (auto transpose = dyn_cast<VTransposeOp>(op))
    return plain("vtranspose", " permutation = " + list(transpose.getPermutation()));
  if (auto gather = dyn_cast<VGatherOp>(op)) {
    FailureOr<std::string> indices = scratch(gather, mlir::cast<MemRefType>(gather.getIndices().getType()).getElementType());
    if (failed(indices))
      return failure();
    line("hivm.hir.vgather ins(" + name(gather.getSource()) + " : " + type(gather.getSource().getType()) + ") indices(" + name(gather.getIndices()) + " : " +
         type(gather.getIndices().getType()) + ") outs(" + name(out) + " : " + type(out.getType()) + ")" + *indices);
    return success();
  }
  auto arange = cast<VArangeOp>(op);
  std::string strides = llvm::join(llvm::map_range(arange.getStrides(), [&](Value value) { return name(value); }), ", ");
  line("hivm.hir.varange offset[" + name(arange.getOffset()) + "] strides[" + strides + "] outs(" + name(out) + " : " + type(out.getType()) + ")");
  return success();
}

FailureOr<HivmPrinter::Operand> HivmPrinter::memoryAside(VSelOp op) {
  auto out = cast<MemRefType>(op.getOut().getType()), whole = cast<MemRefType>(getViewedBuffer(op.getOut()).getType());
  if (whole.getRank() != out.getRank()) {
    op->emitOpError("repeats a value and needs its output for another, for which HIVM has no form where the output is ") << out << " of " << whole << "; spread the value with ascend.vbrc before";
    return failure();
  }
  std::string memory;
  if (form == HivmForm::Auto) {
    memory = define("memref.alloc() : " + type(whole));
  } else {
    FailureOr<int64_t> offset = scratchOffset(op);
    if (failed(offset))
      return failure();
    memory = castPointer(*offset + getSelectBytes(op), type(whole));
  }
  if (out == whole)
    return Operand{memory, whole};
  // As much of it as the output has.
  SmallVector<std::string> sizes;
  for (auto [axis, size] : llvm::enumerate(out.getShape()))
    sizes.push_back(ShapedType::isDynamic(size) ? define("memref.dim " + name(op.getOut()) + ", " + constant(axis, "index") + " : " + type(out)) : std::to_string(size));
  int64_t start;
  SmallVector<int64_t> strides;
  (void)whole.getStridesAndOffset(strides, start);
  auto kind = MemRefType::get(out.getShape(), out.getElementType(), StridedLayoutAttr::get(op->getContext(), 0, strides), out.getMemorySpace());
  std::string zeros = list(SmallVector<int64_t>(strides.size(), 0)), ones = list(SmallVector<int64_t>(strides.size(), 1));
  return Operand{define("memref.subview " + memory + zeros + " [" + llvm::join(sizes, ", ") + "] " + ones + " : " + type(whole) + " to " + type(kind)), kind};
}

LogicalResult HivmPrinter::printSelect(VSelOp op) {
  // Their selection repeats nothing: a value that is repeated is spread before, over the output where that is not needed for the other value.
  Value out = op.getOut(), values[] = {op.getLhs(), op.getRhs()}, aside = getValueSpreadAside(op);
  Operand operands[] = {shown(values[0]), shown(values[1])};
  Type element = cast<MemRefType>(out.getType()).getElementType();
  for (unsigned side : {0, 1}) {
    SmallVector<int64_t> axes = getRepeatedAxes(values[side], out);
    if (axes.empty())
      continue;
    FailureOr<Operand> to = shown(out);
    if (values[side] == aside && (side == 1 || values[1] != aside))
      to = memoryAside(op);
    if (failed(to))
      return failure();
    FailureOr<std::string> temporary = std::string();
    if (getSpreadBytes(target, values[side], out))
      temporary = scratch(op, element, getSelectBytes(op));
    if (failed(temporary) || failed(printAlongAxes(op, "vbrc", values[side], *to, axes, foldAxes(out, values[side], axes), *temporary)))
      return failure();
    if (form == HivmForm::Planned)
      line("hivm.hir.pipe_barrier[<PIPE_V>]");
    operands[side] = *to;
  }
  FailureOr<std::string> temporary = scratch(op, element, getSelectBytes(op));
  if (failed(temporary))
    return failure();
  line("hivm.hir.vsel ins(" + name(op.getMask()) + ", " + operands[0].name + ", " + operands[1].name + " : " + type(op.getMask().getType()) + ", " + type(operands[0].type) + ", " + type(operands[1].type) +
       ") outs(" + name(out) + " : " + type(out.getType()) + ")" + *temporary);
  return success();
}

LogicalResult HivmPrinter::printAlongAxes(Operation *op, const std::string &kind, Value source, const Operand &out, ArrayRef<int64_t> axes, const FoldedAxes &folded,
                                          const std::string &temporary) {
  // The library has one axis between at most two others; buffers without gaps are seen with fewer axes.
  bool reduces = isa<VReduceOp>(op);
  int64_t rank = cast<MemRefType>(out.type).getRank();
  if (folded.groups.empty() && axes.size() > 1)
    return op->emitOpError() << (reduces ? "reduces" : "repeats") << " axes " << list(axes) << " at once, for which HIVM has no form; take one after the other";
  if (reduces && folded.first > 0 && folded.last < rank - 1)
    return op->emitOpError("reduces axis ") << folded.first << " between others, for which HIVM has no form; loop over the outer axes";
  std::string key = reduces ? " reduce_dims = " : " broadcast_dims = ";
  if (folded.groups.empty()) {
    line("hivm.hir." + kind + " ins(" + name(source) + " : " + type(source.getType()) + ") outs(" + out.name + " : " + type(out.type) + ")" + temporary + key + list(axes));
    return success();
  }
  std::string groups = llvm::join(llvm::map_range(folded.groups, [](const ReassociationIndices &group) { return list(group); }), ", ");
  auto collapse = [&](const Operand &operand) {
    std::string kind = type(memref::CollapseShapeOp::computeCollapsedType(cast<MemRefType>(operand.type), folded.groups));
    return std::pair(define("memref.collapse_shape " + operand.name + " [" + groups + "] : " + type(operand.type) + " into " + kind), kind);
  };
  auto [from, fromType] = collapse(shown(source));
  auto [to, toType] = collapse(out);
  line("hivm.hir." + kind + " ins(" + from + " : " + fromType + ") outs(" + to + " : " + toType + ")" + temporary + key + list(folded.axes));
  return success();
}

//===----------------------------------------------------------------------===//
// Cube
//===----------------------------------------------------------------------===//

FailureOr<Value> HivmPrinter::tile(Operation *op, Value value) {
  auto view = value.getDefiningOp<memref::SubViewOp>();
  if (!view)
    return value;
  bool starts = llvm::all_of(view.getMixedOffsets(), [](OpFoldResult offset) { return isConstantIntValue(offset, 0); });
  if (starts)
    return tile(op, view.getSource());
  if (cast<MemRefType>(value.getType()).hasStaticShape())
    return value;
  op->emitOpError("works on a part of a tile that is known only when it runs, for which HIVM has no form; give the part a buffer of its own");
  return failure();
}

LogicalResult HivmPrinter::printNd2Nz(Nd2NzOp op) {
  FailureOr<Value> out = tile(op, op.getOut());
  if (failed(out))
    return failure();
  line("hivm.hir.nd2nz {dst_continuous} " + operands(op.getSource(), *out));
  return success();
}

std::pair<std::string, std::string> HivmPrinter::matrixSizes(Operation *op, Value value, bool transpose) {
  Value root = getViewedBuffer(value);
  Nd2NzOp fill;
  bool single = true;
  kernel.walk([&](Nd2NzOp other) {
    if (getViewedBuffer(other.getOut()) == root) {
      single = single && !fill;
      fill = other;
    }
  });
  std::string sizes[2];
  if (fill && single && DominanceInfo(kernel).properlyDominates(fill.getSource(), op)) {
    auto type = cast<MemRefType>(fill.getSource().getType());
    for (int64_t axis : {0, 1})
      sizes[axis] = type.isDynamicDim(axis)
                        ? define("memref.dim " + name(fill.getSource()) + ", " + constant(axis, "index") + " : " + this->type(type))
                        : constant(type.getDimSize(axis), "index");
  } else {
    // Padding and all: it holds zeros.
    auto type = cast<MemRefType>(value.getType());
    for (int64_t axis : {0, 1}) {
      int64_t dim = 1 - axis, unit = type.getDimSize(2 + axis);
      sizes[axis] = type.isDynamicDim(dim)
                        ? define("arith.muli " + define("memref.dim " + name(value) + ", " + constant(dim, "index") + " : " + this->type(type)) + ", " + constant(unit, "index") + " : index")
                        : constant(type.getDimSize(dim) * unit, "index");
    }
  }
  return transpose ? std::pair(sizes[1], sizes[0]) : std::pair(sizes[0], sizes[1]);
}

LogicalResult HivmPrinter::printMmad(MmadL1Op op) {
  FailureOr<Value> lhs = tile(op, op.getLhs()), rhs = tile(op, op.getRhs()), out = tile(op, op.getOut());
  if (failed(lhs) || failed(rhs) || failed(out))
    return failure();
  auto [m, k] = matrixSizes(op, op.getLhs(), op.getTransposeA());
  auto [otherK, n] = matrixSizes(op, op.getRhs(), op.getTransposeB());
  SmallVector<StringRef> attributes;
  if (op.getTransposeA())
    attributes.push_back("a_transpose");
  if (op.getTransposeB())
    attributes.push_back("b_transpose");
  std::string bias, biasType;
  if (op.getBias()) {
    FailureOr<Value> vector = tile(op, op.getBias());
    if (failed(vector))
      return failure();
    bias = ", " + name(*vector);
    biasType = ", " + type(vector->getType());
  }
  line("hivm.hir.mmadL1 " + (attributes.empty() ? std::string() : "{" + llvm::join(attributes, ", ") + "} ") + "ins(" + name(*lhs) + ", " + name(*rhs) + ", " + name(op.getInit()) +
       ", " + m + ", " + k + ", " + n + bias + " : " + type(lhs->getType()) + ", " + type(rhs->getType()) + ", i1, index, index, index" + biasType + ") outs(" + name(*out) + " : " +
       type(out->getType()) + ")");
  return success();
}

LogicalResult HivmPrinter::printFixpipe(FixpipeOp op) {
  FailureOr<Value> source = tile(op, op.getSource());
  if (failed(source))
    return failure();
  Type element = cast<MemRefType>(op.getOut().getType()).getElementType();
  std::string attributes = "{dma_mode = #hivm.dma_mode<nz2nd>";
  if (element != cast<MemRefType>(source->getType()).getElementType()) {
    if (!element.isF16() && !element.isBF16())
      return op->emitOpError("converts to ") << element << ", which HIVM does with scales only; write i32 and cast in a vector kernel";
    attributes += element.isF16() ? ", pre_quant = #hivm.fixpipe_pre_quant_mode<F322F16>" : ", pre_quant = #hivm.fixpipe_pre_quant_mode<F322BF16>";
  }
  if (op.getRelu())
    attributes += ", pre_relu = #hivm.fixpipe_pre_relu_mode<NORMAL_RELU>";
  if (op.getAtomicAdd())
    line("hivm.hir.set_atomic kind = <add>[type = " + type(element) + "]");
  line("hivm.hir.fixpipe " + attributes + "} " + operands(*source, op.getOut()));
  if (op.getAtomicAdd())
    line("hivm.hir.set_atomic kind = <none>[type = " + type(element) + "]");
  return success();
}
