# The only entry points anyone has to know.
#   make demo    from nothing to five acts on a real Kubernetes API, narrated
#   make serve   the same system, left running, with something to try
#   make test    everything: lint, types, import contracts, tests, coverage
#   make check   only the fast gates: lint, types, import contracts
#   make bench   the figures, measured side by side in one run
#   make down    ends what `make serve` started
# KUBECONFIG_FILE=path points demo and serve at a cluster of yours instead of the embedded one; PORT=8081
# has serve listen there, and REGISTRY=host/path/ lets it take images from there too.

PYTHON ?= python3
PORT   ?= 8080
# Processes that share the tests, module by module; each starts a stack of its own, which takes 1 GB.
WORKERS ?= 2
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.set-up

.DEFAULT_GOAL := help
.PHONY: help setup demo serve down test check bench format docs clean

help:
	@sed -n '2,10s/^# \{0,1\}//p' Makefile

setup: $(STAMP)

# Every dependency by version and hash; uv only because it takes 3 s where pip takes 40.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("deploy-gateway needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m ensurepip --upgrade >/dev/null && test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.9'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/deploy-gateway dev demo $(if $(KUBECONFIG_FILE),--kubeconfig $(KUBECONFIG_FILE))

serve: $(STAMP)
	@$(BIN)/deploy-gateway dev up --port $(PORT) $(if $(KUBECONFIG_FILE),--kubeconfig $(KUBECONFIG_FILE)) $(if $(REGISTRY),--registry $(REGISTRY))

down: $(STAMP)
	@$(BIN)/deploy-gateway dev down

check: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

test: check
	@$(BIN)/deploy-gateway tools install
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest --numprocesses=$(WORKERS) --dist=loadfile
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --include='pipelines/*' --fail-under=100
	@$(BIN)/coverage report --fail-under=90

bench: $(STAMP)
	@$(BIN)/python -m bench

format: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(STAMP)
	@$(BIN)/python -m docs.generate

clean:
	rm -rf $(VENV) .deploy-gateway .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
