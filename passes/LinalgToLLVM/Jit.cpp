//===- Jit.cpp - load compiled objects into this process ------------------===//
#include "passes/LinalgToLLVM/Jit.h"

#include "llvm/ExecutionEngine/JITLink/EHFrameSupport.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir::cell;
using namespace llvm::orc;

JitLinker::JitLinker() = default;
JitLinker::~JitLinker() = default;

JitProgram::~JitProgram() {
  // Nothing can be done about code that cannot be freed; the error must still be consumed.
  llvm::consumeError(jit.getExecutionSession().removeJITDylib(library));
}

llvm::Expected<void *> JitProgram::lookup(llvm::StringRef name) {
  llvm::Expected<ExecutorAddr> address = jit.lookup(library, name);
  if (!address)
    return address.takeError();
  return address->toPtr<void *>();
}

llvm::Expected<std::unique_ptr<JitLinker>> JitLinker::create(llvm::StringRef runtimeLibrary) {
  llvm::InitializeNativeTarget();
  std::unique_ptr<JitLinker> linker(new JitLinker());
  LLJITBuilder builder;
  builder.setPlatformSetUp(setUpInactivePlatform);
  builder.setObjectLinkingLayerCreator([](ExecutionSession &session) -> llvm::Expected<std::unique_ptr<ObjectLayer>> {
    return std::make_unique<ObjectLinkingLayer>(session);
  });
  auto jit = builder.create();
  if (!jit)
    return jit.takeError();
  linker->jit = std::move(*jit);
  std::string *reported = &linker->reported;
  linker->jit->getExecutionSession().setErrorReporter([reported](llvm::Error error) {
    *reported += (reported->empty() ? "" : "; ") + llvm::toString(std::move(error));
  });
  if (!runtimeLibrary.empty()) {
    auto search = DynamicLibrarySearchGenerator::Load(runtimeLibrary.str().c_str(), linker->jit->getDataLayout().getGlobalPrefix());
    if (!search)
      return llvm::createStringError("cannot load the runtime library '%s': %s", runtimeLibrary.str().c_str(), llvm::toString(search.takeError()).c_str());
    linker->jit->getMainJITDylib().addGenerator(std::move(*search));
  }
  return linker;
}

llvm::Expected<std::unique_ptr<JitProgram>> JitLinker::link(std::string object) {
  reported.clear();
  auto fail = [&](llvm::Error error) {
    std::string text = llvm::toString(std::move(error));
    return llvm::createStringError("loading compiled code: " + text + (reported.empty() ? "" : " (" + reported + ")"));
  };
  auto library = jit->createJITDylib("program" + std::to_string(count++));
  if (!library)
    return fail(library.takeError());
  std::unique_ptr<JitProgram> program(new JitProgram(*jit, *library));
  library->addToLinkOrder(jit->getMainJITDylib());
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(object, "program.o");
  // A damaged file must be an error here, not deep in the linker.
  if (auto file = llvm::object::ObjectFile::createObjectFile(buffer->getMemBufferRef()); !file)
    return fail(file.takeError());
  if (llvm::Error error = jit->addObjectFile(*library, std::move(buffer)))
    return fail(std::move(error));
  llvm::Expected<void *> entry = program->lookup("cg_entry");
  if (!entry)
    return fail(entry.takeError());
  llvm::Expected<void *> size = program->lookup("cg_arena_size");
  if (!size)
    return fail(size.takeError());
  program->entryFunction = reinterpret_cast<EntryFunction>(*entry);
  program->arena = *static_cast<const int64_t *>(*size);
  return program;
}
