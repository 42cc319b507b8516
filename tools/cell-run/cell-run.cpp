//===- cell-run.cpp - compile a .mlir file, run it, print its results -----===//
//
//   cell-run f.mlir --input=2x3xf32=1,2,3,4,5,6 --input=rand --input=x.npy
//   cell-run f.mlir --ptx=sm_90
//   cell-run f.mlir --target=gpu-sim --sim=checked,seed=3 --input=rand
//   cell-run f.mlir --target=ascend --profile --trace=t.json --input=rand
//
// The entry is the module's only public function; its arguments are the inputs, in order. Results tied to an argument (assigned
// parameters) are printed like the others.
//
//===----------------------------------------------------------------------===//
#include "passes/LinalgToLLVM/CodeGen.h"
#include "passes/LinalgToLLVM/Jit.h"
#include "passes/Pipelines.h"
#include "runtime/cpu/cellgrad_cpu.h"
#include "tools/cell-run/GpuRun.h"
#include "tools/cell-run/HostTensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Support/FileUtilities.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>

using namespace mlir;
using namespace mlir::cell;
namespace cl = llvm::cl;

static cl::OptionCategory category("cell-run options");
static cl::opt<std::string> inputFile(cl::Positional, cl::desc("<file.mlir>"), cl::init("-"), cl::cat(category));
static cl::list<std::string> inputs("input", cl::desc("One per argument: 2x3xf32=1,2,3,4,5,6 | 1.5 | rand[:seed[:low:high]] | x.npy"),
                                    cl::value_desc("tensor"), cl::cat(category));
enum class Target { Cpu, Gpu, GpuSim, Ascend };
static cl::opt<Target> target("target", cl::desc("What runs the program"), cl::init(Target::Cpu),
                              cl::values(clEnumValN(Target::Cpu, "cpu", "this processor (default)"), clEnumValN(Target::Gpu, "gpu", "the first CUDA device"),
                                         clEnumValN(Target::GpuSim, "gpu-sim", "the GPU simulator"), clEnumValN(Target::Ascend, "ascend", "the Ascend simulator")),
                              cl::cat(category));
static cl::opt<std::string> simulation("sim", cl::desc("How the simulator runs kernels: checked, seed=<number>, waits=<number>"), cl::value_desc("checked,seed=N"), cl::cat(category));
static cl::opt<bool> showProfile("profile", cl::desc("Print what the cycle model says of each kernel (target ascend)"), cl::cat(category));
static cl::opt<std::string> traceFile("trace", cl::desc("Write when each operation ran, as a Chrome trace (target ascend)"), cl::value_desc("t.json"), cl::cat(category));
static cl::opt<std::string> pipeline("pipeline", cl::desc("Pipeline that lowers the file (default cell-to-llvm, for a GPU cell-to-nvvm, for Ascend cell-to-ascend,ascend-program-to-llvm)"), cl::cat(category));
static cl::opt<std::string> runtimeLibrary("runtime-library", cl::desc("Path of libcellgrad_cpu.so, for a device of libcellgrad_gpu.so"), cl::cat(category));
static cl::opt<std::string> saveNpy("save-npy", cl::desc("Write result i to <prefix>i.npy"), cl::value_desc("prefix"), cl::cat(category));
static cl::opt<int64_t> printLimit("print-limit", cl::desc("Elements printed of each result"), cl::init(1000), cl::cat(category));
static cl::opt<unsigned> repeat("repeat", cl::desc("Run so many times and print the shortest time"), cl::init(1), cl::cat(category));
static cl::opt<bool> showTimes("time", cl::desc("Print how long lowering, code generation and linking took"), cl::cat(category));
static cl::opt<bool> printAssembly("assembly", cl::desc("Print the machine code as assembly and do not run it"), cl::cat(category));
static cl::opt<std::string> ptxChip("ptx", cl::desc("Print the kernels for a GPU as PTX and do not run them; the GPU need not be here"), cl::value_desc("sm_80"), cl::cat(category));
static cl::opt<std::string> cpuName("cpu", cl::desc("CPU to generate code for (default: this one)"), cl::cat(category));
static cl::opt<std::string> cpuFeatures("features", cl::desc("CPU features, for example -avx512f"), cl::cat(category));

/// Nothing runs.
static bool onlyText() { return printAssembly || !ptxChip.empty(); }

using Clock = std::chrono::steady_clock;
static double milliseconds(Clock::time_point since) { return std::chrono::duration<double, std::milli>(Clock::now() - since).count(); }

static int fail(llvm::Error error) {
  llvm::errs() << "cell-run: " << llvm::toString(std::move(error)) << "\n";
  return 1;
}
static int fail(const llvm::Twine &message) {
  llvm::errs() << "cell-run: " << message << "\n";
  return 1;
}

static func::FuncOp findEntry(ModuleOp module) {
  func::FuncOp entry;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPublic() || function.isExternal())
      continue;
    if (entry) {
      fail("@" + entry.getName() + " and @" + function.getName() + " are both public; make all but the entry private");
      return {};
    }
    entry = function;
  }
  if (!entry)
    fail("the file has no public func.func to run (a file in the LLVM dialect cannot be run: give the stage before)");
  return entry;
}

/// The pipeline asked for, or the whole way to `chip`.
static std::string pipelineFor(StringRef chip) {
  if (!pipeline.empty())
    return pipeline;
  if (target == Target::Ascend)
    return ("cell-to-ascend{chip=" + chip + "},ascend-program-to-llvm").str();
  return chip.empty() ? "cell-to-llvm" : ("cell-to-nvvm{chip=" + chip + "}").str();
}

static int runMain(int argc, char **argv) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerCellDialects(registry);
  registerAllPasses();
  registerCellPassesAndPipelines();
  MLIRContext context(registry);

  std::string message;
  auto buffer = openInputFile(inputFile, &message);
  if (!buffer)
    return fail(llvm::Twine(message));
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), SMLoc());
  SourceMgrDiagnosticHandler diagnostics(*sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return 1;
  func::FuncOp entry = findEntry(*module);
  if (!entry)
    return 1;

  // Arguments and results, before lowering changes the signature.
  FunctionType type = entry.getFunctionType();
  if (inputs.size() != type.getNumInputs() && !onlyText())
    return fail("@" + entry.getName() + " takes " + llvm::Twine(type.getNumInputs()) + " arguments, " + llvm::Twine(inputs.size()) +
                " --input given");
  std::vector<HostTensor> arguments, results;
  std::vector<int64_t> tiedTo;
  for (auto [i, argumentType] : llvm::enumerate(type.getInputs())) {
    auto tensor = onlyText() ? HostTensor::zeros(argumentType) : HostTensor::fromSpec(inputs[i], argumentType);
    if (!tensor)
      return fail("argument " + llvm::Twine(i) + ": " + llvm::toString(tensor.takeError()));
    arguments.push_back(std::move(*tensor));
  }
  std::vector<void *> pointers;
  for (HostTensor &t : arguments)
    pointers.push_back(t.data());
  for (auto [i, resultType] : llvm::enumerate(type.getResults())) {
    auto alias = entry.getResultAttrOfType<IntegerAttr>(i, "cell.alias");
    auto tensor = HostTensor::zeros(resultType);
    if (!tensor)
      return fail("result " + llvm::Twine(i) + ": " + llvm::toString(tensor.takeError()));
    tiedTo.push_back(alias ? alias.getInt() : -1);
    if (tiedTo.back() >= int64_t(arguments.size()))
      return fail("result " + llvm::Twine(i) + " is tied to argument " + llvm::Twine(tiedTo.back()) + ", which does not exist");
    results.push_back(std::move(*tensor));
    if (tiedTo.back() < 0)
      pointers.push_back(results.back().data());
  }

  if (runtimeLibrary.empty()) {
    std::string self = llvm::sys::fs::getMainExecutable(argv[0], reinterpret_cast<void *>(&runMain));
    SmallString<256> path(llvm::sys::path::parent_path(llvm::sys::path::parent_path(self)));
    llvm::sys::path::append(path, "lib", target == Target::Cpu ? "libcellgrad_cpu.so" : "libcellgrad_gpu.so");
    runtimeLibrary = std::string(path);
  }
  if ((showProfile || !traceFile.empty()) && target != Target::Ascend)
    return fail("--profile and --trace are for --target=ascend");
  if (!simulation.empty() && target != Target::GpuSim && target != Target::Ascend)
    return fail("--sim is for --target=gpu-sim and --target=ascend");
  if (llvm::StringRef(traceFile).contains(','))
    return fail("--trace: the name of the file has a comma, which the simulator's list of modes is divided by");
  std::unique_ptr<GpuDevice> device;
  if (target != Target::Cpu && ptxChip.empty()) {
    // What the environment says is left as it is where no option says anything.
    const char *variable = target == Target::Ascend ? "CELLGRAD_ASCEND_SIM" : "CELLGRAD_GPU_SIM", *before = getenv(variable);
    std::string modes = !simulation.empty() || !before ? simulation : std::string(before);
    if (showProfile)
      modes += modes.empty() ? "cycles" : ",cycles";
    if (!traceFile.empty())
      modes += (modes.empty() ? "trace=" : ",trace=") + traceFile;
    if (!modes.empty())
      setenv(variable, modes.c_str(), /*overwrite=*/1);
    using Kind = GpuDevice::Kind;
    auto opened = GpuDevice::open(runtimeLibrary, target == Target::Ascend ? Kind::Ascend : target == Target::GpuSim ? Kind::GpuSimulator : Kind::Gpu);
    if (!opened)
      return fail(opened.takeError());
    device = std::move(*opened);
    std::vector<HostTensor *> tensors;
    for (HostTensor &t : arguments)
      tensors.push_back(&t);
    for (auto [i, t] : llvm::enumerate(results))
      if (tiedTo[i] < 0)
        tensors.push_back(&t);
    for (auto [pointer, tensor] : llvm::zip_equal(pointers, tensors)) {
      auto memory = device->allocate(tensor->bytesInMemory());
      if (!memory)
        return fail(memory.takeError());
      if (llvm::Error error = device->upload(*memory, tensor->data(), tensor->bytesInMemory()))
        return fail(std::move(error));
      pointer = *memory;
    }
  }

  auto start = Clock::now();
  PassManager manager(&context, ModuleOp::getOperationName());
  if (failed(parsePassPipeline(pipelineFor(!ptxChip.empty() ? ptxChip : device ? device->chip() : ""), manager, llvm::errs())) || failed(manager.run(*module)))
    return 1;
  double lowering = milliseconds(start);
  bool entryCanFail = module->lookupSymbol("cg_failure") != nullptr;

  CodeGenOptions options;
  options.cpu = cpuName;
  options.features = cpuFeatures;
  options.assembly = printAssembly;
  options.object = !onlyText();
  auto code = generateCode(*module, options);
  if (!code)
    return fail(code.takeError());
  if (onlyText()) {
    llvm::outs() << (ptxChip.empty() ? code->assembly : code->ptx);
    return 0;
  }

  start = Clock::now();
  auto linker = JitLinker::create(runtimeLibrary);
  if (!linker)
    return fail(linker.takeError());
  auto program = (*linker)->link(std::move(code->object));
  if (!program)
    return fail(program.takeError());
  double linking = milliseconds(start);
  void *image = nullptr;
  if (device) {
    auto found = (*program)->lookup("cg_gpu_program");
    if (!found) {
      llvm::consumeError(found.takeError());
      return fail("the pipeline makes no program for a GPU; use cell-to-nvvm{chip=" + device->chip() + "}, or its last part gpu-program-to-llvm");
    }
    image = *found;
  }

  int64_t arenaBytes = ((*program)->arenaBytes() + 64) / 64 * 64;
  std::unique_ptr<void, void (*)(void *)> arena(device ? nullptr : std::aligned_alloc(64, arenaBytes), ::free);
  if (!arena && !device)
    return fail("no memory for the arena of " + llvm::Twine(arenaBytes) + " bytes");
  // Only a program that can fail has this function.
  int (*takeFailure)(const char **) = nullptr;
  if (entryCanFail) {
    auto hook = (*program)->lookup("cg_failure");
    if (!hook)
      return fail(hook.takeError());
    takeFailure = reinterpret_cast<int (*)(const char **)>(*hook);
  }
  double shortest = 0;
  for (unsigned i = 0; i < std::max(1u, repeat.getValue()); ++i) {
    start = Clock::now();
    if (!device)
      (*program)->entry()(pointers.data(), arena.get());
    else if (llvm::Error error = device->run((*program)->entry(), pointers, (*program)->arenaBytes()))
      return fail(std::move(error));
    double t = milliseconds(start);
    shortest = i ? std::min(shortest, t) : t;
    const char *text;
    if (int kind = takeFailure ? takeFailure(&text) : CG_FAILURE_NONE)
      return fail(llvm::Twine(kind == CG_FAILURE_ASSERTION ? "assertion failed: " : "") + text);
  }

  if (device) {
    for (size_t i = 0, next = arguments.size(); i < results.size(); ++i) {
      bool tied = tiedTo[i] >= 0;
      HostTensor &result = tied ? arguments[tiedTo[i]] : results[i];
      if (llvm::Error error = device->download(result.data(), pointers[tied ? size_t(tiedTo[i]) : next++], result.bytesInMemory()))
        return fail(std::move(error));
    }
    device->unload(image);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const HostTensor &result = tiedTo[i] < 0 ? results[i] : arguments[tiedTo[i]];
    llvm::outs() << "result " << i << ": ";
    result.print(llvm::outs(), printLimit);
    llvm::outs() << "\n";
    if (!saveNpy.empty())
      if (llvm::Error error = result.saveNpy(saveNpy + std::to_string(i) + ".npy"))
        return fail(std::move(error));
  }
  if (showProfile) {
    auto profile = device->profile();
    if (!profile)
      return fail(profile.takeError());
    llvm::outs() << *profile;
  }
  if (showTimes) {
    llvm::outs() << llvm::format("lowering %.1f ms\n", lowering);
    for (auto &[step, t] : code->timings)
      llvm::outs() << llvm::format("%s %.1f ms\n", step.c_str(), t);
    llvm::outs() << llvm::format("linking %.1f ms\narena %lld bytes\n", linking, (long long)(*program)->arenaBytes());
  }
  if (repeat > 1 || showTimes)
    llvm::outs() << llvm::format("run %.6f ms (shortest of %u)\n", shortest, std::max(1u, repeat.getValue()));
  return 0;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, "compiles a .mlir file, runs its public function and prints the results\n");
  return runMain(argc, argv);
}
