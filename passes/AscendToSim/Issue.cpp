//===- Issue.cpp - operations of kernels as calls of the simulator ---------===//
#include "passes/AscendToSim/Issue.h"

#include "passes/AscendToSim/Codes.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/UserPlace.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::cell;
using namespace mlir::ascend;

std::optional<int64_t> cell::spannedBytes(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset, last = 0;
  if (!type.hasStaticShape())
    return std::nullopt;
  if (type.getNumElements() == 0)
    return 0;
  if (failed(type.getStridesAndOffset(strides, offset)) || llvm::any_of(strides, ShapedType::isDynamic))
    return std::nullopt;
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides))
    last += (size - 1) * stride;
  return (last + 1) * getElementBytes(type.getElementType());
}

namespace {
class Issuer {
public:
  Issuer(LLVM::LLVMFuncOp function, Value core) : function(function), core(core), b(function.getContext()) {
    pointer = LLVM::LLVMPointerType::get(function.getContext());
    i64 = b.getI64Type();
  }

  LogicalResult run(bool general) {
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) {
      if (isa<BlockIdxOp, BlockNumOp, memref::DimOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      b.setInsertionPoint(op);
      if (auto index = dyn_cast<BlockIdxOp>(op))
        replace(op, field(op->getLoc(), offsetof(cg_ascend_core, block_idx)));
      else if (auto number = dyn_cast<BlockNumOp>(op))
        replace(op, field(op->getLoc(), offsetof(cg_ascend_core, block_num)));
      else if (auto dim = dyn_cast<memref::DimOp>(op)) {
        std::optional<int64_t> axis = dim.getConstantIndex();
        auto type = dyn_cast<MemRefType>(dim.getSource().getType());
        Value size = axis && type && *axis < type.getRank() ? sizeOf(dim.getSource(), *axis) : Value();
        if (!size)
          return op->emitError("stage ascend-to-sim: the size asked for is not known here");
        dim.replaceAllUsesWith(size);
        op->erase();
      }
    }
    if (general)
      return success();
    ops.clear();
    function.walk([&](Operation *op) {
      if (isa<AddressOp, memref::AllocOp>(op))
        made.push_back(op);
      else if (codeOf(op).op >= 0)
        ops.push_back(op);
    });
    for (Operation *op : ops) { // calls first: they look at how buffers are made
      b.setInsertionPoint(op);
      if (failed(issue(op)))
        return failure();
    }
    for (Operation *op : made)
      if (failed(place(op)))
        return failure();
    return success();
  }

private:
  LLVM::LLVMFuncOp function;
  Value core;
  OpBuilder b;
  Type pointer, i64;
  Value views; // memory for the views of a call
  SmallVector<Operation *> made;
  llvm::StringMap<StringAttr> texts;
  int64_t used[CG_ASCEND_SPACES] = {};

  Value number(Location loc, int64_t value) { return LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); }
  Value byteOffset(Location loc, Value base, int64_t bytes) {
    return bytes ? LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base, ArrayRef<LLVM::GEPArg>{int32_t(bytes)}).getResult() : base;
  }
  Value cast(Location loc, Type type, Value value) { return value.getType() == type ? value : UnrealizedConversionCastOp::create(b, loc, type, value).getResult(0); }
  Value field(Location loc, int64_t offset) { return LLVM::LoadOp::create(b, loc, i64, byteOffset(loc, core, offset)); }
  void replace(Operation *op, Value number) { op->getResult(0).replaceAllUsesWith(cast(op->getLoc(), b.getIndexType(), number)); op->erase(); }

  //===--------------------------------------------------------------------===//
  // How buffers lie
  //===--------------------------------------------------------------------===//

  /// The buffer that a view is a part of.
  static Value rootOf(Value value) {
    while (Operation *op = value.getDefiningOp()) {
      if (!isa<memref::SubViewOp, memref::ReinterpretCastOp, memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp, memref::MemorySpaceCastOp>(op))
        break;
      value = op->getOperand(0);
    }
    return value;
  }
  Value index(Location loc, OpFoldResult value) {
    if (auto attribute = dyn_cast<Attribute>(value))
      return arith::ConstantIndexOp::create(b, loc, mlir::cast<IntegerAttr>(attribute).getInt());
    return mlir::cast<Value>(value);
  }
  /// The size of an axis as an index; null where it cannot be told.
  Value sizeOf(Value memref, int64_t axis) {
    auto type = mlir::cast<MemRefType>(memref.getType());
    Location loc = b.getInsertionPoint()->getLoc();
    if (!type.isDynamicDim(unsigned(axis)))
      return arith::ConstantIndexOp::create(b, loc, type.getDimSize(unsigned(axis)));
    Operation *op = memref.getDefiningOp();
    if (auto view = dyn_cast_or_null<memref::SubViewOp>(op)) {
      llvm::SmallBitVector dropped = view.getDroppedDims();
      for (auto [i, size] : llvm::enumerate(view.getMixedSizes()))
        if (!dropped.test(unsigned(i)) && axis-- == 0)
          return index(loc, size);
    } else if (auto view = dyn_cast_or_null<memref::ReinterpretCastOp>(op)) {
      return index(loc, view.getMixedSizes()[size_t(axis)]);
    } else if (auto view = dyn_cast_or_null<memref::ExpandShapeOp>(op)) {
      return index(loc, view.getMixedOutputShape()[size_t(axis)]);
    } else if (auto view = dyn_cast_or_null<memref::CastOp>(op)) {
      return isa<MemRefType>(view.getSource().getType()) ? sizeOf(view.getSource(), axis) : Value();
    } else if (auto view = dyn_cast_or_null<memref::CollapseShapeOp>(op)) {
      Value product;
      for (int64_t source : view.getReassociationIndices()[size_t(axis)]) {
        Value size = sizeOf(view.getSrc(), source);
        product = !size ? size : product ? arith::MulIOp::create(b, loc, product, size).getResult() : size;
        if (!product)
          break;
      }
      return product;
    }
    return Value();
  }

  //===--------------------------------------------------------------------===//
  // Calls
  //===--------------------------------------------------------------------===//

  Value viewMemory() {
    if (!views) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&function.getBody().front());
      Location loc = function.getLoc();
      views = LLVM::AllocaOp::create(b, loc, pointer, b.getI8Type(), number(loc, int64_t(sizeof(cg_ascend_view)) * CG_ASCEND_MAX_OPERANDS), /*alignment=*/16);
    }
    return views;
  }

  /// A number as its bits in 64.
  Value bitsOf(Location loc, Value value) {
    Type type = value.getType();
    if (type.isIndex())
      return cast(loc, i64, value);
    Type integer = b.getIntegerType(type.getIntOrFloatBitWidth());
    if (type != integer)
      value = arith::BitcastOp::create(b, loc, integer, value);
    return integer == i64 ? value : arith::ExtUIOp::create(b, loc, i64, value).getResult();
  }

  /// One of several numbers: number `slot mod count`.
  Value choose(Location loc, ArrayRef<int64_t> numbers, Value slot) {
    Value chosen = number(loc, numbers[0]);
    if (!slot || numbers.size() < 2)
      return chosen;
    Value step = LLVM::URemOp::create(b, loc, cast(loc, i64, slot), number(loc, int64_t(numbers.size())));
    for (auto [i, value] : llvm::enumerate(numbers.drop_front())) {
      Value here = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, step, number(loc, int64_t(i) + 1));
      chosen = LLVM::SelectOp::create(b, loc, here, number(loc, value), chosen);
    }
    return chosen;
  }

  LogicalResult storeView(Operation *op, Value operand, int64_t i) {
    Location loc = op->getLoc();
    Value view = byteOffset(loc, viewMemory(), i * int64_t(sizeof(cg_ascend_view)));
    auto put = [&](Value value, int64_t offset) { LLVM::StoreOp::create(b, loc, value, byteOffset(loc, view, offset)); };
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type) {
      put(bitsOf(loc, operand), offsetof(cg_ascend_view, data));
      return success();
    }
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) || llvm::any_of(strides, ShapedType::isDynamic))
      return op->emitError("stage ascend-to-sim: operand ") << i << ", a " << type << ": strides must be static";
    put(cast(loc, pointer, operand), offsetof(cg_ascend_view, data));
    put(cast(loc, pointer, rootOf(operand)), offsetof(cg_ascend_view, base));
    for (auto [d, stride] : llvm::enumerate(strides)) {
      Value size = type.isDynamicDim(unsigned(d)) ? sizeOf(operand, int64_t(d)) : number(loc, type.getDimSize(unsigned(d)));
      if (!size)
        return op->emitError("stage ascend-to-sim: operand ") << i << ", a " << type << ": its sizes are not known here";
      put(cast(loc, i64, size), int64_t(offsetof(cg_ascend_view, sizes) + 8 * d));
      put(number(loc, stride), int64_t(offsetof(cg_ascend_view, strides) + 8 * d));
    }
    return success();
  }

  StringAttr textFor(Operation *op) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    if (FileLineColLoc place = userPlace(op->getLoc()))
      stream << place.getFilename().getValue() << ":" << place.getLine() << ", ";
    stream << op->getName();
    if (auto bin = dyn_cast<VBinOp>(op))
      stream << " " << stringifyBinaryKind(bin.getKind());
    else if (auto bin = dyn_cast<VBinScalarOp>(op))
      stream << " " << stringifyBinaryKind(bin.getKind());
    else if (auto un = dyn_cast<VUnOp>(op))
      stream << " " << stringifyUnaryKind(un.getKind());
    else if (auto set = dyn_cast<SetFlagOp>(op))
      stream << " <" << stringifyPipe(set.getSource()) << ", " << stringifyPipe(set.getTarget()) << ">";
    else if (auto wait = dyn_cast<WaitFlagOp>(op))
      stream << " <" << stringifyPipe(wait.getSource()) << ", " << stringifyPipe(wait.getTarget()) << ">";
    StringAttr &name = texts[text];
    if (!name) {
      text.push_back(0);
      name = global("cg_ascend_text", LLVM::LLVMArrayType::get(b.getI8Type(), text.size()), b.getStringAttr(text)).getSymNameAttr();
    }
    return name;
  }

  LLVM::GlobalOp global(StringRef stem, Type type, Attribute value) {
    auto module = function->getParentOfType<gpu::GPUModuleOp>();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    std::string name = (stem + "." + function.getName() + "." + Twine(counter++)).str();
    return LLVM::GlobalOp::create(b, function.getLoc(), type, /*isConstant=*/true, LLVM::Linkage::Private, name, value);
  }
  int counter = 0;

  /// The constant cg_ascend_op.
  FailureOr<LLVM::GlobalOp> recordFor(Operation *op, Code code, ArrayRef<Value> operands) {
    Location loc = op->getLoc();
    Type i16 = b.getI16Type(), i32 = b.getI32Type();
    auto operandType = LLVM::LLVMStructType::getLiteral(b.getContext(), {i16, i16, i16, i16, i64});
    auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), {i32, i32, i32, i32, LLVM::LLVMArrayType::get(i32, CG_ASCEND_MAX_RANK), i64, pointer,
                                                                  LLVM::LLVMArrayType::get(operandType, CG_ASCEND_MAX_OPERANDS)});
    int pipe = CG_ASCEND_S;
    SmallVector<int64_t> attributes;
    if (auto set = dyn_cast<SetFlagOp>(op)) {
      pipe = int(set.getSource());
      attributes = {int64_t(set.getSource()), int64_t(set.getTarget())};
    } else if (auto wait = dyn_cast<WaitFlagOp>(op)) {
      pipe = int(wait.getTarget());
      attributes = {int64_t(wait.getSource()), int64_t(wait.getTarget())};
    } else if (auto barrier = dyn_cast<BarrierOp>(op)) {
      pipe = int(barrier.getPipe());
      attributes = {pipe};
    } else if (auto piped = dyn_cast<AscendPipeOpInterface>(op)) {
      pipe = int(piped.getPipe());
    }
    if (auto transpose = dyn_cast<VTransposeOp>(op))
      attributes = llvm::to_vector(transpose.getPermutation());
    StringAttr text = textFor(op);
    LLVM::GlobalOp record = global("cg_ascend_op", type, Attribute());
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&record.getInitializerRegion());
    Value value = LLVM::ZeroOp::create(b, loc, type);
    auto put = [&](Type type, int64_t number, ArrayRef<int64_t> at) {
      if (number)
        value = LLVM::InsertValueOp::create(b, loc, value, LLVM::ConstantOp::create(b, loc, b.getIntegerAttr(type, number)), at);
    };
    put(i32, code.op, {0});
    put(i32, pipe, {1});
    put(i32, code.kind, {2});
    put(i32, code.flags, {3});
    for (auto [i, attribute] : llvm::enumerate(attributes))
      put(i32, attribute, {4, int64_t(i)});
    put(i64, int64_t(operands.size()), {5});
    value = LLVM::InsertValueOp::create(b, loc, value, LLVM::AddressOfOp::create(b, loc, pointer, text.getValue()), 6);
    auto piped = dyn_cast<AscendPipeOpInterface>(op);
    bool accumulates = piped && piped.accumulates();
    for (auto [i, operand] : llvm::enumerate(operands)) {
      int64_t at = int64_t(i);
      auto buffer = dyn_cast<MemRefType>(operand.getType());
      int element = typeCode(getElementTypeOrSelf(operand.getType()));
      if (element < 0 || (buffer && buffer.getRank() > CG_ASCEND_MAX_RANK))
        return op->emitError("stage ascend-to-sim: operand ") << i << ": the simulator has no " << operand.getType();
      put(i16, element, {7, at, 1});
      if (!buffer) {
        put(i16, CG_ASCEND_SCALAR, {7, at, 0});
        continue;
      }
      std::optional<Space> space = getSpace(buffer);
      if (!space)
        return op->emitError("stage ascend-to-sim: operand ") << i << " is in no memory of the accelerator: " << buffer;
      bool out = i + 1 == operands.size() && piped;
      auto root = dyn_cast<MemRefType>(rootOf(operand).getType());
      put(i16, int64_t(*space), {7, at, 0});
      put(i16, buffer.getRank(), {7, at, 2});
      put(i16, out ? CG_ASCEND_WRITE | (accumulates ? CG_ASCEND_READ : 0) : CG_ASCEND_READ, {7, at, 3});
      put(i64, root ? spannedBytes(root).value_or(0) : 0, {7, at, 4});
    }
    LLVM::ReturnOp::create(b, loc, value);
    return record;
  }

  LogicalResult issue(Operation *op) {
    Location loc = op->getLoc();
    Code code = codeOf(op);
    SmallVector<Value> operands;
    bool flag = isa<SetFlagOp, WaitFlagOp>(op);
    if (auto load = dyn_cast<memref::LoadOp>(op)) {
      // One element: a view without axes.
      SmallVector<OpFoldResult> offsets(load.getIndices()), ones(load.getIndices().size(), b.getIndexAttr(1));
      if (getSpace(load.getMemRef()) != Space::GM)
        return op->emitError("stage ascend-to-sim: only elements of global memory are loaded one by one");
      auto type = mlir::cast<MemRefType>(memref::SubViewOp::inferRankReducedResultType({}, load.getMemRefType(), offsets, ones, ones));
      operands = {memref::SubViewOp::create(b, loc, type, load.getMemRef(), offsets, ones, ones)};
    } else if (auto set = dyn_cast<SetFlagOp>(op)) {
      operands = {choose(loc, set.getIds(), set.getSlot())};
    } else if (auto wait = dyn_cast<WaitFlagOp>(op)) {
      operands = {choose(loc, wait.getIds(), wait.getSlot())};
    } else {
      operands = llvm::to_vector(op->getOperands());
      if (auto bin = dyn_cast<VBinScalarOp>(op); bin && bin.getReverse())
        std::swap(operands[0], operands[1]);
    }
    if (operands.size() > CG_ASCEND_MAX_OPERANDS)
      return op->emitError("stage ascend-to-sim: more than ") << int(CG_ASCEND_MAX_OPERANDS) << " operands";
    FailureOr<LLVM::GlobalOp> record = recordFor(op, code, operands);
    if (failed(record))
      return failure();
    for (auto [i, operand] : llvm::enumerate(operands))
      if (flag)
        LLVM::StoreOp::create(b, loc, operand, viewMemory());
      else if (failed(storeView(op, operand, int64_t(i))))
        return failure();
    Value where = LLVM::AddressOfOp::create(b, loc, pointer, record->getSymName());
    SmallVector<Value> arguments = {core, where, viewMemory()};
    if (auto load = dyn_cast<memref::LoadOp>(op)) {
      Value bits = LLVM::CallOp::create(b, loc, TypeRange(i64), "cg_ascend_scalar_load", arguments).getResult();
      Type type = load.getType();
      Value value;
      if (type.isIndex()) {
        value = cast(loc, type, bits);
      } else {
        Type integer = b.getIntegerType(type.getIntOrFloatBitWidth());
        value = integer == i64 ? bits : LLVM::TruncOp::create(b, loc, integer, bits).getResult();
        value = integer == type ? value : arith::BitcastOp::create(b, loc, type, value).getResult();
      }
      op->getResult(0).replaceAllUsesWith(value);
    } else {
      LLVM::CallOp::create(b, loc, TypeRange(), "cg_ascend_issue", arguments);
    }
    op->erase();
    return success();
  }

  /// The address of a buffer in a memory of the core.
  LogicalResult place(Operation *op) {
    Location loc = op->getLoc();
    b.setInsertionPoint(op);
    auto type = mlir::cast<MemRefType>(op->getResult(0).getType());
    std::optional<Space> space = getSpace(type);
    if (!space || *space == Space::GM || !spannedBytes(type))
      return op->emitError("stage ascend-to-sim: a buffer of a kernel has a static shape and is in a memory of the core, not ") << type;
    Value offset;
    if (auto address = dyn_cast<AddressOp>(op)) {
      offset = choose(loc, address.getOffsets(), address.getSlot());
    } else {
      int64_t &next = used[int(*space)];
      next = llvm::alignTo(next, Target::get(op).getAlign(*space));
      offset = number(loc, next);
      next += getBufferBytes(type);
    }
    Value memory = LLVM::LoadOp::create(b, loc, pointer, byteOffset(loc, core, int64_t(offsetof(cg_ascend_core, space) + 8 * size_t(*space))));
    Value at = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), memory, ArrayRef<LLVM::GEPArg>{offset});
    op->getResult(0).replaceAllUsesWith(cast(loc, type, at));
    op->erase();
    return success();
  }
};
} // namespace

LogicalResult cell::issueOperations(LLVM::LLVMFuncOp function, bool general, Value core) { return Issuer(function, core).run(general); }
