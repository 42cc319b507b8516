//===- module.cpp - the Python module _loader ------------------------------===//
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "runtime/cpu/cellgrad_cpu.h"
#include "runtime/loader/cpu.h"
#include "runtime/loader/elf.h"

#include <cstring>
#include <dlfcn.h>
#include <new>
#include <vector>

using namespace cellgrad::loader;

namespace {

PyObject *loadError;

/// A loaded program: `entry` is the address of cg_entry.
struct Loaded {
  PyObject_HEAD
  Image *image;
  void *entry;
  long long arenaBytes;
};

void deallocate(PyObject *self) {
  delete reinterpret_cast<Loaded *>(self)->image;
  PyTypeObject *type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject *getEntry(PyObject *self, void *) { return PyLong_FromVoidPtr(reinterpret_cast<Loaded *>(self)->entry); }
PyObject *getArena(PyObject *self, void *) { return PyLong_FromLongLong(reinterpret_cast<Loaded *>(self)->arenaBytes); }
PyObject *getSize(PyObject *self, void *) { return PyLong_FromSize_t(reinterpret_cast<Loaded *>(self)->image->size()); }

PyObject *symbol(PyObject *self, PyObject *name) {
  const char *text = PyUnicode_AsUTF8(name);
  if (!text)
    return nullptr;
  void *address = reinterpret_cast<Loaded *>(self)->image->symbol(text);
  if (!address)
    return PyErr_Format(PyExc_KeyError, "%R", name);
  return PyLong_FromVoidPtr(address);
}

PyGetSetDef getters[] = {{"entry", getEntry, nullptr, "address of void cg_entry(void **args, void *arena)", nullptr},
                         {"arena_bytes", getArena, nullptr, "bytes of scratch memory that a call needs", nullptr},
                         {"size", getSize, nullptr, "bytes of memory that the program takes", nullptr},
                         {}};
PyMethodDef methods[] = {{"symbol", symbol, METH_O, "symbol(name) -> address of a global symbol of the object"}, {}};
PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
                       {Py_tp_getset, getters},
                       {Py_tp_methods, methods},
                       {Py_tp_doc, const_cast<char *>("A compiled program in memory; freed with this object.")},
                       {0, nullptr}};
PyType_Spec spec = {"cellgrad._compiler._loader.Loaded", sizeof(Loaded), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
PyTypeObject *loadedType;

/// Libraries stay loaded for the life of the process, as code of theirs may be referred to from anywhere.
void *library(const char *path) {
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    PyErr_Format(PyExc_OSError, "cannot load the runtime library '%s': %s", path, reason ? reason : "unknown reason");
  }
  return handle;
}

PyObject *load(PyObject *, PyObject *args) {
  const char *data;
  Py_ssize_t size;
  PyObject *paths = nullptr;
  if (!PyArg_ParseTuple(args, "y#|O!:load", &data, &size, &PyTuple_Type, &paths))
    return nullptr;
  std::vector<void *> handles;
  for (Py_ssize_t i = 0; paths && i < PyTuple_GET_SIZE(paths); ++i) {
    const char *path = PyUnicode_AsUTF8(PyTuple_GET_ITEM(paths, i));
    void *handle = path ? library(path) : nullptr;
    if (!handle)
      return nullptr;
    handles.push_back(handle);
  }
  auto resolve = [&](const char *name) -> void * {
    for (void *handle : handles)
      if (void *address = dlsym(handle, name))
        return address;
    return dlsym(RTLD_DEFAULT, name);
  };
  std::string error;
  std::unique_ptr<Image> image = Image::load({data, static_cast<size_t>(size)}, resolve, error);
  if (!image)
    return PyErr_Format(loadError, "loading compiled code: %s", error.c_str());
  void *entry = image->symbol("cg_entry"), *arena = image->symbol("cg_arena_size");
  if (!entry || !arena || image->bytesFrom(arena) < sizeof(int64_t))
    return PyErr_Format(loadError, "loading compiled code: the object has no entry point");
  int64_t arenaBytes;
  memcpy(&arenaBytes, arena, sizeof arenaBytes);
  if (arenaBytes < 0)
    return PyErr_Format(loadError, "loading compiled code: the size of the scratch memory is damaged");
  auto *self = PyObject_New(Loaded, loadedType);
  if (!self)
    return nullptr;
  self->image = image.release();
  self->entry = entry;
  self->arenaBytes = arenaBytes;
  return reinterpret_cast<PyObject *>(self);
}

PyObject *cpu(PyObject *, PyObject *) { return PyUnicode_FromString(cpuIdentity().c_str()); }

PyObject *features(PyObject *, PyObject *) {
  std::vector<std::string> found = cpuFeatures();
  PyObject *names = PyTuple_New(static_cast<Py_ssize_t>(found.size()));
  for (size_t i = 0; names && i < found.size(); ++i)
    PyTuple_SET_ITEM(names, static_cast<Py_ssize_t>(i), PyUnicode_FromString(found[i].c_str()));
  return names;
}

PyMethodDef functions[] = {
    {"load", load, METH_VARARGS,
     "load(object, libraries=()) -> Loaded\n\nLoads a relocatable object into the process. External functions are looked up in `libraries`, a tuple of\n"
     "paths, then in the process. Raises LoadError where the object is damaged or a function is missing, OSError where a library is."},
    {"cpu", cpu, METH_NOARGS, "cpu() -> str\n\nIdentifies the processor's model and features."},
    {"features", features, METH_NOARGS, "features() -> tuple[str, ...]\n\nThe processor's features by LLVM's names, those that a loader can check."},
    {}};
PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_loader", "Loads compiled objects into the process; needs no LLVM.", -1, functions};

} // namespace

PyMODINIT_FUNC PyInit__loader() {
  PyObject *module = PyModule_Create(&definition);
  loadedType = reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
  loadError = PyErr_NewExceptionWithDoc("cellgrad._compiler._loader.LoadError", "A compiled object that cannot be loaded.", PyExc_RuntimeError, nullptr);
  if (!module || !loadedType || !loadError || PyModule_AddObjectRef(module, "LoadError", loadError) < 0 ||
      PyModule_AddIntConstant(module, "RUNTIME_ABI", CG_RUNTIME_ABI) < 0 || PyModule_AddStringConstant(module, "ARCHITECTURE", cpuArchitecture()) < 0 ||
      PyModule_AddObjectRef(module, "Loaded", reinterpret_cast<PyObject *>(loadedType)) < 0)
    return nullptr;
  return module;
}
