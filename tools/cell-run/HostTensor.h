//===- HostTensor.h - tensors read from the command line and printed ------===//
#ifndef CELL_TOOLS_CELLRUN_HOSTTENSOR_H
#define CELL_TOOLS_CELLRUN_HOSTTENSOR_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace mlir::cell {

/// A contiguous row-major tensor in host memory, aligned to 64 bytes.
class HostTensor {
public:
  /// Zeros. Fails on dynamic shapes, element types without a memory form, and sizes that memory cannot hold.
  static llvm::Expected<HostTensor> zeros(Type type);
  /// `[2x3xf32=]1,2,3,4,5,6`, one value for all elements, `rand[:seed[:low:high]]`, or a path that ends in .npy.
  static llvm::Expected<HostTensor> fromSpec(llvm::StringRef spec, Type type);

  void *data() const { return bytes.get(); }
  int64_t elements() const { return count; }
  int64_t bytesInMemory() const { return count * elementBytes; }
  /// Nested brackets; more than `limit` elements are cut short with their number.
  void print(llvm::raw_ostream &os, int64_t limit) const;
  llvm::Error saveNpy(llvm::StringRef path) const;

private:
  HostTensor() = default;
  llvm::Error readNpy(llvm::StringRef path);
  llvm::Error readList(llvm::StringRef list);
  llvm::Error readRandom(llvm::StringRef arguments);
  bool setElement(int64_t index, llvm::StringRef text);
  void setNumber(int64_t index, double value);
  void printElement(llvm::raw_ostream &os, int64_t index) const;
  llvm::StringRef npyFormat() const;

  struct Free {
    void operator()(void *p) const { ::free(p); }
  };
  RankedTensorType type;
  int64_t count = 0, elementBytes = 0;
  std::unique_ptr<char, Free> bytes;
};

} // namespace mlir::cell

#endif // CELL_TOOLS_CELLRUN_HOSTTENSOR_H
