//===- LibraryProduct.cpp - products by cuBLASLt and cuDNN ----------------===//
// A product that the library can do becomes `cellrt.call "library_product"` on the host, whose parameters are a CG_PRODUCT record (runtime/gpu/cellgrad_gpu.h).
// Where the choice is measured, the runtime says in a loop which way to go next:
//   scf.while { way = cg_gpu_product_next(record, previous way); way != 0 } do { if (way == library) call else kernels }
// so the same code measures once and runs ever after. Only what can be done again is measured: nothing in the loop reads what it writes.
#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/LibraryEpilogue.h"
#include "passes/LinalgToGpu/Product.h"
#include "passes/LinalgToLLVM/BufferRoots.h"
#include "passes/LinalgToLLVM/Routines.h"
#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/gpu/cellgrad_gpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Below this many multiply-adds a call costs more than the product.
constexpr int64_t kLeastWork = 32768;

std::optional<int64_t> typeNumber(Type type) {
  if (type.isF16())
    return CG_PRODUCT_F16;
  if (type.isBF16())
    return CG_PRODUCT_BF16;
  if (type.isF32())
    return CG_PRODUCT_F32;
  if (type.isF64())
    return CG_PRODUCT_F64;
  return std::nullopt;
}

/// A matrix of a factor or result: its rows or (transposed) its columns lie `ld` apart, batches `step`.
struct Matrix {
  int64_t transposed = 0, ld = 0, step = 0;
};

std::optional<Matrix> matrixOf(const Access &access, int64_t rows, int64_t columns) {
  if (!access.windows.empty() || access.offset != 0)
    return std::nullopt;
  for (auto &group : access.groups)
    if (group.size() > 1)
      return std::nullopt;
  auto stride = [&](Access::Group group) { return access.groups[group].empty() ? 0 : access.groups[group][0].stride; };
  int64_t row = stride(Access::Row), column = stride(Access::Column);
  Matrix matrix;
  matrix.step = stride(Access::Batch);
  if ((columns == 1 || column == 1) && (rows == 1 || row >= columns))
    matrix.ld = rows == 1 ? columns : row;
  else if ((rows == 1 || row == 1) && (columns == 1 || column >= rows))
    matrix.transposed = 1, matrix.ld = columns == 1 ? rows : column;
  else
    return std::nullopt;
  return matrix;
}

/// What a routine of convolutions is as a record's kind, and its operands, whichever of them is the output.
struct Convolution {
  int64_t kind = CG_PRODUCT_CONV;
  Value x, w, y;
};
Convolution convolutionOf(cellrt::CallOp call) {
  Value a = call.getIns()[0], b = call.getIns()[1], out = call.getOuts()[0];
  if (call.getRoutine() == "conv2d_dx")
    return {CG_PRODUCT_CONV_DX, out, b, a};
  if (call.getRoutine() == "conv2d_dw")
    return {CG_PRODUCT_CONV_DW, a, out, b};
  return {CG_PRODUCT_CONV, a, b, out};
}

/// Whether the epilogue rounds the product to `narrow` before anything else, so that it can be computed from the rounded product.
bool roundsFirst(const Product &p, Type narrow) {
  linalg::GenericOp op = p.epilogue.op;
  if (p.accumulate || p.epilogue.keepsResult)
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!p.epilogue.isResult[operand.getOperandNumber()])
      continue;
    auto rounds = [&](Operation *user) { return isa<arith::TruncFOp>(user) && user->getResult(0).getType() == narrow; };
    if (operand.get() != p.result.buffer || op.isDpsInit(&operand) || !llvm::all_of(op.getMatchingBlockArgument(&operand).getUsers(), rounds))
      return false;
  }
  return true;
}

/// The epilogue as an op of its own, reading `rounded` in the place of the product.
void cloneEpilogue(OpBuilder &b, const Product &p, Value rounded) {
  linalg::GenericOp op = p.epilogue.op;
  auto clone = cast<linalg::GenericOp>(b.clone(*op.getOperation()));
  if (!rounded)
    return;
  for (OpOperand *operand : clone.getDpsInputOperands()) {
    if (!p.epilogue.isResult[operand->getOperandNumber()])
      continue;
    BlockArgument argument = clone.getMatchingBlockArgument(operand);
    operand->set(rounded);
    argument.setType(cast<MemRefType>(rounded.getType()).getElementType());
    for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
      user->getResult(0).replaceAllUsesWith(argument);
      user->erase();
    }
  }
}

/// Whether kernels of the product may run twice with the same result.
bool canRepeat(const Product &p) {
  if (p.accumulate)
    return false;
  linalg::GenericOp op = p.epilogue.op;
  if (!op)
    return true;
  for (Value init : op.getDpsInits()) {
    BufferRoots roots = BufferRoots::of(init);
    for (auto [i, input] : llvm::enumerate(op.getDpsInputs()))
      if (!p.epilogue.isResult[i] && roots.mayAlias(BufferRoots::of(input)))
        return false;
    for (OpOperand &operand : op.getDpsInitsMutable())
      if (op.payloadUsesValueFromOperand(&operand) && !p.epilogue.isResult[operand.getOperandNumber()])
        return false;
  }
  return true;
}

class LibraryProduct {
public:
  LibraryProduct(KernelModule &kernels, Product &p) : kernels(kernels), p(p), b(p.anchor->getLoc(), p.anchor) {}

  bool match() {
    if (!(p.isConvolution ? kernels.policy.convolutions : kernels.policy.matrices))
      return false;
    factor = typeNumber(p.left.element()), sum = typeNumber(p.sumType());
    bool types = factor && sum && p.left.element() == p.right.element() && (p.sumType() == p.left.element() || (p.sumType().isF32() && p.left.element().getIntOrFloatBitWidth() == 16));
    if (!types || p.batch * p.m * p.n * p.k < kLeastWork)
      return false;
    out = p.result.buffer;
    record.assign(CG_PRODUCT_FIELDS, 0);
    if (!(p.isConvolution ? matchConvolution() : matchMatrices()))
      return false;
    bool mayRound = p.isConvolution ? kernels.policy.tf32Convolutions : kernels.policy.tf32Products;
    record[CG_PRODUCT_FACTOR_TYPE] = *factor, record[CG_PRODUCT_RESULT_TYPE] = *sum, record[CG_PRODUCT_TF32] = p.left.element().isF32() && mayRound;
    record[CG_PRODUCT_EPILOGUE] = fused.epilogue, record[CG_PRODUCT_ADDS] = p.accumulate, record[CG_PRODUCT_WORKSPACE] = workspace;
    // What the kernels of the other way store: a choice that was measured holds for this only.
    Type stored = p.epilogue ? p.epilogue.accesses[p.epilogue.op.getNumDpsInputs()].element() : p.result.element();
    record[CG_PRODUCT_FOLLOWED] = p.epilogue && !fused.out, record[CG_PRODUCT_STORED_BITS] = stored.isIntOrFloat() ? stored.getIntOrFloatBitWidth() : 0;
    record[CG_PRODUCT_ALIGNMENT] = 64;
    for (Value buffer : {p.left.buffer, p.right.buffer, out, fused.bias})
      if (buffer)
        record[CG_PRODUCT_ALIGNMENT] = std::min<int64_t>(record[CG_PRODUCT_ALIGNMENT], alignmentOf(buffer));
    return !p.isConvolution || record[CG_PRODUCT_ALIGNMENT] >= 16; // cuDNN cannot be told of less
  }

  /// Library calls only.
  void emitCall() {
    SmallVector<Value> ins{p.left.buffer, p.right.buffer};
    if (p.isConvolution)
      ins = llvm::to_vector(cast<cellrt::CallOp>(p.op).getIns().take_front(2));
    if (fused.bias)
      ins.push_back(fused.bias);
    ins.push_back(memref::AllocOp::create(b, MemRefType::get({workspace}, b.getI8Type())));
    Value target = out;
    if (rounds)
      target = memref::AllocOp::create(b, MemRefType::get(cast<MemRefType>(out.getType()).getShape(), p.left.element()));
    cellrt::CallOp::create(b, "library_product", ins, ValueRange{target}, record);
    if (p.epilogue && !fused.out) // a kernel of its own
      cloneEpilogue(b, p, rounds ? target : Value());
  }

  /// Either way, as the runtime says.
  void emitChoice(function_ref<void(Product &)> generate) {
    Type i64 = b.getI64Type(), pointer = LLVM::LLVMPointerType::get(b.getContext());
    auto module = p.anchor->getParentOfType<ModuleOp>();
    Value zero = arith::ConstantIntOp::create(b, i64, 0);
    auto loop = scf::WhileOp::create(b, TypeRange{i64}, ValueRange{zero});
    Block *before = b.createBlock(&loop.getBefore(), {}, {i64}, {b.getLoc()});
    LLVM::LLVMFuncOp next = declareRuntime(b, module, "cg_gpu_product_next", {pointer, i64}, i64);
    Value way = LLVM::CallOp::create(b, next, ValueRange{parameterArray(b, b.getLoc(), module, record), before->getArgument(0)}).getResult();
    Value goes = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, way, zero);
    scf::ConditionOp::create(b, goes, way);
    Block *after = b.createBlock(&loop.getAfter(), {}, {i64}, {b.getLoc()});
    Value byLibrary = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, after->getArgument(0), arith::ConstantIntOp::create(b, i64, CG_PRODUCT_BY_LIBRARY));
    auto choice = scf::IfOp::create(b, byLibrary, /*withElseRegion=*/true);
    scf::YieldOp::create(b, after->getArgument(0));
    b.setInsertionPoint(choice.thenBlock()->getTerminator());
    emitCall();
    p.anchor = choice.elseBlock()->getTerminator();
    generate(p);
  }

private:
  KernelModule &kernels;
  Product &p;
  ImplicitLocOpBuilder b;
  SmallVector<int64_t> record;
  std::optional<int64_t> factor, sum; // types
  Fused fused;
  Value out;
  bool rounds = false; // the library stores the rounded product in memory of its own
  int64_t workspace = 0;

  bool matchMatrices() {
    std::optional<Matrix> left = matrixOf(p.left, p.m, p.k), right = matrixOf(p.right, p.k, p.n), result = matrixOf(p.result, p.m, p.n);
    if (!left || !right || !result || result->transposed)
      return false;
    if (p.epilogue) {
      if (std::optional<Fused> found = matchFused(p, kernels.policy.way == ProductPolicy::Measured)) {
        Access own = p.epilogue.accesses[p.epilogue.op.getNumDpsInputs()];
        std::optional<int64_t> type = typeNumber(own.element()), biasType = found->bias ? typeNumber(elementOf(found->bias)) : sum;
        // The library takes results of the factors' type or of the sums', and a bias of the result's.
        if (std::optional<Matrix> matrix = matrixOf(own, p.m, p.n); type && matrix && !matrix->transposed && (type == factor || type == sum) && biasType == (found->bias ? type : sum)) {
          fused = *found;
          out = fused.out, result = matrix, sum = type;
        }
      }
    }
    workspace = std::min<int64_t>(kernels.target.workspaceBytes, std::max<int64_t>(1 << 16, p.batch * p.m * p.n * 4 * 64));
    record[CG_PRODUCT_KIND] = CG_PRODUCT_MATRICES;
    record[CG_PRODUCT_M] = p.m, record[CG_PRODUCT_N] = p.n, record[CG_PRODUCT_K] = p.k, record[CG_PRODUCT_BATCH] = p.batch;
    record[CG_PRODUCT_LEFT_TRANSPOSED] = left->transposed, record[CG_PRODUCT_LEFT_LD] = left->ld, record[CG_PRODUCT_LEFT_STEP] = left->step;
    record[CG_PRODUCT_RIGHT_TRANSPOSED] = right->transposed, record[CG_PRODUCT_RIGHT_LD] = right->ld, record[CG_PRODUCT_RIGHT_STEP] = right->step;
    record[CG_PRODUCT_RESULT_LD] = result->ld, record[CG_PRODUCT_RESULT_STEP] = result->step;
    return true;
  }

  /// Whether the epilogue stores each element where the product itself would have it.
  bool storesInPlace() const {
    Access own = p.epilogue.accesses[p.epilogue.op.getNumDpsInputs()], result = p.result;
    own.simplify(), result.simplify();
    auto same = [](const Axis &a, const Axis &b) { return a.size == b.size && a.stride == b.stride; };
    return own.offset == result.offset && own.windows.empty() && result.windows.empty() &&
           llvm::all_of(ArrayRef{Access::Batch, Access::Row, Access::Column}, [&](auto group) { return llvm::equal(own.groups[group], result.groups[group], same); });
  }

  /// Contiguous tensors of one type, padded alike on both sides as far as windows reach.
  bool matchConvolution() {
    auto call = cast<cellrt::CallOp>(p.op);
    Convolution c = convolutionOf(call);
    if (p.epilogue) {
      std::optional<Fused> found = matchFused(p, kernels.policy.way == ProductPolicy::Measured);
      bool isKnown = found && (found->epilogue == CG_PRODUCT_PLAIN || (found->epilogue == CG_PRODUCT_RELU_BIAS && c.kind == CG_PRODUCT_CONV));
      if (isKnown && storesInPlace() && typeNumber(elementOf(found->out)) == factor && (!found->bias || typeNumber(elementOf(found->bias)) == factor)) {
        fused = *found;
        out = fused.out, sum = factor;
      } else if (sum != factor && roundsFirst(p, p.left.element())) {
        rounds = true, sum = factor;
      }
    }
    int64_t bytes = 0;
    for (Value value : {c.x, c.w, c.y, out}) {
      auto type = cast<MemRefType>(value.getType());
      if (!type.areTrailingDimsContiguous(type.getRank()) || type.getNumElements() > INT32_MAX)
        return false;
      bytes += value == out ? 0 : type.getNumElements() * (p.left.element().getIntOrFloatBitWidth() / 8);
    }
    if (sum != factor || *factor == CG_PRODUCT_F64)
      return false;
    auto sizes = [](Value value) { return cast<MemRefType>(value.getType()).getShape(); };
    int64_t *size = record.data() + CG_PRODUCT_SIZES;
    llvm::copy(sizes(c.x), size + CG_CONV_N);
    size[CG_CONV_O] = sizes(c.w)[0], size[CG_CONV_KH] = sizes(c.w)[2], size[CG_CONV_KW] = sizes(c.w)[3];
    size[CG_CONV_OH] = sizes(c.y)[2], size[CG_CONV_OW] = sizes(c.y)[3];
    llvm::copy(call.getParams(), size + CG_CONV_SH);
    for (int axis : {0, 1}) { // the library knows one padding for both sides
      int64_t pad = size[CG_CONV_PT + 2 * axis], span = size[CG_CONV_DH + axis] * (size[CG_CONV_KH + axis] - 1) + 1;
      int64_t room = size[CG_CONV_H + axis] + 2 * pad - span;
      if (room < 0 || room / size[CG_CONV_SH + axis] + 1 != size[CG_CONV_OH + axis])
        return false;
      size[CG_CONV_PB + 2 * axis] = pad; // the same convolution, and so the same plan
    }
    // Other layouts and parts of sums: as much again as the tensors take, twice.
    workspace = std::min<int64_t>(kernels.target.convolutionWorkspaceBytes, std::max<int64_t>(1 << 20, 2 * bytes));
    record[CG_PRODUCT_KIND] = c.kind, record[CG_PRODUCT_KEEPS_NAN] = kernels.policy.way == ProductPolicy::Measured;
    return true;
  }

  static Type elementOf(Value buffer) { return cast<MemRefType>(buffer.getType()).getElementType(); }
};
} // namespace

bool cell::emitLibraryProduct(KernelModule &kernels, Product &p, llvm::function_ref<void(Product &)> generate) {
  ProductPolicy::Way way = kernels.policy.way;
  if (way == ProductPolicy::Generated || (way == ProductPolicy::Measured && !canRepeat(p)))
    return false;
  LibraryProduct product(kernels, p);
  if (!product.match())
    return false;
  if (way == ProductPolicy::Library)
    product.emitCall();
  else
    product.emitChoice(generate);
  return true;
}
