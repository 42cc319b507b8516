# What an installed package contains, in one place. Everything is found relative to the file itself ($ORIGIN), because the
# LLVM, MLIR and OpenBLAS wheels unpack beside the package: <site>/cellgrad, <site>/llvm, <site>/mlir, <site>/scipy_openblas32.
set(CELL_RPATH_TOOLS "$ORIGIN/../../mlir/lib" "$ORIGIN/../../llvm/lib")
set(CELL_RPATH_COMPILER "$ORIGIN/../../mlir/_mlir_libs" "$ORIGIN/../../llvm/lib")
set(CELL_RPATH_RUNTIME "$ORIGIN" "$ORIGIN/../../scipy_openblas32/lib")

function(_cell_install target destination)
  if(NOT TARGET ${target})
    return()
  endif()
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "${ARGN}")
  install(TARGETS ${target} RUNTIME DESTINATION "${destination}" LIBRARY DESTINATION "${destination}")
endfunction()

_cell_install(cell-opt cellgrad/bin ${CELL_RPATH_TOOLS})
_cell_install(cell-lsp-server cellgrad/bin ${CELL_RPATH_TOOLS})
_cell_install(cell-run cellgrad/bin ${CELL_RPATH_TOOLS})
_cell_install(cell-reduce cellgrad/bin ${CELL_RPATH_TOOLS})
_cell_install(cell-translate cellgrad/bin ${CELL_RPATH_TOOLS})
_cell_install(CellgradPlugin cellgrad/lib)
_cell_install(cellgrad_cpu cellgrad/lib ${CELL_RPATH_RUNTIME})
_cell_install(cellgrad_gpu cellgrad/lib "$ORIGIN")
_cell_install(cellgrad_gpu_sim cellgrad/lib "$ORIGIN")
_cell_install(cellgrad_ascend_sim cellgrad/lib "$ORIGIN")
_cell_install(cellgrad_program cellgrad/lib ${CELL_RPATH_RUNTIME})
install(FILES "${PROJECT_SOURCE_DIR}/runtime/program/cellgrad_program.h" DESTINATION cellgrad/include)
_cell_install(cellgrad_core cellgrad/_runtime)
_cell_install(cellgrad_loader cellgrad/_compiler)
_cell_install(cellgrad_native cellgrad/_compiler ${CELL_RPATH_COMPILER})
_cell_install(cellgrad_loader cellgrad/_compiler)

# In the source tree PYTHONPATH=python is the package as well: what is compiled lands there, or is reached from there.
if(CELLGRAD_PYTHON)
  if(TARGET cellgrad_native)
    set_target_properties(cellgrad_native PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${PROJECT_SOURCE_DIR}/python/cellgrad/_compiler")
  endif()
  file(MAKE_DIRECTORY "${PROJECT_SOURCE_DIR}/python/cellgrad/lib")
  foreach(runtime cellgrad_cpu cellgrad_gpu cellgrad_gpu_sim cellgrad_ascend_sim cellgrad_program)
    if(TARGET ${runtime})
      file(CREATE_LINK "${PROJECT_BINARY_DIR}/lib/lib${runtime}.so" "${PROJECT_SOURCE_DIR}/python/cellgrad/lib/lib${runtime}.so" SYMBOLIC)
    endif()
  endforeach()
  file(MAKE_DIRECTORY "${PROJECT_SOURCE_DIR}/python/cellgrad/include")
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/runtime/program/cellgrad_program.h" "${PROJECT_SOURCE_DIR}/python/cellgrad/include/cellgrad_program.h" SYMBOLIC)
endif()

# The OpenMP runtime goes with the package. It keeps its own soname, so that a process which already has it (through another
# package that links the system's) shares that one.
if(TARGET cellgrad_cpu AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=libgomp.so.1
                  OUTPUT_VARIABLE gomp OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(IS_ABSOLUTE "${gomp}")
    file(REAL_PATH "${gomp}" gomp)
    install(FILES "${gomp}" DESTINATION cellgrad/lib RENAME libgomp.so.1
            PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  endif()
endif()

# What a dialect outside the tree is built against (examples/plugin): headers, records and what is generated from them, and the CMake package.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/dialect" "${PROJECT_SOURCE_DIR}/passes" DESTINATION cellgrad/include COMPONENT development
        FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "Coefficients.h" EXCLUDE)
install(DIRECTORY "${PROJECT_BINARY_DIR}/dialect" "${PROJECT_BINARY_DIR}/passes" DESTINATION cellgrad/include COMPONENT development
        FILES_MATCHING PATTERN "*.h.inc" PATTERN "CMakeFiles" EXCLUDE)
install(FILES "${PROJECT_SOURCE_DIR}/cmake/package/cellgradConfig.cmake" DESTINATION cellgrad/lib/cmake/cellgrad COMPONENT development)
