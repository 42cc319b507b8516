# One call per room. A room is a folder with its .td, .h and .cpp side by side; all rooms form one object library, compiled
# once and linked into the tools, the plugin and the Python module.
function(cell_begin_library name)
  add_library(obj.${name} OBJECT)
  target_link_libraries(obj.${name} PUBLIC cell_mlir_headers)
  target_compile_options(obj.${name} PRIVATE -fno-exceptions)
  add_custom_target(${name}.tablegen)
  add_dependencies(obj.${name} ${name}.tablegen)
  add_library(obj.${name}LLVM OBJECT)
  target_link_libraries(obj.${name}LLVM PUBLIC cell_mlir_headers)
  target_compile_options(obj.${name}LLVM PRIVATE -fno-exceptions)
  add_dependencies(obj.${name}LLVM ${name}.tablegen)
  target_sources(obj.${name} INTERFACE $<TARGET_OBJECTS:obj.${name}LLVM>)
endfunction()

# Most of a file's compile time is MLIR's own headers. A cold build parses them once, and once more for the files that make code of
# the LLVM dialect, whose header is as large as all others; and it compiles CELLGRAD_UNITY files of a folder as one, since the
# templates that headers use are instantiated anew for each. A compiler cache (a launcher) does without both: it would see a new
# header in every build folder; that build also finds includes that a file forgot.
function(cell_end_library name)
  if(CELLGRAD_PCH)
    target_precompile_headers(obj.${name} PRIVATE
      <mlir/Dialect/Arith/IR/Arith.h> <mlir/Dialect/Func/IR/FuncOps.h>
      <mlir/Dialect/Linalg/IR/Linalg.h> <mlir/Dialect/Math/IR/Math.h>
      <mlir/Dialect/MemRef/IR/MemRef.h> <mlir/Dialect/SCF/IR/SCF.h>
      <mlir/Dialect/Tensor/IR/Tensor.h> <mlir/IR/IRMapping.h>
      <mlir/IR/PatternMatch.h> <mlir/IR/SymbolTable.h>)
    target_precompile_headers(obj.${name}LLVM PRIVATE
      <mlir/Conversion/LLVMCommon/Pattern.h> <mlir/Dialect/Arith/IR/Arith.h>
      <mlir/Dialect/Func/IR/FuncOps.h> <mlir/Dialect/GPU/IR/GPUDialect.h>
      <mlir/Dialect/LLVMIR/LLVMDialect.h> <mlir/Dialect/MemRef/IR/MemRef.h>
      <mlir/Dialect/SCF/IR/SCF.h> <mlir/IR/ImplicitLocOpBuilder.h>)
  endif()
  if(CELLGRAD_UNITY GREATER 1)
    set_target_properties(obj.${name} obj.${name}LLVM PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  endif()
endfunction()

function(_cell_sources target)
  list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  target_sources(${target} PRIVATE ${ARGN})
  if(CELLGRAD_UNITY GREATER 1)
    file(RELATIVE_PATH folder "${PROJECT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
    string(MAKE_C_IDENTIFIER "${folder}" folder)
    get_property(count DIRECTORY PROPERTY CELL_FILES_OF_${target}) # of earlier calls in this folder
    if(NOT count)
      set(count 0)
    endif()
    foreach(source IN LISTS ARGN)
      math(EXPR group "${count} / ${CELLGRAD_UNITY}")
      math(EXPR count "${count} + 1")
      set_source_files_properties("${source}" TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP "${folder}_${group}")
    endforeach()
    set_property(DIRECTORY PROPERTY CELL_FILES_OF_${target} ${count})
  endif()
endfunction()

# cell_room(sources...): adds the sources of this folder to the object library.
function(cell_room)
  if(ARGN)
    _cell_sources(obj.Cell ${ARGN})
  endif()
endfunction()

# cell_llvm_room(sources...): the same for files that include the LLVM dialect; they are objects of the same library.
function(cell_llvm_room)
  _cell_sources(obj.CellLLVM ${ARGN})
endfunction()

# cell_tablegen(file.td OUTPUT generator flags... [OUTPUT ...]): for each "name.inc:-gen-x -y" pair, generate name.inc beside
# the file's place in the build tree.
function(cell_tablegen td)
  set(source "${CMAKE_CURRENT_SOURCE_DIR}/${td}")
  foreach(pair IN LISTS ARGN)
    string(REGEX MATCH "^([^:]+):(.*)$" _ "${pair}")
    set(out "${CMAKE_CURRENT_BINARY_DIR}/${CMAKE_MATCH_1}")
    separate_arguments(flags UNIX_COMMAND "${CMAKE_MATCH_2}")
    get_filename_component(stem "${CMAKE_MATCH_1}" NAME)
    add_custom_command(
      OUTPUT "${out}"
      COMMAND "${CELL_MLIR_TBLGEN}" ${flags} -I "${PROJECT_SOURCE_DIR}" -I "${CELL_MLIR}/include" "${source}"
              -o "${out}" --write-if-changed -d "${out}.d"
      DEPENDS "${source}" DEPFILE "${out}.d"
      COMMENT "tablegen ${stem}" VERBATIM)
    list(APPEND outs "${out}")
  endforeach()
  string(MAKE_C_IDENTIFIER "tblgen-${CMAKE_CURRENT_SOURCE_DIR}/${td}" id)
  add_custom_target(${id} DEPENDS ${outs})
  add_dependencies(Cell.tablegen ${id})
endfunction()
