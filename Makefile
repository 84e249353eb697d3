# make help lists what there is; make lab and make test are all that most need.
PYTHON ?= python3
VENV ?= .venv
COLAB_VENV ?= .venv-colab
OLDEST_VENV ?= .venv-oldest
GPU_PYTHON ?= $(if $(wildcard $(VENV)/bin/python),$(VENV)/bin/python,$(PYTHON))
NOTEBOOKS := $(sort $(wildcard notebooks/[0-9]*.ipynb))
TWO = -n 2 --dist loadscope --no-loadscope-reorder --durations 40  # the files that run whole lessons come first, and not alone at the end
EACH = $(TWO) --dist loadgroup  # where most tests take long: the next test goes to the worker that is free, not the next file
# two workers on two cores: more threads would only wait for each other
test test-all test-colab test-oldest test-browser book test-book: export OMP_NUM_THREADS = 1
NBVAL = -p no:cacheprovider --nbval --nbval-current-env --nbval-cell-timeout 120
ALONE = $(or $(TMPDIR),/tmp)/sltcourse-one-file
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)
export MPLCONFIGDIR ?= $(CURDIR)/build/matplotlib
export JUPYTER_PLATFORM_DIRS = 1
export TQDM_DISABLE = 1

.PHONY: help lab test test-all test-colab test-oldest test-browser test-book book colab lint lesson stamp notebooks rhythm latency frames animation speed wheel gpu gpu-rehearsal mutants clean

lab: $(VENV)/.ready   ## build the environment, open JupyterLab on the first lesson
	TQDM_DISABLE= $(VENV)/bin/jupyter lab $(ROOT_FLAG) $(firstword $(NOTEBOOKS))

test: $(VENV)/.ready lint   ## build the environment, run every test and every notebook
	$(VENV)/bin/pytest $(TWO) -m "not long" $(NBVAL) tests $(NOTEBOOKS)

test-all: $(VENV)/.ready lint   ## the same and the tests that take over a minute each
	$(VENV)/bin/pytest $(TWO) --timeout 3600 $(NBVAL) tests $(NOTEBOOKS)

test-colab: $(COLAB_VENV)/.ready colab   ## one-file copies of the lessons, alone in a folder, at the versions Colab has
	rm -rf $(ALONE) && mkdir -p $(ALONE) && cp $(NOTEBOOKS:notebooks/%=build/colab/%) tests/nbval_numbers.py $(ALONE)
	cd $(ALONE) && ! $(abspath $(COLAB_VENV))/bin/python -c "import sltcourse" 2>/dev/null
	cd $(ALONE) && $(abspath $(COLAB_VENV))/bin/python -m pytest $(TWO) -c /dev/null --rootdir . -p nbval_numbers $(NBVAL) .

TOOLS = api_reference architecture kit_book kit_new_lesson nbval_numbers reference_pages references wheel workflows
# without the notebooks, whose stored outputs are Colab's and constraints.txt's, and without what tests maintainers' tools;
# old versions warn of what has long been mended, so that a warning is no error
test-oldest: $(OLDEST_VENV)/.ready   ## the package's tests at the lowest versions that pyproject.toml allows
	$(OLDEST_VENV)/bin/python -m pytest -p no:cacheprovider $(TWO) -m "not long" -W default -W ignore::DeprecationWarning \
		$(filter-out $(TOOLS:%=tests/test_%.py),$(wildcard tests/test_*.py))

# apt-get install chromium
test-browser: $(VENV)/.ready $(COLAB_VENV)/.ready colab   ## every lesson in JupyterLab, its one-file copy's figures in Notebook 6, in headless Chromium
	$(VENV)/bin/pip install -q -c constraints.txt -e ".[browser]"
	COLAB_VENV=$(COLAB_VENV) $(VENV)/bin/pytest $(TWO) -p no:cacheprovider --ignore tests/browser/test_book.py tests/browser

test-book: book   ## every page of the book in headless Chromium
	$(VENV)/bin/pip install -q -c constraints.txt -e ".[browser]"
	$(VENV)/bin/pytest $(EACH) -p no:cacheprovider tests/browser/test_book.py

lint: $(VENV)/.ready   ## the rules of style, imports and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports --no-cache --no-logo
	$(VENV)/bin/mypy --cache-dir build/mypy

lesson: NAME = $(shell echo $(L) | cut -c4-)
lesson: $(VENV)/.ready   ## all tests of one lesson: make lesson L=03_volume_scaling
	@: $(if $(wildcard notebooks/$(L).ipynb),,$(error there is no lesson "$(L)": make lesson L=03_volume_scaling))
	$(VENV)/bin/pytest -n 2 --dist loadscope -m "not long" $(NBVAL) -k "$(L) or test_$(NAME)" \
		tests/test_$(NAME).py tests/notebooks notebooks/$(L).ipynb

stamp: $(VENV)/.ready   ## the published address, from pyproject.toml, into every lesson and the README
	$(VENV)/bin/python -m sltcourse.kit.authoring stamp $(NOTEBOOKS)

notebooks: $(VENV)/.ready   ## re-execute every lesson from a fresh kernel and store clean outputs
	$(VENV)/bin/python -m sltcourse.kit.authoring execute $(NOTEBOOKS)

rhythm: $(VENV)/.ready   ## words a line, core minutes and what else is measured of each lesson
	@$(VENV)/bin/python -m sltcourse.kit.rhythm $(NOTEBOOKS)

colab: $(VENV)/.ready   ## one-file copies of the lessons for Colab, in build/colab
	TQDM_DISABLE= $(VENV)/bin/python -m sltcourse.kit.authoring onefile $(NOTEBOOKS)

# the wheel is built from the source package, which so is seen to be whole
wheel:   ## source and wheel to publish, in build/dist
	rm -rf build/dist build/lib build/bdist.* && $(PYTHON) -m venv build/packager
	build/packager/bin/python -m pip install -q build
	build/packager/bin/python -m build --outdir build/dist .

book: $(VENV)/.ready build/katex/.ready   ## the whole course as a site whose sliders need no kernel, in build/book
	$(VENV)/bin/python -m sltcourse.kit.book

build/katex/.ready: docs/katex.txt | $(VENV)/.ready
	rm -rf $(@D) && $(VENV)/bin/pip download -q --no-deps --require-hashes -d $(@D) -r docs/katex.txt && touch $@

latency: $(VENV)/.ready   ## the live figures in a real browser; writes assets/latency/latency.json
	$(VENV)/bin/pip install -q -c constraints.txt -e ".[browser]"
	$(VENV)/bin/python -m tests.benchmarks.latency

frames: book   ## pictures a second of the book's figures; writes assets/latency/book.json
	$(VENV)/bin/pip install -q -c constraints.txt -e ".[browser]"
	$(VENV)/bin/python -m tests.benchmarks.frames

animation: $(VENV)/.ready   ## the README's moving picture, from a live figure in a real browser
	$(VENV)/bin/pip install -q -c constraints.txt -e ".[browser]"
	$(VENV)/bin/python -m tests.benchmarks.animation

speed: $(VENV)/.ready   ## the estimator beside devinterp, on a quiet machine; writes assets/llc/speed.json
	$(VENV)/bin/python tests/benchmarks/llc_speed.py

mutants: R = kit
mutants: $(VENV)/.ready   ## small mistakes in a room's code, and how many of them its tests see: make mutants R=theory
	$(VENV)/bin/pip install -q -c constraints.txt -e ".[mutants]"
	$(VENV)/bin/python -m tests.benchmarks.mutants $(R)

gpu:   ## what needs a CUDA device, in seven minutes; writes assets/llc/gpu.json; installs nothing: GPU_PYTHON=... says which Python
	TQDM_DISABLE=1 $(GPU_PYTHON) -m tests.gpu

gpu-rehearsal:   ## make gpu on the CPU, smaller, before the first minute on a device is spent
	TQDM_DISABLE=1 $(GPU_PYTHON) -m tests.gpu --rehearse

# what pip does on one core, on all; some packages hold files that are no Python
COMPILED = $(1)/bin/python -W ignore -m compileall -qq -j 0 $(1)/lib || true

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %s: make PYTHON=python3.11 ..." % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --no-compile -c constraints.txt -e ".[lab,test,book]"
	$(call COMPILED,$(VENV))
	$(VENV)/bin/python -c "import matplotlib.pyplot"
	@mkdir -p $(VENV)/share/jupyter/labextensions   # pictures have their alternative text in JupyterLab
	@ln -sfn "$(CURDIR)/labextension" $(VENV)/share/jupyter/labextensions/sltcourse
	@mkdir -p $(VENV)/share/jupyter/lab/settings   # a saved notebook keeps its live figures alive, without a kernel too
	@echo '{"@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": true}}' > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

$(COLAB_VENV)/.ready: pyproject.toml constraints-colab.txt
	$(PYTHON) -m venv $(COLAB_VENV)
	$(COLAB_VENV)/bin/pip install -q --no-compile -r constraints-colab.txt
	$(call COMPILED,$(COLAB_VENV))
	$(COLAB_VENV)/bin/python -c "import matplotlib.pyplot"
	@touch $@

$(OLDEST_VENV)/.ready: pyproject.toml constraints-oldest.txt
	$(PYTHON) -m venv $(OLDEST_VENV)
	$(OLDEST_VENV)/bin/pip install -q --no-compile -r constraints-oldest.txt -e .
	$(call COMPILED,$(OLDEST_VENV))
	$(OLDEST_VENV)/bin/python -c "import matplotlib.pyplot"
	@touch $@

help:   ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

clean:   ## remove the environments and all that was built
	rm -rf $(VENV) $(COLAB_VENV) $(OLDEST_VENV) build
