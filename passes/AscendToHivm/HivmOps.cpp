//===- HivmOps.cpp - what pipes run -----------------------------------------===//
#include "passes/AscendToHivm/HivmPrinter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Dominance.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::ascend;

namespace {
Value rootOf(Value value) {
  while (auto view = value.getDefiningOp<memref::SubViewOp>())
    value = view.getSource();
  return value;
}

/// Axes along which an operand is repeated.
SmallVector<int64_t> repeatedAxes(ValueRange operands, Value out) {
  auto type = cast<MemRefType>(out.getType());
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (type.getDimSize(axis) != 1 && llvm::any_of(operands, [&](Value value) {
          auto operand = dyn_cast<MemRefType>(value.getType());
          return operand && operand.getDimSize(axis) == 1;
        }))
      axes.push_back(axis);
  return axes;
}

std::string list(ArrayRef<int64_t> values) {
  return "[" + llvm::join(llvm::map_range(values, [](int64_t value) { return std::to_string(value); }), ", ") + "]";
}

std::string scalarOne(Type type) { return isa<FloatType>(type) ? "-1.0" : "-1"; }
} // namespace

std::string HivmPrinter::operands(ValueRange ins, Value out) {
  std::string names = llvm::join(llvm::map_range(ins, [&](Value value) { return name(value); }), ", ");
  return "ins(" + names + " : " + types(ins.getTypes()) + ") outs(" + name(out) + " : " + type(out.getType()) + ")";
}

FailureOr<std::string> HivmPrinter::scratch(AscendPipeOpInterface op, Type elementType) {
  int64_t bytes = op.getScratchBytes();
  if (form == HivmForm::Auto || bytes == 0)
    return std::string();
  // Without a place of its own: behind all planned buffers, which no other op uses.
  auto place = op->getAttrOfType<IntegerAttr>(kScratchAttr);
  int64_t offset = place ? place.getInt() : llvm::alignTo(plannedUb, target.ub_align);
  if (offset + bytes > target.ub_bytes) {
    op->emitOpError() << "needs " << bytes << " bytes of scratch memory in ub, of which the plan of '" << kernel.getName() << "' leaves "
                      << std::max<int64_t>(0, target.ub_bytes - offset) << "; use smaller tiles, or print the form 'auto'";
    return failure();
  }
  std::string start = constant(offset, "i64");
  std::string kind = "memref<" + std::to_string(bytes / getElementBytes(elementType)) + "x" + type(elementType) + ", #hivm.address_space<ub>>";
  return " temp_buffer(" + define("hivm.hir.pointer_cast(" + start + ") : " + kind) + " : " + kind + ")";
}

FailureOr<std::string> HivmPrinter::repeatScratch(VSelOp op, Value value, Type elementType) {
  auto type = cast<MemRefType>(value.getType());
  bool single = llvm::all_of(type.getShape(), [](int64_t size) { return size == 1; });
  bool columns = type.getShape().back() == 1 && cast<MemRefType>(op.getOut().getType()).getShape().back() != 1;
  return single || !columns ? FailureOr<std::string>(std::string()) : scratch(op, elementType);
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
  SmallVector<int64_t> repeated = repeatedAxes(ins, out);
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
    return printAlongAxes(op, "vbrc", broadcast.getSource(), out, repeated, "broadcast_dims", *temporary);
  }
  if (auto reduce = dyn_cast<VReduceOp>(op)) {
    return printAlongAxes(op, ("vreduce <" + stringifyReduceKind(reduce.getKind()) + ">").str(), reduce.getSource(), out, reduce.getDims(), "reduce_dims", *temporary);
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

LogicalResult HivmPrinter::printSelect(VSelOp op) {
  // Their selection repeats nothing: a value that is repeated is spread over the output first, which the selection then reads.
  Value out = op.getOut(), values[] = {op.getLhs(), op.getRhs()};
  Type element = cast<MemRefType>(out.getType()).getElementType();
  for (unsigned side : {0, 1}) {
    SmallVector<int64_t> axes = repeatedAxes(values[side], out);
    if (axes.empty())
      continue;
    if (values[1 - side] == out || !repeatedAxes(values[1 - side], out).empty())
      return op->emitOpError("repeats a value and needs its output for another, for which HIVM has no form; spread the value with ascend.vbrc before");
    FailureOr<std::string> spread = repeatScratch(op, values[side], element);
    if (failed(spread) || failed(printAlongAxes(op, "vbrc", values[side], out, axes, "broadcast_dims", *spread)))
      return failure();
    if (form == HivmForm::Planned)
      line("hivm.hir.pipe_barrier[<PIPE_V>]");
    values[side] = out;
  }
  FailureOr<std::string> temporary = scratch(op, element);
  if (failed(temporary))
    return failure();
  line("hivm.hir.vsel " + operands({op.getMask(), values[0], values[1]}, out) + *temporary);
  return success();
}

LogicalResult HivmPrinter::printAlongAxes(Operation *op, const std::string &kind, Value source, Value out, ArrayRef<int64_t> axes, StringRef key, const std::string &temporary) {
  // The library has one axis between at most two others; buffers without gaps are seen with fewer axes.
  bool reduces = isa<VReduceOp>(op);
  auto wide = cast<MemRefType>((reduces ? source : out).getType());
  int64_t rank = wide.getRank(), first = axes.front(), last = axes.back();
  auto one = [](int64_t size) { return size == 1; };
  if (llvm::all_of(wide.getShape().take_front(first), one))
    first = 0;
  if (llvm::all_of(wide.getShape().drop_front(last + 1), one))
    last = rank - 1;
  auto dense = [](Value value) {
    auto type = cast<MemRefType>(value.getType());
    return type.hasStaticShape() && type.getLayout().isIdentity();
  };
  bool together = dense(source) && dense(out) && axes.back() - axes.front() + 1 == static_cast<int64_t>(axes.size());
  if (!together && axes.size() > 1)
    return op->emitOpError() << (reduces ? "reduces" : "repeats") << " axes " << list(axes) << " at once, for which HIVM has no form; take one after the other";
  if (reduces && first > 0 && last < rank - 1)
    return op->emitOpError("reduces axis ") << first << " between others, for which HIVM has no form; loop over the outer axes";
  SmallVector<ReassociationIndices> groups;
  for (auto [begin, end] : {std::pair<int64_t, int64_t>(0, first), {first, last + 1}, {last + 1, rank}})
    if (begin < end)
      groups.push_back(llvm::to_vector<2>(llvm::seq(begin, end)));
  if (!together || static_cast<int64_t>(groups.size()) == rank) {
    line("hivm.hir." + kind + " " + operands(source, out) + temporary + " " + key + " = " + list(axes));
    return success();
  }
  std::string shown = llvm::join(llvm::map_range(groups, [](const ReassociationIndices &group) { return list(group); }), ", ");
  auto collapse = [&](Value value) {
    std::string kind = type(memref::CollapseShapeOp::computeCollapsedType(cast<MemRefType>(value.getType()), groups));
    return std::pair(define("memref.collapse_shape " + name(value) + " [" + shown + "] : " + type(value.getType()) + " into " + kind), kind);
  };
  auto [from, fromType] = collapse(source);
  auto [to, toType] = collapse(out);
  line("hivm.hir." + kind + " ins(" + from + " : " + fromType + ") outs(" + to + " : " + toType + ")" + temporary + " " + key + " = [" + Twine(first > 0 ? 1 : 0) + "]");
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
  Value root = rootOf(value);
  Nd2NzOp fill;
  bool single = true;
  kernel.walk([&](Nd2NzOp other) {
    if (rootOf(other.getOut()) == root) {
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
