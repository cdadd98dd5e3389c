# Two commands matter: `make demo` and `make test`. Both set up .venv when it is not there.
PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint lint-rtl figures wheel clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv with everything emcc needs

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"emcc needs Python 3.11 or newer; $(PYTHON) is {v[0]}.{v[1]}. Try: make PYTHON=python3.12")'
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "$(PYTHON) has no venv module: install it (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,ort,sim,synth,bitstream,flash,hls,dev]'
	@touch $@

demo: $(READY)  ## compile, compress and simulate the digits network, and print one table
	$(BIN)/python examples/digits/demo.py

test: $(READY)  ## run all tests
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(JOBS)

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lint-rtl: $(READY)  ## the emitted RTL under Verilator -Wall, Yosys and Icarus
	$(BIN)/python -m emcc.lint

figures: $(READY)  ## make the quick figures of README and docs again; fails where one differs
	$(BIN)/python benchmarks/figures.py

wheel: $(READY)  ## build dist/*.whl
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist

clean:  ## remove what was built; .venv stays
	rm -rf build dist out sim_build .pytest_cache .ruff_cache .mypy_cache .hypothesis compiler/*.egg-info
