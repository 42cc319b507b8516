//===- libraries.h - libraries that compute products ----------------------===//
#ifndef CELLGRAD_RUNTIME_GPU_LIBRARIES_H
#define CELLGRAD_RUNTIME_GPU_LIBRARIES_H

#include "runtime/gpu/gpu.h"

#include <array>
#include <map>

namespace cellgrad::gpu {

using Record = std::array<int64_t, CG_PRODUCT_FIELDS>;

/// The memory of one product.
struct Operands {
  const void *left, *right, *bias;
  void *workspace, *result;
};

/// What a library knows of one product on one device, or why it does not take it.
struct LibraryPlan {
  std::string refused;
  bool forGood = false; // not for want of memory, say
};

/// Plans by device and record. `Plan` is a LibraryPlan with a function `destroy`.
template <typename Plan> class PlanTable {
public:
  /// The plan that `make` made when it was first asked for; null where the library does not take the product, and `why` says why.
  template <typename Make> Plan *find(Device &device, const Record &record, Make make, std::string &why) {
    auto [place, isNew] = plans.try_emplace({device.number, record});
    if (isNew)
      make(device, record, place->second);
    if (place->second.refused.empty())
      return &place->second;
    why = place->second.refused;
    if (!place->second.forGood) { // the next call may have more luck
      place->second.destroy();
      plans.erase(place);
    }
    return nullptr;
  }

private:
  std::map<std::pair<int, Record>, Plan> plans;
};

/// A library that computes some kinds of products. Its functions are called with `libraryLock` held.
class ProductLibrary {
public:
  explicit ProductLibrary(const char *name) : name(name) {}
  const char *const name; // as its users write it
  size_t version = 0;     // once it is open

  /// Looks the library up once; false where it is not there, and `whyMissing` says why.
  bool open();
  std::string whyMissing;
  /// Puts the product on the running program's stream. Not 0: the reason is set.
  int compute(Device &device, const Record &record, const Operands &operands);

protected:
  enum { Untried, Loaded, Missing } state = Untried;
  /// The variable that names another file, and the names to try: a path beside this library, then bare ones.
  virtual std::vector<std::string> fileNames() const = 0;
  virtual const char *variable() const = 0;
  /// Looks the functions up; the name of one that is not there, or null.
  virtual const char *lookUp(void *handle) = 0;
  virtual int run(Device &device, const Record &record, const Operands &operands) = 0;
  /// "products", and "a product by cuBLASLt".
  virtual const char *what() const = 0;
  virtual const char *started() const = 0;
};

extern std::mutex libraryLock;
ProductLibrary &matrixLibrary();      // products.cpp: cuBLASLt
ProductLibrary &convolutionLibrary(); // convolutions.cpp: cuDNN
inline ProductLibrary &libraryOf(const Record &record) { return record[CG_PRODUCT_KIND] == CG_PRODUCT_MATRICES ? matrixLibrary() : convolutionLibrary(); }

} // namespace cellgrad::gpu

#endif // CELLGRAD_RUNTIME_GPU_LIBRARIES_H
