//===- Jit.h - load compiled objects into this process --------------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_JIT_H
#define CELL_PASSES_LINALGTOLLVM_JIT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>

namespace llvm::orc {
class JITDylib;
class LLJIT;
} // namespace llvm::orc

namespace mlir::cell {

/// The entry of a compiled program: pointers to inputs and results, and scratch memory.
using EntryFunction = void (*)(void **args, void *arena);

/// A loaded object. Its code is freed with it; it must not outlive the linker that made it.
class JitProgram {
public:
  ~JitProgram();
  JitProgram(const JitProgram &) = delete;
  EntryFunction entry() const { return entryFunction; }
  int64_t arenaBytes() const { return arena; }
  /// Address of another symbol of the object, or an error.
  llvm::Expected<void *> lookup(llvm::StringRef name);

private:
  friend class JitLinker;
  JitProgram(llvm::orc::LLJIT &jit, llvm::orc::JITDylib &library) : jit(jit), library(library) {}
  llvm::orc::LLJIT &jit;
  llvm::orc::JITDylib &library;
  EntryFunction entryFunction = nullptr;
  int64_t arena = 0;
};

/// Links objects against the runtime library. Make one per process and keep it.
class JitLinker {
public:
  ~JitLinker();
  /// `runtimeLibrary` is the path of libcellgrad_cpu.so; empty: its symbols are searched in the process.
  static llvm::Expected<std::unique_ptr<JitLinker>> create(llvm::StringRef runtimeLibrary);
  /// Loads the bytes of an object file. Every error (unresolved symbol, damaged object) comes back, nothing is printed.
  llvm::Expected<std::unique_ptr<JitProgram>> link(std::string object);

private:
  JitLinker();
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::string reported; // what the session reported on the side
  unsigned count = 0;
};

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_JIT_H
