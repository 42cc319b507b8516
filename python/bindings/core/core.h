// The types of the runtime core: Storage (memory), TensorObject, Executable. One header, shared by the files of this folder.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>
#include <cstring>

// Declarations too are hidden, so that calls and data between the files of the module need no indirection.
#pragma GCC visibility push(hidden)
namespace cg {

constexpr int kMaxDims = 8;
constexpr size_t kAlign = 64;

// dtype codes; the Python side (dtype.py) registers one object per code.
enum DType : uint8_t { Bool, I8, I16, I32, I64, U8, F16, BF16, F32, F64, kNumDTypes };
constexpr int kMaxDTypeObjects = 32;
struct DTypeInfo {
  const char *name;   // as MindSpore prints it
  const char *format; // struct format of the buffer protocol, null: none exists
  uint8_t itemsize, dlCode, dlBits;
};
extern const DTypeInfo dtypeInfo[kNumDTypes];
PyObject *dtypeObject(int code);                // borrowed; an int until dtype.py has registered its objects
int dtypeFromPython(PyObject *obj);             // code, or -1 with an exception
PyObject *setDTypeObjects(PyObject *, PyObject *objects);

// Memory: blocks of 64-byte alignment from size classes, kept for reuse (alloc.cpp).
void *allocBlock(size_t bytes, uint16_t *sizeClass);
void freeBlock(void *block, uint16_t sizeClass);
PyObject *memoryStats(PyObject *, PyObject *);
PyObject *emptyCache(PyObject *, PyObject *);

constexpr int kHost = -1;  // the number that stands for host memory among those of GPUs
extern int currentDevice;  // where programs run that are compiled now
extern int currentTarget;  // the same with the chip that they are compiled for: programs of one target do not serve another

// A Python object that owns memory, of the host or of a GPU. Owned memory of the host follows the header in the same block where it is small; borrowed
// memory has an owner object or a Py_buffer to release. Memory moves between host and devices (devices.cpp) as long as nobody else knows its address.
struct Storage {
  PyObject_HEAD
  char *data;
  size_t bytes;
  PyObject *owner;    // keeps borrowed memory alive, or null
  Py_buffer *buffer;  // a held buffer view, or null
  uint64_t mark;      // of the last call or copy that wrote into it
  uint32_t pins;      // views, DLPack messages and running programs that know the address
  int16_t device;     // kHost or a GPU's number
  uint16_t sizeClass, dataClass; // of the header's block and, unless kInline, of a block of the host for the data
  bool readonly, borrowed;
};
constexpr uint16_t kInline = 0xffff;
constexpr size_t kStorageHeader = (sizeof(Storage) + kAlign - 1) / kAlign * kAlign;
extern PyTypeObject *StorageType;
Storage *newStorage(size_t bytes, int device = kHost);
void releaseMemory(Storage *s); // of owned data that does not lie in the header's block
Storage *borrowStorage(void *data, size_t bytes, PyObject *owner, bool readonly, int device = kHost); // increfs owner
int storageGetBuffer(PyObject *self, Py_buffer *view, int flags);

struct TensorObject {
  PyObject_HEAD
  PyObject *weakrefs;
  Storage *storage;   // null for traced or unset tensors
  PyObject *node;     // traced value, or null
  int64_t numel;
  size_t nbytes;
  uint8_t dtype, ndim;
  int64_t shape[kMaxDims];
};
extern PyTypeObject *TensorBaseType; // TensorBase
extern PyTypeObject *TensorClass;    // the registered subclass (TensorBase until then)
inline bool isTensor(PyObject *o) { return Py_TYPE(o) == TensorClass || PyObject_TypeCheck(o, TensorBaseType); }
inline TensorObject *asTensor(PyObject *o) { return reinterpret_cast<TensorObject *>(o); }
inline char *dataOf(const TensorObject *t) { return t->storage->data; }

// A shape with its dtype, as stored in executables and signatures.
struct Spec {
  int64_t shape[kMaxDims];
  int64_t numel;
  size_t nbytes;
  uint8_t dtype, ndim;
};
inline bool matches(const TensorObject *t, const Spec &s) {
  if (t->dtype != s.dtype || t->ndim != s.ndim)
    return false;
  for (int i = 0; i < s.ndim; ++i)
    if (t->shape[i] != s.shape[i])
      return false;
  return true;
}
bool parseSpec(PyObject *dtype, PyObject *shape, Spec *out);
PyObject *shapeTuple(const int64_t *shape, int ndim);
void formatSpec(char *buf, size_t n, int dtype, const int64_t *shape, int ndim);

// New tensors. `storage` is stolen (may be null for a traced one). Null with an exception on failure.
TensorObject *newTensor(PyTypeObject *cls, const Spec &spec, Storage *storage);
TensorObject *newTensorData(PyTypeObject *cls, const Spec &spec, int device = kHost); // with its own uninitialised memory
Spec specOf(const TensorObject *t);
bool requireData(TensorObject *t, const char *what);
PyTypeObject *classArg(PyObject *cls); // None -> the registered class
bool initTensorType(PyObject *module);
bool initStorageType(PyObject *module);
extern PyMethodDef tensorMethods[];
extern PyGetSetDef tensorGetSet[];

// devices.cpp: memory of GPUs, through libcellgrad_gpu.so, which is loaded at first use. False: an exception is set.
struct GpuLibrary;
const GpuLibrary *gpuLibrary(); // null with an exception
bool raiseGpu(int result);      // with the library's reason; always false
bool readStorage(Storage *s, void *to, size_t bytes);
bool writeStorage(Storage *s, const void *from, size_t bytes);
bool copyStorage(Storage *to, Storage *from, size_t bytes);
inline bool movable(const Storage *s) { return !s->borrowed && !s->pins; }
// Takes a movable one to another device, in place. True where it is still where it was: another thread took it in use meanwhile. Look at its device.
bool moveStorage(Storage *s, int device);
void settle(const Storage *s, bool allStreams); // waits before its memory goes to others; failures are shown as those of destructors
uint64_t nextMark();         // of a call or copy that writes into storages
bool deviceNumber(PyObject *arg, int *out);
bool isAscend(int device); // numbers of GPUs are from 0 on, of Ascend devices from CG_GPU_ASCEND
void nameDevice(int device, char *text, size_t room); // "the CPU", "GPU 1", "Ascend 0"
TensorObject *copyTo(PyTypeObject *cls, TensorObject *t, int device);
bool requireHost(const Storage *s, const char *what); // BufferError where the memory is a GPU's
extern PyMethodDef deviceFunctions[];

// dlpack.cpp
PyObject *tensorDLPack(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames);
PyObject *tensorDLPackDevice(PyObject *self, PyObject *);
PyObject *fromDLPack(PyObject *, PyObject *const *args, Py_ssize_t n);
// tensor_create.cpp
PyObject *createEmpty(PyObject *, PyObject *const *args, Py_ssize_t n);
PyObject *createZeros(PyObject *, PyObject *const *args, Py_ssize_t n);
PyObject *createFromBuffer(PyObject *, PyObject *const *args, Py_ssize_t n);
PyObject *createTraced(PyObject *, PyObject *const *args, Py_ssize_t n);
PyObject *createScalar(PyObject *, PyObject *const *args, Py_ssize_t n);
bool storeScalar(void *p, int dtype, PyObject *value);
PyObject *loadScalar(const void *p, int dtype);

// executable.cpp
struct Output {
  Spec spec;
  int alias;
};
struct Executable {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  void (*entry)(void **, void *);
  int (*takeFailure)(const char **); // null: the program cannot fail
  size_t arenaBytes;
  int nIn, nOut, nFree; // nFree: outputs that are not tied
  Spec *in;
  Output *out;
  uint8_t *written;     // per input: tied or donated
  bool anyWritten, releaseGil;
  PyObject *keepalive, *name;
  uint64_t calls;
  int device;     // kHost or a GPU's number
  void *graphs;   // cg_gpu_calls of a program for a GPU
};
extern PyTypeObject *ExecutableType;
// Runs on inputs (borrowed) that passed checkInputs; outs receives nFree new tensors. False: an exception is set.
bool runExecutable(Executable *exe, TensorObject *const *in, TensorObject **outs);
// Checks dtypes and shapes; false (with a Python exception if report) at the first mismatch.
bool checkInputs(Executable *exe, TensorObject *const *in, bool report);
bool initExecutableType(PyObject *module);

// effects.cpp
PyObject *servePrints(PyObject *, PyObject *address);
bool raiseFailure(int (*takeFailure)(const char **)); // true: an exception is set

} // namespace cg
#pragma GCC visibility pop
