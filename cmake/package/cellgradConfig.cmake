# An installed cellgrad, for dialects and passes outside its tree (examples/plugin). Gives
#   cellgrad_tablegen(file.td "out.inc:-gen-x ..." ...)   # mlir-tblgen, with the records of MLIR and cellgrad in reach
#   cellgrad_plugin(Name sources...)                      # Name.so for --load-dialect-plugin and --load-pass-plugin
# and CELLGRAD_INCLUDE_DIRS, CELLGRAD_MLIR_TBLGEN, CELLGRAD_BINDIR, CELLGRAD_PLUGIN. The LLVM and MLIR wheels unpack beside the package;
# set CELLGRAD_LLVM and CELLGRAD_MLIR where they are elsewhere.
cmake_minimum_required(VERSION 3.25)
get_filename_component(_cellgrad_root "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

foreach(_package IN ITEMS llvm mlir)
  string(TOUPPER "CELLGRAD_${_package}" _name)
  set(_found "${_cellgrad_root}/../${_package}")
  if(NOT ${_name} AND NOT EXISTS "${_found}/include")
    find_package(Python 3.11 QUIET COMPONENTS Interpreter)
    execute_process(COMMAND "${Python_EXECUTABLE}" -c "import ${_package}; print(list(${_package}.__path__)[0])"
                    OUTPUT_VARIABLE _found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  set(${_name} "${_found}" CACHE PATH "Folder of the ${_package} wheel")
  if(NOT EXISTS "${${_name}}/include/${_package}")
    set(cellgrad_FOUND FALSE)
    set(cellgrad_NOT_FOUND_MESSAGE
        "The headers of ${_package} are not in '${${_name}}/include'. Install the package xtc-${_package}-dev of the version that cellgrad asks of xtc-${_package}-tools, or set ${_name}.")
    return()
  endif()
endforeach()

set(CELLGRAD_INCLUDE_DIRS "${_cellgrad_root}/include")
set(CELLGRAD_MLIR_TBLGEN "${CELLGRAD_MLIR}/bin/mlir-tblgen")
set(CELLGRAD_BINDIR "${_cellgrad_root}/bin")
set(CELLGRAD_PLUGIN "${_cellgrad_root}/lib/CellgradPlugin.so")

if(NOT TARGET cellgrad::headers)
  add_library(cellgrad::headers INTERFACE IMPORTED)
  target_include_directories(cellgrad::headers SYSTEM INTERFACE "${CELLGRAD_INCLUDE_DIRS}" "${CELLGRAD_LLVM}/include" "${CELLGRAD_MLIR}/include")
  target_compile_features(cellgrad::headers INTERFACE cxx_std_17)
  target_compile_options(cellgrad::headers INTERFACE -fno-rtti -fno-exceptions)
  target_compile_definitions(cellgrad::headers INTERFACE __STDC_CONSTANT_MACROS __STDC_FORMAT_MACROS __STDC_LIMIT_MACROS)
endif()

# For each "name.inc:-gen-x -y" pair, makes name.inc in the current build folder.
function(cellgrad_tablegen td)
  foreach(pair IN LISTS ARGN)
    string(REGEX MATCH "^([^:]+):(.*)$" _ "${pair}")
    set(out "${CMAKE_CURRENT_BINARY_DIR}/${CMAKE_MATCH_1}")
    separate_arguments(flags UNIX_COMMAND "${CMAKE_MATCH_2}")
    add_custom_command(
      OUTPUT "${out}"
      COMMAND "${CELLGRAD_MLIR_TBLGEN}" ${flags} -I "${CMAKE_CURRENT_SOURCE_DIR}" -I "${CELLGRAD_INCLUDE_DIRS}" -I "${CELLGRAD_MLIR}/include"
              "${CMAKE_CURRENT_SOURCE_DIR}/${td}" -o "${out}" --write-if-changed -d "${out}.d"
      DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${td}" DEPFILE "${out}.d" VERBATIM)
    set_property(DIRECTORY APPEND PROPERTY CELLGRAD_GENERATED "${out}")
  endforeach()
endfunction()

# Neither MLIR nor cellgrad is linked in: their symbols are those of the tool that loads the plugin.
function(cellgrad_plugin name)
  get_property(generated DIRECTORY PROPERTY CELLGRAD_GENERATED)
  add_library(${name} MODULE ${ARGN} ${generated})
  target_include_directories(${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}" "${CMAKE_CURRENT_BINARY_DIR}")
  target_link_libraries(${name} PRIVATE cellgrad::headers)
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so")
endfunction()
