//===- engine.h - what a simulated device adds to the driver --------------===//
#ifndef CELLGRAD_SIM_ENGINE_H
#define CELLGRAD_SIM_ENGINE_H

#define CG_CUDA_DRIVER_IMPLEMENTATION
#include "runtime/gpu/cuda_driver.h"
#include "runtime/loader/elf.h"

#include <memory>
#include <string>
#include <vector>

namespace cellgrad::sim {

/// A kernel of a loaded image.
class Kernel {
public:
  virtual ~Kernel() = default;
  /// CUDA_SUCCESS, or the kind of mistake in a launch with blocks x, y, z and threads x, y, z, with `text` saying what it is.
  virtual CUresult check(const unsigned size[6], unsigned sharedBytes, std::string &text) const = 0;
  /// Runs it; an empty text, or what went wrong.
  virtual std::string run(const int32_t size[6], unsigned sharedBytes, void **arguments) const = 0;
  /// Lets later launches have so many bytes of dynamic shared memory.
  virtual CUresult allowShared(int bytes, std::string &text) {
    text = "this device has no dynamic shared memory";
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  /// How many bytes each argument has.
  virtual std::vector<int32_t> argumentBytes() const = 0;
  std::string name;
};

/// The simulated device behind the driver. The driver lets one thread at a time into it.
class Engine {
public:
  virtual ~Engine() = default;
  /// "cellgrad GPU simulator".
  virtual const char *name() const = 0;
  /// What programs are to be compiled for.
  virtual const char *chip() const = 0;
  virtual int processors() const = 0;
  /// Empty, or what is wrong with the environment.
  virtual std::string start() = 0;
  /// The address of a function that images call, or null. For functions of other devices' simulators `notHere`: their images load, and `find` says what they are.
  virtual void *resolve(const std::string &name) const = 0;
  /// Null, with the error's kind and text.
  virtual std::unique_ptr<Kernel> find(const loader::Image &image, const std::string &name, CUresult &code, std::string &text) const = 0;
};
/// Never called.
inline void notHere() {}
/// The library's engine; each library that contains the driver defines it.
Engine &engine();

/// What an engine notes of a block of device memory.
class Records {
public:
  virtual ~Records() = default;
};

} // namespace cellgrad::sim

#endif // CELLGRAD_SIM_ENGINE_H
