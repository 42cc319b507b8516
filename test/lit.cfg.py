# lit configuration. Tools come from the build tree when it has them, else from the installed package; -Dtools=<dir> names
# another build tree, -Dtools=installed asks for the package.
import importlib.util
import os
import sys
from pathlib import Path

import lit.formats
import lit.util


def package(name):
    spec = importlib.util.find_spec(name)
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


source = Path(__file__).resolve().parent.parent
choice = lit_config.params.get("tools", "")
tree = source / (choice if choice not in ("", "installed") else "build")
if choice == "installed" or (not choice and not (tree / "bin" / "cell-opt").exists()):
    installed = package("cellgrad")
    if installed is None:
        lit_config.fatal("cell-opt is neither in build/bin nor installed; run `make build`")
    bindir, plugin = installed / "bin", installed / "lib" / "CellgradPlugin.so"
    pythonpath = None
else:
    bindir, plugin = tree / "bin", tree / "lib" / "CellgradPlugin.so"
    # A development build puts the extension modules into the source tree; otherwise it is the installed package that runs.
    in_place = any((source / "python" / "cellgrad" / "_runtime").glob("_core*.so"))
    pythonpath = str(source / "python") if in_place else None
llvm, mlir = package("llvm"), package("mlir")
if llvm is None or mlir is None:
    lit_config.fatal("the LLVM and MLIR wheels are not installed in " + sys.prefix)

config.name = "cellgrad"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["python", "Inputs"]
config.test_source_root = str(source / "test")
config.test_exec_root = str((tree if tree.exists() else source / "build") / "test")

config.environment["PATH"] = os.pathsep.join([str(bindir), str(llvm / "bin"), str(mlir / "bin"), os.environ.get("PATH", "")])
for name in ("HOME", "CELLGRAD_CACHE_DIR", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
if pythonpath:
    config.environment["PYTHONPATH"] = pythonpath
config.environment["FILECHECK_OPTS"] = "--enable-var-scope --allow-unused-prefixes=false"

plugin_flags = f"--load-dialect-plugin={plugin} --load-pass-plugin={plugin}"
runner_libs = ",".join(str(mlir / "lib" / f"lib{n}.so") for n in ("mlir_runner_utils", "mlir_c_runner_utils"))
runtime = (package("cellgrad") or source) / "lib" / "libcellgrad_cpu.so" if pythonpath is None else tree / "lib" / "libcellgrad_cpu.so"
config.substitutions += [
    ("%mlir_opt_plugin", f"{mlir / 'bin' / 'mlir-opt'} {plugin_flags}"),
    ("%runner_libs", f"{runner_libs},{runtime}"),
    ("%python", sys.executable),
]
if "sanitize" in choice:
    # MLIR itself is not instrumented: containers that cross the border look overflown, and what MLIR keeps for the process looks leaked,
    # and of its arenas only the allocations that our files inline mark what they give out.
    config.environment.setdefault("ASAN_OPTIONS", "detect_container_overflow=0:detect_leaks=0:alloc_dealloc_mismatch=0:allow_user_poisoning=0")
    config.environment.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")  # else a test that does not read stderr passes
else:
    config.available_features.add("plugin")
for tool, feature in (("cell-lsp-server", "lsp"), ("cell-run", "cell-run"), ("cell-reduce", "cell-reduce"), ("cell-translate", "cell-translate")):
    if (bindir / tool).exists():
        config.available_features.add(feature)
if (Path(sys.prefix) / "bin" / "cell-config").exists():
    config.available_features.add("cell-config")
    config.environment["PATH"] += os.pathsep + str(Path(sys.prefix) / "bin")
