# Where LLVM and MLIR 22.1.8 are: the xtc-* wheels unpack to <site>/llvm and <site>/mlir.
# Sets CELL_LLVM and CELL_MLIR (roots) and the imported targets cell::mlir (libMLIR.so, for tools) and cell::mlir_python
# (libMLIRPythonCAPI.so, for the Python module). The two are separate copies of MLIR: never link both into one process.
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)

function(_cell_find_package_dir name out)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
            "import importlib.util as u; s = u.find_spec('${name}'); print(list(s.submodule_search_locations)[0] if s else '')"
    OUTPUT_VARIABLE dir OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT dir)
    message(FATAL_ERROR "The Python package '${name}' was not found by ${Python_EXECUTABLE}. "
                        "Install the build requirements first: pip install -r requirements-build.txt")
  endif()
  set(${out} "${dir}" PARENT_SCOPE)
endfunction()

_cell_find_package_dir(llvm CELL_LLVM)
_cell_find_package_dir(mlir CELL_MLIR)
_cell_find_package_dir(scipy_openblas32 CELL_OPENBLAS)
set(CELL_MLIR_TBLGEN "${CELL_MLIR}/bin/mlir-tblgen")
set(CELL_LLVM_TBLGEN "${CELL_LLVM}/bin/llvm-tblgen")

add_library(cell_mlir_headers INTERFACE)
target_include_directories(cell_mlir_headers SYSTEM INTERFACE "${CELL_LLVM}/include" "${CELL_MLIR}/include")
target_include_directories(cell_mlir_headers INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")
target_compile_options(cell_mlir_headers INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti> -Wall -Wno-unused-parameter -Wno-comment)
target_compile_definitions(cell_mlir_headers INTERFACE __STDC_CONSTANT_MACROS __STDC_FORMAT_MACROS __STDC_LIMIT_MACROS)

function(_cell_imported target file)
  add_library(${target} SHARED IMPORTED)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${file}")
endfunction()
_cell_imported(cell_llvm_so "${CELL_LLVM}/lib/libLLVM.so")
_cell_imported(cell_mlir_so "${CELL_MLIR}/lib/libMLIR.so")
_cell_imported(cell_mlir_python_so "${CELL_MLIR}/_mlir_libs/libMLIRPythonCAPI.so")
_cell_imported(cell_openblas_so "${CELL_OPENBLAS}/lib/libscipy_openblas.so")
add_library(cell::mlir INTERFACE IMPORTED)
target_link_libraries(cell::mlir INTERFACE cell_mlir_headers cell_mlir_so cell_llvm_so)
add_library(cell::mlir_python INTERFACE IMPORTED)
target_link_libraries(cell::mlir_python INTERFACE cell_mlir_headers cell_mlir_python_so cell_llvm_so)
