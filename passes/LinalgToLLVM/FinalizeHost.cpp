//===- FinalizeHost.cpp - the host's functions to the LLVM dialect --------===//
#include "passes/LinalgToLLVM/FinalizeHost.h"

#include "dialect/Rt/RtOps.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/EntryPoint.h"
#include "passes/LinalgToLLVM/MemRefToPointers.h"
#include "passes/LinalgToLLVM/ScalarExpansions.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Reports the first operation that this stage has no lowering for, at its own location.
LogicalResult checkLowerable(ModuleOp module, const HostTarget &to) {
  LLVM::LLVMDialect *llvm = module.getContext()->getLoadedDialect<LLVM::LLVMDialect>();
  WalkResult result = module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (to.isOpaque && to.isOpaque(op))
      return WalkResult::skip();
    bool known = (to.isKnown && to.isKnown(op)) ||
                 isa_and_nonnull<arith::ArithDialect, cellrt::CellRtDialect, cf::ControlFlowDialect, func::FuncDialect, math::MathDialect, scf::SCFDialect>(op->getDialect()) ||
                 (llvm && op->getDialect() == llvm) ||
                 isa<ModuleOp, memref::LoadOp, memref::StoreOp, memref::SubViewOp, memref::ReinterpretCastOp, memref::ViewOp, memref::CopyOp, memref::DimOp, memref::GlobalOp, memref::GetGlobalOp,
                     memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp>(op);
    bool static_ = true;
    auto check = [&](Type type) {
      auto memref = dyn_cast<MemRefType>(type);
      static_ &= !memref || memref.hasStaticShape();
    };
    llvm::for_each(op->getOperandTypes(), check);
    llvm::for_each(op->getResultTypes(), check);
    if (known && static_)
      return WalkResult::advance();
    auto diag = op->emitError("stage ") << to.stage << ": '" << op->getName() << "' cannot be lowered for the " << to.name;
    if (op->getNumOperands())
      diag << "; operands of type " << llvm::to_vector(op->getOperandTypes());
    if (op->getNumResults())
      diag << "; results of type " << llvm::to_vector(op->getResultTypes());
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// A user may call a function exp or malloc: nothing that the linker looks up by name may be hidden by it, so every name
/// gets a dot, which no C symbol has.
void renameFunctions(ModuleOp module) {
  llvm::SmallDenseMap<StringAttr, StringAttr> names;
  for (auto func : module.getOps<func::FuncOp>())
    if (!func.isExternal() && !func.getName().contains('.')) {
      auto name = StringAttr::get(module.getContext(), "fn." + func.getName());
      names[func.getNameAttr()] = name;
      func.setSymNameAttr(name);
    }
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](SymbolRefAttr reference) -> std::optional<std::pair<Attribute, WalkResult>> {
    StringAttr name = names.lookup(reference.getRootReference());
    return std::pair<Attribute, WalkResult>(name ? SymbolRefAttr::get(name, reference.getNestedReferences()) : reference, WalkResult::skip());
  });
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<SymbolUserOpInterface>(op))
      replacer.replaceElementsIn(op);
    bool isScope = op != module && op->hasTrait<OpTrait::SymbolTable>(); // names mean something else inside
    return isScope ? WalkResult::skip() : WalkResult::advance();
  });
}
} // namespace

LogicalResult cell::expandScalars(Operation *root, const ConversionConfig &config, function_ref<void(ConversionTarget &)> configure) {
  MLIRContext *context = root->getContext();
  RewritePatternSet patterns(context);
  populateSCFToControlFlowConversionPatterns(patterns);
  arith::populateExpandBFloat16Patterns(patterns);
  populateScalarExpansions(patterns);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  ConversionTarget target(*context);
  target.addIllegalDialect<scf::SCFDialect>();
  target.addIllegalOp<math::RsqrtOp, math::IsInfOp, math::IPowIOp, arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>();
  auto bf16 = [](Type type) { return getElementTypeOrSelf(type).isBF16(); };
  target.addDynamicallyLegalOp<arith::ExtFOp>([=](arith::ExtFOp op) { return !bf16(op.getIn().getType()); });
  target.addDynamicallyLegalOp<arith::TruncFOp>([=](arith::TruncFOp op) { return !bf16(op.getType()) && !(getElementTypeOrSelf(op.getIn()).isF64() && getElementTypeOrSelf(op.getType()).isF16()); });
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  if (configure)
    configure(target);
  return applyPartialConversion(root, target, std::move(patterns), config);
}

LogicalResult cell::finalizeHost(ModuleOp module, const HostTarget &to) {
  MLIRContext *context = module.getContext();
  func::FuncOp entry = findEntry(module);
  if (!entry)
    return failure();
  renameFunctions(module);
  std::string entryName = entry.getName().str();
  unsigned arguments = entry.getNumArguments();
  bool hasArena = arguments && entry.getArgAttr(arguments - 1, cpu::kArenaArg);
  auto arena = module->getAttrOfType<IntegerAttr>(cpu::kArenaBytes);
  Effects effects = Effects::of(module);
  effects.any |= to.canFail;

  if (failed(checkLowerable(module, to)))
    return failure();
  inlineEffects(module);
  ConversionConfig config;
  config.allowPatternRollback = false;
  if (failed(expandScalars(module, config, to.configure)))
    return failure();

  LowerToLLVMOptions options(context);
  LLVMTypeConverter converter(context, options);
  addPointerConversions(converter);
  RewritePatternSet patterns(context);
  populateMemRefToPointersPatterns(converter, patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  // What is one instruction (fma, roundeven, ...) before calls of the C library.
  populateMathToLLVMConversionPatterns(converter, patterns, /*approximateLog1p=*/false, /*benefit=*/2);
  populateMathToLibmConversionPatterns(patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  populateEffectsToLLVMPatterns(converter, patterns, to.effects);
  to.populate(converter, patterns);
  LLVMConversionTarget target(*context);
  target.addLegalOp<ModuleOp>();
  if (to.configure)
    to.configure(target);
  if (failed(applyFullConversion(module, target, std::move(patterns), config)))
    return failure();
  // Items of tapes are pointers from the start.
  SmallVector<UnrealizedConversionCastOp> casts;
  module.walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
  reconcileUnrealizedCasts(casts);
  if (failed(addEntry(module, to.stage, entryName, hasArena, arena ? arena.getInt() : 0, effects.any)))
    return failure();
  addEffectHooks(module, effects);
  return success();
}
