//===- codegen.cpp - machine code from a module in the LLVM dialect -------===//
#include "python/bindings/compiler/context.h"

#include "passes/LinalgToLLVM/CodeGen.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace cellgrad::native {

/// The translation to LLVM IR takes LLVM functions and globals only, and asserts much of the rest.
static bool checkTranslatable(ModuleOp module, Errors &errors) {
  for (mlir::Operation &op : module.getBody()->getOperations())
    if (!isa_and_nonnull<LLVM::LLVMDialect>(op.getDialect()) && !isa<gpu::GPUModuleOp>(op))
      return errors.add(op.getLoc().getAsOpaquePointer(),
                        "emit: '" + op.getName().getStringRef().str() + "' is not in the LLVM dialect; run the pipeline linalg-to-llvm or gpu-program-to-llvm first");
  return true;
}

bool Module::emit(const EmitOptions &options, std::string &out, std::vector<std::pair<std::string, double>> &steps, Errors &errors) const {
  if (!intact_)
    return errors.add(nullptr, "emit: an earlier pipeline failed on this module");
  auto module = cast<ModuleOp>(op_);
  if (!checkTranslatable(module, errors))
    return false;
  struct Job {
    ModuleOp module;
    cell::CodeGenOptions options;
    cell::CodeGenResult result;
    std::string problem;
  } job{module, {}, {}, {}};
  job.options.optLevel = options.level;
  job.options.cpu = options.cpu;
  job.options.features = options.features;
  job.options.object = options.form == EmitOptions::Object;
  job.options.assembly = options.form == EmitOptions::Assembly;
  job.options.llvmIR = options.form == EmitOptions::LLVMIR;
  job.options.cubin = options.cubin;
  Errors found;
  bool returned;
  {
    Capture capture(found);
    auto work = [](void *data) {
      auto &job = *static_cast<Job *>(data);
      auto result = cell::generateCode(job.module, job.options);
      if (result)
        job.result = std::move(*result);
      else
        job.problem = llvm::toString(result.takeError());
    };
    returned = runGuarded(work, &job, "code generation", found);
  }
  if (returned && job.problem.empty()) {
    out = std::move(job.options.object ? job.result.object : job.options.assembly ? job.result.assembly : job.options.llvmIR ? job.result.llvmIR : job.result.ptx);
    for (auto &[name, milliseconds] : job.result.timings)
      steps.emplace_back(name, milliseconds / 1e3);
    return true;
  }
  if (returned)
    found.add(nullptr, job.problem);
  errors.list = std::move(found.list);
  errors.crash = found.crash;
  return false;
}

std::string hostProcessor() { return cell::hostDescription(); }

} // namespace cellgrad::native
