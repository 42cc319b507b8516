//===- Routines.cpp - runtime routines as the compiler sees them ----------===//
#include "passes/LinalgToLLVM/Routines.h"

#include "passes/LinalgToLLVM/Common.h"
#include "runtime/cpu/cellgrad_cpu.h"

#include <algorithm>
#include <thread>

using namespace mlir;
using namespace mlir::cell;

namespace {
ArrayRef<int64_t> shape(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

/// Inputs without the scratch memory that the memory plan may have added.
OperandRange realIns(cellrt::CallOp call) {
  bool isConv = call.getRoutine().starts_with("conv2d");
  return isConv ? call.getIns().take_front(2) : call.getIns();
}

SmallVector<int64_t> convParameters(cellrt::CallOp call) {
  StringRef name = call.getRoutine();
  Value in0 = call.getIns()[0], in1 = call.getIns()[1], out = call.getOuts()[0];
  ArrayRef<int64_t> x = shape(name == "conv2d_dx" ? out : in0), w = shape(name == "conv2d_dw" ? out : in1);
  ArrayRef<int64_t> y = shape(name == "conv2d" ? out : name == "conv2d_dx" ? in0 : in1);
  SmallVector<int64_t> p{x[0], x[1], x[2], x[3], w[0], w[2], w[3], y[2], y[3]};
  llvm::append_range(p, call.getParams());
  int64_t threads = std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, 64);
  p.push_back(std::min(threads, std::max<int64_t>(x[0], 1)));
  return p;
}

SmallVector<int64_t> parameters(cellrt::CallOp call) {
  StringRef name = call.getRoutine();
  if (name.starts_with("conv2d"))
    return convParameters(call);
  if (name == "scatter_add") {
    auto index = cast<ShapedType>(call.getIns()[0].getType());
    ArrayRef<int64_t> acc = shape(call.getOuts()[0]);
    int64_t row = 1;
    for (int64_t size : acc.drop_front())
      row *= size;
    return {index.getDimSize(0), row, acc[0], elementBytes(index.getElementType())};
  }
  bool gradient = name.ends_with("_dx");
  ArrayRef<int64_t> out = shape(call.getOuts()[0]), last = shape(realIns(call).back());
  ArrayRef<int64_t> x = gradient ? out : last, y = gradient ? last : out;
  SmallVector<int64_t> p{x[0], x[1], x[2], x[3], y[2], y[3]};
  llvm::append_range(p, call.getParams());
  return p;
}

void lowerGemm(OpBuilder &builder, cellrt::CallOp call, ModuleOp module, StringRef suffix, Value a, Value b, Value c) {
  Location loc = call.getLoc();
  ArrayRef<int64_t> sa = shape(call.getIns()[0]), sb = shape(call.getIns()[1]), sc = shape(call.getOuts()[0]);
  int64_t batch = 1, m = sc[sc.size() - 2], n = sc.back();
  for (int64_t size : sc.drop_back(2))
    batch *= size;
  int64_t k = sa[sa.size() - (call.getParams()[0] ? 2 : 1)];
  auto i64 = [&](int64_t value) -> Value { return LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value)); };
  Type element = cast<ShapedType>(call.getOuts()[0].getType()).getElementType();
  auto real = [&](double value) -> Value { return LLVM::ConstantOp::create(builder, loc, builder.getFloatAttr(element, value)); };
  Value beta = real(call.accumulates() ? 1 : 0);
  SmallVector<Value> args{i64(call.getParams()[0]), i64(call.getParams()[1]), i64(m), i64(n), i64(k), real(1)};
  bool batched = batch != 1;
  auto matrix = [&](Value pointer, ArrayRef<int64_t> sizes, int64_t step) {
    args.append({pointer, i64(std::max<int64_t>(sizes.back(), 1))});
    if (batched)
      args.push_back(i64(step));
  };
  if (batched)
    args.insert(args.begin(), i64(batch));
  matrix(a, sa, m * k);
  matrix(b, sb, k * n);
  args.push_back(beta);
  matrix(c, sc, m * n);
  SmallVector<Type> types(ValueRange(args).getTypes());
  std::string name = (batched ? "cg_gemm_batch_" : "cg_gemm_") + suffix.str();
  LLVM::CallOp::create(builder, loc, declareRuntime(builder, module, name, types), args);
}
} // namespace

LLVM::LLVMFuncOp cell::declareRuntime(OpBuilder &builder, ModuleOp module, StringRef name, ArrayRef<Type> arguments, Type result) {
  if (auto func = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return func;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(module.getBody());
  auto type = LLVM::LLVMFunctionType::get(result ? result : LLVM::LLVMVoidType::get(builder.getContext()), arguments);
  return LLVM::LLVMFuncOp::create(builder, module.getLoc(), name, type);
}

Value cell::parameterArray(OpBuilder &builder, Location loc, ModuleOp module, ArrayRef<int64_t> values) {
  std::string name = "cg_params";
  for (int64_t value : values)
    name += "_" + std::to_string(value);
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMArrayType::get(builder.getI64Type(), values.size());
    LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Private, name, builder.getI64TensorAttr(values), /*alignment=*/8);
  }
  return LLVM::AddressOfOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), name);
}

int64_t cell::routineScratchBytes(cellrt::CallOp call) {
  if (!call.getRoutine().starts_with("conv2d"))
    return 0;
  SmallVector<int64_t> p = convParameters(call);
  return cg_conv2d_scratch(p.data(), call.getRoutine() == "conv2d_dw") * elementBytes(cast<ShapedType>(call.getOuts()[0].getType()).getElementType());
}

LogicalResult cell::lowerRoutine(OpBuilder &builder, cellrt::CallOp call, ValueRange ins, ValueRange outs) {
  auto module = call->getParentOfType<ModuleOp>();
  Type result = cast<ShapedType>(call.getOuts()[0].getType()).getElementType();
  StringRef suffix = result.isF32() ? "f32" : result.isF64() ? "f64" : result.isInteger(32) ? "i32" : "i64"; // whole numbers: scatter_add only
  if (call.getRoutine() == "gemm") {
    lowerGemm(builder, call, module, suffix, ins[0], ins[1], outs[0]);
    return success();
  }
  Type element = cast<ShapedType>(call.getOuts()[0].getType()).getElementType();
  bool isConv = call.getRoutine().starts_with("conv2d");
  if (isConv && cast<ShapedType>(call.getIns()[0].getType()).getElementType() != element)
    return call.emitError("stage finalize-cpu: the CPU's '") << call.getRoutine() << "' takes inputs of the output's type, " << element << "; cast them around the call";
  SmallVector<Value> args{parameterArray(builder, call.getLoc(), module, parameters(call))};
  llvm::append_range(args, ins.take_front(realIns(call).size()));
  llvm::append_range(args, outs);
  if (isConv)
    args.push_back(ins.size() > 2 ? ins[2] : LLVM::ZeroOp::create(builder, call.getLoc(), LLVM::LLVMPointerType::get(builder.getContext())).getResult());
  SmallVector<Type> types(ValueRange(args).getTypes());
  std::string name = ("cg_" + call.getRoutine() + "_" + suffix).str();
  LLVM::CallOp::create(builder, call.getLoc(), declareRuntime(builder, module, name, types), args);
  return success();
}
