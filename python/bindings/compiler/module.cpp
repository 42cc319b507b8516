//===- module.cpp - finished modules: text, fingerprint, pipelines --------===//
#include "python/bindings/compiler/context.h"

#include "dialect/Cell/Cell.h"
#include "passes/AscendToHivm/Hivm.h"
#include "passes/AutoDiff/SavedReport.h"
#include "passes/GpuToLLVM/KernelReport.h"
#include "passes/Transforms/Split.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"

#include <link.h>

using namespace mlir;

namespace cellgrad::native {

Module::Module(mlir::Operation *owned) : op_(owned) {}

Module::~Module() {
  // What a crashed pass left behind may not even be walked.
  if (intact_)
    op_->erase();
}

std::unique_ptr<Module> Module::parse(std::string_view text, std::string_view filename, Errors &errors) {
  Capture capture(errors);
  auto parsed = parseSourceString<ModuleOp>(StringRef(text), ParserConfig(&context()), StringRef(filename));
  if (!parsed) {
    if (errors.list.empty())
      errors.add(nullptr, "the text is no module");
    return nullptr;
  }
  return std::make_unique<Module>(parsed.release());
}

std::string Module::text(bool locations) const {
  std::string result;
  llvm::raw_string_ostream stream(result);
  op_->print(stream, OpPrintingFlags().enableDebugInfo(locations).assumeVerified(intact_));
  stream << '\n';
  return result;
}

namespace {
/// Hashes what is written to it.
class HashStream : public llvm::raw_ostream {
public:
  HashStream() : raw_ostream(false) {}
  ~HashStream() override { flush(); }
  std::string digest() {
    flush();
    return llvm::toHex(hasher.final<20>(), true);
  }

private:
  void write_impl(const char *data, size_t size) override {
    hasher.update(StringRef(data, size));
    position += size;
  }
  uint64_t current_pos() const override { return position; }
  llvm::BLAKE3 hasher;
  uint64_t position = 0;
};
} // namespace

std::string Module::fingerprint() const {
  HashStream stream;
  op_->print(stream, OpPrintingFlags().useLocalScope().assumeVerified().printGenericOpForm());
  // The code of an assertion says where it stands.
  op_->walk([&](cell::AssertOp assertion) { assertion.getLoc().print(stream); });
  return stream.digest();
}

std::vector<SavedEntry> Module::saved() const {
  std::vector<SavedEntry> entries;
  auto module = dyn_cast<ModuleOp>(op_);
  if (!module)
    return entries;
  for (const cell::SavedValue &value : cell::getSavedValues(module))
    entries.push_back({value.producer.str(), placeOf(value.producedAt), value.type.getAsOpaquePointer(), value.bytes, value.times, value.perIteration, value.reader.str(), placeOf(value.readAt)});
  return entries;
}

std::vector<KernelEntry> Module::kernels() const {
  std::vector<KernelEntry> entries;
  auto module = dyn_cast<ModuleOp>(op_);
  if (!module)
    return entries;
  for (const cell::KernelInfo &k : cell::getKernels(module))
    entries.push_back({k.name, placeOf(k.location), k.core, {k.grid[0], k.grid[1], k.grid[2]}, {k.block[0], k.block[1], k.block[2]}, k.sharedBytes, k.launches});
  return entries;
}

bool Module::hivm(const std::string &form, std::string &out, Errors &errors) const {
  Capture capture(errors);
  auto module = dyn_cast<ModuleOp>(op_);
  std::optional<ascend::HivmForm> kind = ascend::parseHivmForm(form);
  if (!module || !kind)
    return errors.add(nullptr, "there is no form '" + form + "' of HIVM; the forms are 'auto' and 'planned'");
  FailureOr<std::string> text = ascend::printHivm(module, *kind);
  if (failed(text))
    return false;
  out = std::move(*text);
  return true;
}

std::unique_ptr<Module> Module::clone() const { return std::make_unique<Module>(op_->clone()); }

//===----------------------------------------------------------------------===//
// Work that may crash
//===----------------------------------------------------------------------===//

static thread_local std::string fatalMessage;

static void onFatalError(void *, const char *reason, bool) {
  fatalMessage = reason ? reason : "";
  // Returns to runGuarded; elsewhere LLVM ends the process as it always does.
  if (auto *recovery = llvm::CrashRecoveryContext::GetCurrent())
    recovery->HandleExit(70);
}

bool runGuarded(void (*work)(void *), void *data, const char *what, Errors &errors) {
  fatalMessage.clear();
  llvm::install_fatal_error_handler(onFatalError);
  // Signal handlers are in place only while the compiler works, so that Python's own stay untouched.
  llvm::CrashRecoveryContext::Enable();
  bool ok;
  {
    llvm::CrashRecoveryContext recovery;
    ok = recovery.RunSafely([&] { work(data); });
  }
  llvm::CrashRecoveryContext::Disable();
  llvm::remove_fatal_error_handler();
  if (ok)
    return true;
  errors.crash = true;
  return errors.add(nullptr, std::string(what) + " stopped in the compiler" + (fatalMessage.empty() ? " (see stderr for the failed assertion)" : ": " + fatalMessage));
}

bool Module::run(const std::string &pipeline, bool verifyEach, Errors &errors) {
  if (!intact_)
    return errors.add(nullptr, "run: an earlier pipeline failed on this module; clone it before running");
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  PassManager manager(&context(), ModuleOp::getOperationName());
  manager.enableVerifier(verifyEach);
  if (failed(parsePassPipeline(pipeline, manager, stream)))
    return errors.add(nullptr, "run: " + problem);
  struct Job {
    PassManager &manager;
    mlir::Operation *op;
    bool ok;
  } job{manager, op_, false};
  Errors found;
  found.stacks = true;
  {
    Capture capture(found);
    auto work = [](void *data) {
      auto &job = *static_cast<Job *>(data);
      job.ok = succeeded(job.manager.run(job.op));
    };
    bool returned = runGuarded(work, &job, ("pipeline '" + pipeline + "'").c_str(), found);
    intact_ = returned && job.ok;
  }
  if (!intact_ && found.list.empty())
    found.add(nullptr, "pipeline '" + pipeline + "' failed without saying why");
  // Of a pipeline that went well: warnings and remarks.
  errors.list = std::move(found.list);
  errors.crash = found.crash;
  return intact_;
}

std::unique_ptr<Module> Module::split(const std::vector<int64_t> &lateArguments, std::vector<int64_t> &lateResults, std::vector<const void *> &types,
                                      Errors &errors) {
  if (!intact_) {
    errors.add(nullptr, "split: an earlier pipeline failed on this module");
    return nullptr;
  }
  Capture capture(errors);
  auto halves = cell::splitProgram(cast<ModuleOp>(op_), lateArguments);
  if (failed(halves))
    return nullptr;
  lateResults.assign(halves->lateResults.begin(), halves->lateResults.end());
  for (Type type : halves->residuals)
    types.push_back(type.getAsOpaquePointer());
  return std::make_unique<Module>(halves->late.release());
}

//===----------------------------------------------------------------------===//
// Build id
//===----------------------------------------------------------------------===//

static int readBuildId(dl_phdr_info *info, size_t, void *data) {
  auto here = reinterpret_cast<uintptr_t>(&readBuildId);
  bool mine = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto &header = info->dlpi_phdr[i];
    uintptr_t begin = info->dlpi_addr + header.p_vaddr;
    mine |= header.p_type == PT_LOAD && here >= begin && here < begin + header.p_memsz;
  }
  if (!mine)
    return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto &header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE)
      continue;
    const char *note = reinterpret_cast<const char *>(info->dlpi_addr + header.p_vaddr), *end = note + header.p_memsz;
    while (note + sizeof(ElfW(Nhdr)) <= end) {
      const auto *entry = reinterpret_cast<const ElfW(Nhdr) *>(note);
      const char *name = note + sizeof(*entry), *content = name + ((entry->n_namesz + 3) & ~3u);
      if (entry->n_type == NT_GNU_BUILD_ID && StringRef(name, entry->n_namesz) == StringRef("GNU", 4))
        *static_cast<std::string *>(data) = llvm::toHex(StringRef(content, entry->n_descsz), true);
      note = content + ((entry->n_descsz + 3) & ~3u);
    }
  }
  return 1;
}

std::string buildId() {
  std::string id;
  dl_iterate_phdr(readBuildId, &id);
  return id;
}

} // namespace cellgrad::native
