# Each target does all the set-up it needs; only Python 3.11 or newer has to be there.
VENV ?= .venv
PYTHON ?= python3

bin := $(VENV)/bin
installed := $(VENV)/.installed
models := lj38/histo-cv.pt lj38/soap-cv.pt
# more than one thread makes 38 atoms slower
export OMP_NUM_THREADS ?= 1

.PHONY: setup models run test test-fast test-long lint docs bench clean

setup: $(installed)

$(installed): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(bin)/pip install --quiet --upgrade pip
	$(bin)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	@# the PLUMED kernel that the tests compare with; its Python dependencies are not needed
	$(bin)/pip install --quiet --no-deps hillclimber==0.1.8 || echo "no PLUMED wheel for this machine"
	touch $@

models: $(models)

lj38/histo-cv.pt: $(installed) lj38/export.py lj38/coordination_histogram.py lj38/soap_cv.py
	$(bin)/python -m lj38.export

lj38/soap-cv.pt: lj38/histo-cv.pt

run: $(installed) $(models)
	$(bin)/ipi-mtd launch inputs/input.xml inputs/lj38.toml --output run --fresh
	$(bin)/ipi-mtd fes run/HILLS --config inputs/lj38.toml --colvar run/COLVAR \
	    --range cv1=0:30:300 --range cv2=0:20:200 \
	    --mark lj38/octahedron.xyz --mark lj38/icosahedron.xyz \
	    --output run/fes.dat --picture run/fes.png
	@echo
	@echo "Look at run/fes.png, the free energy; run/fes.dat, the same as a table;"
	@echo "run/COLVAR and run/HILLS, as PLUMED writes them; run/lj38.pos_0.extxyz, the trajectory."

test: lint $(models)
	$(bin)/python -m pytest -n 2

test-fast: $(installed) $(models)
	$(bin)/python -m pytest -n 2 --dist loadfile -m "not server"

test-long: $(installed) $(models)
	$(bin)/python -m pytest -n 2 -m long --long

lint: $(installed)
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/lint-imports --no-cache
	$(bin)/mypy

# the pages of reference, from the docstrings and help texts that they repeat
docs: $(installed)
	$(bin)/python -m docs

bench: $(installed) $(models)
	$(bin)/python -m benchmarks --long

clean:
	rm -rf run build *.egg-info lj38/extensions $(models) .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
