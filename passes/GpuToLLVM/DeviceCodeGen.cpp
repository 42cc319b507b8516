//===- DeviceCodeGen.cpp - kernels to PTX, and into the host's object -----===//
#include "passes/GpuToLLVM/DeviceCodeGen.h"

#include "passes/UserPlace.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <mutex>

extern "C" {
void LLVMInitializeNVPTXTarget(void);
void LLVMInitializeNVPTXTargetInfo(void);
void LLVMInitializeNVPTXTargetMC(void);
void LLVMInitializeNVPTXAsmPrinter(void);
}

using namespace mlir;
using namespace mlir::cell;

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createMachine(NVVM::NVVMTargetAttr target, unsigned optLevel) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  llvm::Triple triple(target.getTriple());
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return llvm::createStringError("code generation: no target for %s: %s", triple.str().c_str(), error.c_str());
  auto level = optLevel == 0 ? llvm::CodeGenOptLevel::None : optLevel == 1 ? llvm::CodeGenOptLevel::Less : llvm::CodeGenOptLevel::Aggressive;
  std::unique_ptr<llvm::TargetMachine> machine(
      found->createTargetMachine(triple, target.getChip(), target.getFeatures(), llvm::TargetOptions(), std::nullopt, std::nullopt, level));
  if (!machine)
    return llvm::createStringError("code generation: no machine for chip '%s'", target.getChip().str().c_str());
  return machine;
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned optLevel) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  // Threads are the vectors here; wide accesses are in the kernels already.
  tuning.LoopVectorization = tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::OptimizationLevel levels[] = {llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1, llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::ModulePassManager passes = optLevel == 0 ? builder.buildO0DefaultPipeline(levels[0]) : builder.buildPerModuleDefaultPipeline(levels[std::min(optLevel, 3u)]);
  passes.run(module, modules);
}

static NVVM::NVVMTargetAttr targetOf(gpu::GPUModuleOp module) {
  ArrayAttr targets = module.getTargetsAttr();
  return targets && targets.size() == 1 ? dyn_cast<NVVM::NVVMTargetAttr>(targets[0]) : nullptr;
}

std::string cell::chipOf(gpu::GPUModuleOp module) {
  NVVM::NVVMTargetAttr target = targetOf(module);
  return target ? target.getChip().str() : "";
}

llvm::Expected<std::string> cell::generatePtx(gpu::GPUModuleOp module, unsigned optLevel) {
  NVVM::NVVMTargetAttr target = targetOf(module);
  if (!target)
    return llvm::createStringError("code generation: the kernels have no target; run the pipeline gpu-program-to-llvm first");
  auto machine = createMachine(target, optLevel);
  if (!machine)
    return machine.takeError();
  MLIRContext &mlirContext = *module.getContext();
  registerBuiltinDialectTranslation(mlirContext);
  registerGPUDialectTranslation(mlirContext);
  registerLLVMDialectTranslation(mlirContext);
  registerNVVMDialectTranslation(mlirContext);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> ir = translateModuleToLLVMIR(module, context, module.getName(), /*disableVerification=*/true);
  if (!ir)
    return llvm::createStringError("code generation: the kernels could not be translated to LLVM IR");
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  if (llvm::verifyModule(*ir, &stream))
    return llvm::createStringError("code generation: the translated LLVM IR of the kernels is not valid: " + broken);
  ir->setTargetTriple((*machine)->getTargetTriple());
  ir->setDataLayout((*machine)->createDataLayout());
  for (llvm::Function &function : *ir)
    if (!function.isDeclaration())
      function.addFnAttr(llvm::Attribute::NoUnwind);
  optimize(*ir, **machine, optLevel);

  llvm::SmallVector<char, 0> buffer;
  llvm::raw_svector_ostream out(buffer);
  llvm::legacy::PassManager passes;
  passes.add(llvm::createTargetTransformInfoWrapperPass((*machine)->getTargetIRAnalysis()));
  if ((*machine)->addPassesToEmitFile(passes, out, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return llvm::createStringError("code generation: this target cannot emit assembly");
  passes.run(*ir);
  return std::string(buffer.begin(), buffer.end());
}

std::vector<std::string> cell::kernelNames(gpu::GPUModuleOp module) {
  std::vector<std::string> names;
  for (Operation &op : module.getBody()->getOperations())
    if (op.hasAttr(gpu::GPUDialect::getKernelFuncAttrName()))
      names.push_back(SymbolTable::getSymbolName(&op).getValue().str());
  return names;
}

std::vector<std::string> cell::kernelPositions(gpu::GPUModuleOp module) {
  std::vector<std::string> positions;
  bool any = false;
  for (Operation &op : module.getBody()->getOperations()) {
    if (!op.hasAttr(gpu::GPUDialect::getKernelFuncAttrName()))
      continue;
    auto fused = dyn_cast<FusedLoc>(op.getLoc());
    FileLineColLoc place = fused && isa_and_nonnull<LLVM::DISubprogramAttr>(fused.getMetadata()) ? userPlace(fused) : FileLineColLoc();
    any |= bool(place);
    positions.push_back(place ? place.getFilename().str() + ":" + std::to_string(place.getLine()) : "");
  }
  return any ? positions : std::vector<std::string>();
}

void cell::defineProgram(llvm::Module &host, const DeviceImage &image) {
  llvm::GlobalVariable *program = host.getNamedGlobal("cg_gpu_program");
  if (!program)
    return;
  llvm::LLVMContext &context = host.getContext();
  auto *type = llvm::cast<llvm::StructType>(program->getValueType());
  auto *pointer = llvm::PointerType::getUnqual(context);
  auto *i64 = llvm::Type::getInt64Ty(context);
  auto constant = [&](llvm::Constant *value, llvm::Align alignment) -> llvm::Constant * {
    auto *global = new llvm::GlobalVariable(host, value->getType(), /*isConstant=*/true, llvm::GlobalValue::PrivateLinkage, value, "cg_gpu");
    global->setAlignment(alignment);
    return global;
  };
  auto text = [&](llvm::StringRef string) { return constant(llvm::ConstantDataArray::getString(context, string), llvm::Align(1)); };
  auto texts = [&](llvm::ArrayRef<std::string> strings) -> llvm::Constant * {
    if (strings.empty())
      return llvm::ConstantPointerNull::get(pointer);
    llvm::SmallVector<llvm::Constant *> elements;
    for (const std::string &string : strings)
      elements.push_back(text(string));
    return constant(llvm::ConstantArray::get(llvm::ArrayType::get(pointer, elements.size()), elements), llvm::Align(8));
  };
  llvm::Constant *null = llvm::ConstantPointerNull::get(pointer);
  llvm::Constant *bytes = null;
  if (!image.bytes.empty())
    bytes = constant(llvm::ConstantDataArray::getString(context, image.bytes, /*AddNull=*/false), llvm::Align(16));
  auto number = [&](int64_t value) { return llvm::ConstantInt::get(i64, value); };
  // The order of runtime/gpu/cellgrad_gpu.h: image, image_bytes, format, chip, kernels, positions, kernel_count, fixed, state.
  program->setInitializer(llvm::ConstantStruct::get(type, {bytes, number(image.bytes.size()), text(image.format), text(image.chip), texts(image.kernels), texts(image.positions),
                                                           number(image.kernels.size()), number(image.fixed), null}));
  program->setLinkage(llvm::GlobalValue::ExternalLinkage);
  program->setConstant(false);
}
