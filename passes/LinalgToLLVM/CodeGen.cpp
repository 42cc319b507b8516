//===- CodeGen.cpp - LLVM dialect to machine code -------------------------===//
#include "passes/LinalgToLLVM/CodeGen.h"

#include "passes/GpuToLLVM/DeviceCodeGen.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

#include <chrono>
#include <mutex>

using namespace mlir;
using namespace mlir::cell;

namespace {
class Clock {
public:
  explicit Clock(CodeGenResult &result) : result(result) {}
  void step(const char *name) {
    auto now = std::chrono::steady_clock::now();
    result.timings.emplace_back(name, std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
  }

private:
  CodeGenResult &result;
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};

std::string hostFeatures() {
  llvm::SubtargetFeatures features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createMachine(const CodeGenOptions &options) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
  });
  llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return llvm::createStringError("code generation: no target for %s: %s", triple.str().c_str(), error.c_str());
  std::string cpu = options.cpu.empty() ? llvm::sys::getHostCPUName().str() : options.cpu;
  std::string features = options.cpu.empty() ? hostFeatures() : "";
  if (!options.features.empty())
    features += (features.empty() ? "" : ",") + options.features;
  auto level = options.optLevel == 0 ? llvm::CodeGenOptLevel::None
               : options.optLevel == 1 ? llvm::CodeGenOptLevel::Less : llvm::CodeGenOptLevel::Default;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(triple, cpu, features, llvm::TargetOptions(), llvm::Reloc::PIC_,
                                                                           std::nullopt, level, /*JIT=*/true));
  if (!machine)
    return llvm::createStringError("code generation: no machine for cpu '%s'", cpu.c_str());
  return machine;
}

/// Attributes that every function needs so that the vectoriser uses the whole machine.
void setFunctionAttributes(llvm::Module &module, const llvm::TargetMachine &machine) {
  bool wide = machine.getTargetFeatureString().contains("+avx512f");
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    function.addFnAttr("no-trapping-math", "true");
    function.addFnAttr(llvm::Attribute::NoUnwind);
    if (wide)
      function.addFnAttr("prefer-vector-width", "512");
  }
}

/// The passes that matter for our loops, in a third of the time of the default pipeline: kernels come with known trip counts, distinct
/// pointers and no calls, so one round of clean-up on each side of the vectoriser is enough. Unrolling past the vectoriser's own
/// interleaving and SLP only added code.
constexpr llvm::StringLiteral kLoopPasses =
    "cgscc(inline),globaldce,function<eager-inv>(simplifycfg,early-cse<memssa>,loop-mssa(loop-rotate,licm),simplifycfg,instcombine<no-verify-fixpoint>,"
    "loop(loop-idiom,indvars,loop-deletion),loop-vectorize,loop-load-elim,instcombine<no-verify-fixpoint>,early-cse<memssa>,loop-mssa(licm),simplifycfg)";
constexpr llvm::StringLiteral kScalarPasses =
    "cgscc(inline),globaldce,function<eager-inv>(simplifycfg,early-cse<memssa>,loop-mssa(loop-rotate,licm),instcombine<no-verify-fixpoint>,simplifycfg)";
/// For kernels that the GPU simulator runs: what moves or drops accesses of memory on the device does so here, so that what is wrongly said of them shows.
constexpr llvm::StringLiteral kSimulatedPasses =
    "cgscc(inline),globaldce,function<eager-inv>(simplifycfg,early-cse<memssa>,loop-mssa(loop-rotate,licm),instcombine<no-verify-fixpoint>,gvn,dse,loop-mssa(licm),simplifycfg)";

llvm::Error optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned level, bool simulated) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager passes;
  if (level == 0)
    passes = builder.buildO0DefaultPipeline(llvm::OptimizationLevel::O0);
  else if (llvm::Error error = builder.parsePassPipeline(passes, simulated ? kSimulatedPasses : level == 1 ? kScalarPasses : kLoopPasses))
    return error;
  passes.run(module, modules);
  return llvm::Error::success();
}

llvm::Error emit(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType kind, std::string &out) {
  llvm::SmallVector<char, 0> buffer;
  llvm::raw_svector_ostream stream(buffer);
  llvm::legacy::PassManager passes;
  passes.add(llvm::createTargetTransformInfoWrapperPass(machine.getTargetIRAnalysis()));
  if (machine.addPassesToEmitFile(passes, stream, nullptr, kind))
    return llvm::createStringError("code generation: this target cannot emit the requested kind of file");
  passes.run(module);
  out.assign(buffer.begin(), buffer.end());
  return llvm::Error::success();
}

/// The kernels of a GPU program are taken out of the host's module while that is compiled.
class Detached {
public:
  explicit Detached(ModuleOp module) : module(module), kernels(llvm::to_vector(module.getOps<gpu::GPUModuleOp>())) {
    for (gpu::GPUModuleOp op : kernels)
      op->remove();
  }
  ~Detached() {
    for (gpu::GPUModuleOp op : kernels)
      module.push_back(op);
  }
  ModuleOp module;
  SmallVector<gpu::GPUModuleOp> kernels;
};

llvm::Error compile(Operation *module, const CodeGenOptions &options, const DeviceImage *image, CodeGenResult &result, Clock &clock);

/// The code of the kernels: PTX for a GPU, an object for the simulator, which runs them on this processor.
llvm::Expected<DeviceImage> compileKernels(ModuleOp program, ArrayRef<gpu::GPUModuleOp> modules, const CodeGenOptions &options, CodeGenResult &result, Clock &clock) {
  DeviceImage image;
  image.fixed = program->hasAttr("cell.gpu_fixed");
  if (modules.empty())
    return image;
  if (modules.size() > 1)
    return llvm::createStringError("code generation: more than one gpu.module in a program");
  gpu::GPUModuleOp module = modules.front();
  image.kernels = kernelNames(module);
  if (image.kernels.empty())
    return image;
  if (!module.getTargetsAttr()) {
    CodeGenOptions native;
    native.optLevel = options.optLevel;
    CodeGenResult code;
    if (llvm::Error error = compile(module, native, nullptr, code, clock))
      return std::move(error);
    image.bytes = std::move(code.object);
    image.format = "x86_64-elf";
    auto chip = module->getAttrOfType<StringAttr>("cell.chip"); // an accelerator of its own simulator (ascend-to-sim)
    image.chip = chip ? chip.getValue().str() : "sim";
    return image;
  }
  image.chip = chipOf(module);
  image.positions = kernelPositions(module);
  if (!options.cubin.empty()) {
    image.bytes = options.cubin;
    image.format = "cubin";
    return image;
  }
  llvm::Expected<std::string> ptx = generatePtx(module, options.optLevel);
  if (!ptx)
    return ptx.takeError();
  clock.step("ptx");
  result.ptx = std::move(*ptx);
  image.bytes = result.ptx + '\0';
  image.format = "ptx";
  return image;
}

llvm::Error compile(Operation *module, const CodeGenOptions &options, const DeviceImage *image, CodeGenResult &result, Clock &clock) {
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(options);
  if (!machine)
    return machine.takeError();
  clock.step("target machine");

  registerBuiltinDialectTranslation(*module->getContext());
  registerLLVMDialectTranslation(*module->getContext());
  if (isa<gpu::GPUModuleOp>(module))
    registerGPUDialectTranslation(*module->getContext());
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> ir = translateModuleToLLVMIR(module, context, "cellgrad", /*disableVerification=*/true);
  if (!ir)
    return llvm::createStringError("code generation: the module could not be translated to LLVM IR");
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  if (llvm::verifyModule(*ir, &stream))
    return llvm::createStringError("code generation: the translated LLVM IR is not valid: " + broken);
  ir->setTargetTriple((*machine)->getTargetTriple());
  ir->setDataLayout((*machine)->createDataLayout());
  setFunctionAttributes(*ir, **machine);
  if (image)
    defineProgram(*ir, *image);
  clock.step("translate");

  bool simulated = isa<gpu::GPUModuleOp>(module) && !module->hasAttr("cell.chip"); // an accelerator's kernels are calls
  if (llvm::Error error = optimize(*ir, **machine, options.optLevel, simulated))
    return error;
  clock.step("optimize");
  if (options.llvmIR) {
    llvm::raw_string_ostream text(result.llvmIR);
    ir->print(text, nullptr);
  }
  if (options.assembly) {
    // Emission changes the module, so text comes from a copy.
    auto copy = options.object ? llvm::CloneModule(*ir) : std::move(ir);
    if (llvm::Error error = emit(*copy, **machine, llvm::CodeGenFileType::AssemblyFile, result.assembly))
      return error;
    clock.step("assembly");
  }
  if (options.object) {
    if (llvm::Error error = emit(*ir, **machine, llvm::CodeGenFileType::ObjectFile, result.object))
      return error;
    clock.step("object");
  }
  return llvm::Error::success();
}
} // namespace

std::string cell::hostDescription() { return llvm::sys::getHostCPUName().str() + " " + hostFeatures(); }

llvm::Expected<CodeGenResult> cell::generateCode(ModuleOp module, const CodeGenOptions &options) {
  CodeGenResult result;
  Clock clock(result);
  if (auto bytes = module->getAttrOfType<IntegerAttr>("cell.arena_bytes"))
    result.arenaBytes = bytes.getInt();
  Detached detached(module);
  llvm::Expected<DeviceImage> image = compileKernels(module, detached.kernels, options, result, clock);
  if (!image)
    return image.takeError();
  if (options.object || options.assembly || options.llvmIR)
    if (llvm::Error error = compile(module, options, &*image, result, clock))
      return std::move(error);
  return result;
}
