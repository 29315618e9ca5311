# `make` lists what there is to do. Everything runs in a virtual environment of its own, .venv, made from PYTHON.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
FUZZ_SECONDS ?= 60
CORPUS ?= 25
PERCENT ?= 1000
THREAD_ROUNDS ?= 50
EXAMPLE_DATA ?= ../shared/material
PYTEST_ARGS ?=
MODELS ?= $(wildcard tests/golden/v*/*.smr)
BENCH_ENV ?= build/bench-env
BENCH_ARGS ?=
RUNS ?= build/bench/run.json

BIN := $(CURDIR)/$(VENV)/bin
STAMPS := $(VENV)/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
BENCH_PIP := $(BENCH_ENV)/bin/python -m pip --disable-pip-version-check --quiet
EDITABLE := $(PIP) install --no-build-isolation -C cmake.define.SMR_WERROR=ON --editable
export PATH := $(BIN):$(PATH)
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)

C_SOURCES := $(shell find runtime_c/src runtime_c/include runtime_c/cmake -type f)
C_STYLED := $(shell find runtime_c tests/runtime_c examples src/samara -name '*.[ch]' -not -path '*/gen/*' 2>/dev/null)
BUILD_FILES := pyproject.toml CMakeLists.txt runtime_c/CMakeLists.txt pyruntime/_build.py

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help native test test-c test-sanitized test-threads test-all-threads test-all-floats test-python test-machines demo corpus mnist examples onnx-coverage architectures tensorboard-screenshot lint format gen \
        gen-check check fuzz bench bench-docs bench-files bench-training size mca clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- Setting up ----------------------------------------------------------------------------------------------

$(STAMPS)/venv: pyproject.toml
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install 'pip>=25.1'
	@$(PIP) install --group build --group test
	@cmake --version 2>/dev/null | awk 'NR == 1 {split($$3, v, "."); found = v[1] > 3 || v[2] >= 21} END {exit !found}' \
	  || $(PIP) install cmake
	@mkdir -p $(STAMPS) && touch $@

# Editable: Python files are used where they lie; this runs again when C sources or build files change.
$(STAMPS)/native: $(STAMPS)/venv $(C_SOURCES) $(BUILD_FILES)
	@echo "building the Python extension"
	@$(EDITABLE) .
	@touch $@


$(STAMPS)/demo: pyproject.toml | $(STAMPS)/native
	@$(EDITABLE) '.[demo]'
	@touch $@

# torch alone first: with it in place nothing brings in another build of it.
$(STAMPS)/frontends: pyproject.toml | $(STAMPS)/venv
	@echo "installing the frameworks that models come from"
	@$(PIP) install torch==2.13.0
	@$(PIP) install --group frontends
	@touch $@

$(STAMPS)/dev: pyproject.toml | $(STAMPS)/venv
	@$(PIP) install --group dev
	@touch $@

native: $(STAMPS)/native ## Build and install the Python extension after a change of C sources

# ---- Tests ---------------------------------------------------------------------------------------------------

test: test-c test-sanitized test-threads test-python ## Run everything: C tests, sanitizers, fuzz corpora, Python, repository

test-c: $(STAMPS)/native ## Run the C tests, release build
	@mkdir -p build
	cmake --preset release >build/release.log || { cat build/release.log; exit 1; }
	cmake --build --preset release
	ctest --preset release -j $(JOBS)

test-sanitized: $(STAMPS)/native ## Run the C tests and replay the fuzz corpora under ASan and UBSan
	@mkdir -p build
	cmake --preset asan-ubsan >build/asan-ubsan.log || { cat build/asan-ubsan.log; exit 1; }
	cmake --build --preset asan-ubsan
	ctest --preset asan-ubsan -j $(JOBS)

test-threads: $(STAMPS)/native ## Run what has threads under the thread sanitizer, all kernels of the golden files among it
	@mkdir -p build
	cmake --preset tsan >build/tsan.log || { cat build/tsan.log; exit 1; }
	cmake --build --preset tsan --target test_threads
	ctest --preset tsan -R threads

test-all-threads: test-threads ## Run all C tests under the thread sanitizer, and THREAD_ROUNDS times what has threads
	cmake --build --preset tsan
	ctest --preset tsan -E threads -j $(JOBS)
	ctest --preset tsan -R threads --repeat until-fail:$(THREAD_ROUNDS)

test-all-floats: $(STAMPS)/native ## Measure the transcendental functions' errors for all 2^32 floats, which takes most of an hour
	@mkdir -p build
	cmake --preset release >build/release.log || { cat build/release.log; exit 1; }
	cmake --build --preset release --target test_transcendental
	$$(find build/release -name test_transcendental -type f) 1

test-python: $(STAMPS)/native $(STAMPS)/frontends ## Run the Python and repository tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

test-machines: $(STAMPS)/native $(STAMPS)/frontends ## Try PERCENT % of the usual random nodes on ARM and WebAssembly, under emulators
	SMR_TEST_PERCENT=$(PERCENT) $(BIN)/python -m pytest tests/repo/test_machines.py

check: lint gen-check test ## What continuous integration runs

demo: $(STAMPS)/demo ## Train on handwritten digits, export as float and int8, run and compare
	$(BIN)/python examples/digits/demo.py

onnx-coverage: $(STAMPS)/native $(STAMPS)/frontends ## Run the official ONNX backend tests and write docs/onnx-coverage.md
	$(BIN)/python -m tests.exporter.frontends.onnx.suite --write docs/onnx-coverage.md --details

architectures: $(STAMPS)/native $(STAMPS)/frontends ## Export well-known architectures from torch and ONNX and write docs/architectures.md
	$(BIN)/python -m tests.exporter.frontends.survey --write docs/architectures.md

corpus: $(STAMPS)/native $(STAMPS)/frontends ## Hold many generated models to their frameworks, CORPUS times as many as in a test run
	SAMARA_CORPUS=$(CORPUS) $(BIN)/python -m pytest -k corpus tests/exporter/frontends

tensorboard-screenshot: $(STAMPS)/native ## Show a graph in TensorBoard, in headless Chromium, and hold the picture to it
	$(BIN)/python -m tests.integration.tensorboard_page build/tensorboard.png

mnist: $(STAMPS)/demo ## Train on MNIST, export as float and int8, and hold both to their accuracy
	$(BIN)/python examples/mnist/train.py

# The programs that have a main; spoken digits need the folder EXAMPLE_DATA.
EXAMPLES := $(filter-out %/common.py %/data_parallel.py,$(wildcard examples/training/*.py))
WITH_DATA := examples/training/lstm_spoken_digits.py

examples: $(STAMPS)/demo ## Run the training programs at full length and hold them to their results (EXAMPLE_DATA: recordings)
	@for program in $(EXAMPLES); do \
	  case "$$program" in \
	    $(WITH_DATA)) \
	      if test -d '$(EXAMPLE_DATA)'; then data='--data $(EXAMPLE_DATA)'; else echo "$$program: no $(EXAMPLE_DATA)"; continue; fi;; \
	    *) data=;; \
	  esac; \
	  echo "$$program"; $(BIN)/python $$program $$data || exit 1; \
	done

fuzz: $(STAMPS)/native ## Fuzz the loader and runs for FUZZ_SECONDS each (needs clang)
	@$(BIN)/python runtime_c/tools/fuzz.py --seconds $(FUZZ_SECONDS)

# Peers one by one: one that cannot be had does not keep the others away.
$(BENCH_ENV)/ready: benchmarks/peers.txt pyproject.toml
	@echo "setting up $(BENCH_ENV)"
	@$(PYTHON) -m venv $(BENCH_ENV)
	@$(BENCH_PIP) install 'pip>=25.1'
	@$(BENCH_PIP) install --group build --group bench
	@grep -v '^#' benchmarks/peers.txt | while read -r peer; do \
	  echo "installing $$peer"; $(BENCH_PIP) install $$peer || echo "absent: $$peer"; done
	@touch $@

$(BENCH_ENV)/native: $(BENCH_ENV)/ready $(C_SOURCES) $(BUILD_FILES)
	@$(BENCH_PIP) install --no-build-isolation -C build-dir=build/bench-native --editable .
	@touch $@

bench: $(BENCH_ENV)/native ## Measure Samara beside other runtimes (BENCH_ARGS: see python -m benchmarks --help)
	$(BENCH_ENV)/bin/python -W ignore -m benchmarks $(BENCH_ARGS)

bench-docs: $(BENCH_ENV)/native ## Write docs/benchmarks.md and a chart from RUNS, by default that of the last make bench
	$(BENCH_ENV)/bin/python -m benchmarks.report $(RUNS) --write docs/benchmarks.md --chart docs/benchmarks.png

bench-files: test-c ## Check and time MODELS, by default the golden files
	$$(find build/release -name smr_bench -type f) $(MODELS)

bench-training: $(STAMPS)/native $(STAMPS)/frontends ## What training costs beside numpy and beside eager PyTorch
	$(BIN)/python benchmarks/training.py $(BENCH_ARGS)

size: $(STAMPS)/venv ## Text and data of the library, for each compiler that is there
	@$(BIN)/python runtime_c/tools/size.py

mca: $(STAMPS)/venv ## Model the inner loops of ARM's products with llvm-mca, as fractions of the cores' limits
	@$(BIN)/python runtime_c/tools/mca.py

# ---- Style ---------------------------------------------------------------------------------------------------

lint: $(STAMPS)/dev ## Check style, types and C diagnostics
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(C_STYLED)
	@mkdir -p build
	cmake --preset dev >build/dev.log || { cat build/dev.log; exit 1; }
	sed -n 's|.*"file": "\(.*/runtime_c/src/.*\.c\)".*|\1|p' build/dev/compile_commands.json | sort -u | xargs -P $(JOBS) -n 4 $(BIN)/clang-tidy --quiet -p build/dev

format: $(STAMPS)/dev ## Rewrite Python and C files in the project's format
	$(BIN)/ruff check --fix --exit-zero --quiet
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(C_STYLED)

gen: $(STAMPS)/native ## Rewrite what is derived from the op table and the schema
	$(BIN)/python -m samara.exporter.codegen

gen-check: $(STAMPS)/native ## Fail if a generated file is out of date
	$(BIN)/python -m samara.exporter.codegen --check

clean: ## Remove everything that was built, the virtual environment included
	rm -rf build dist $(VENV)
