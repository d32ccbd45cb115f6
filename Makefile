# make demo   the whole check against an embedded engine and registry
# make test   everything that can be tested on this machine, real daemons included
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Where the engine with the containerd store is built: minutes, once.
ENGINE29 ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/check_container_updates/engine29
MOBY := github.com/moby/moby/v2/cmd/dockerd@v2.0.0-beta.24
CONTAINERD := github.com/containerd/containerd/v2/cmd
CONTAINERD_VERSION := v2.2.9

# Compiled once, not by each process that the tests start.
unexport PYTHONDONTWRITEBYTECODE

# Where the tools that sign are built, and a registry with the referrers API: minutes, once.
SIGNERS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/check_container_updates/signers

# A root with the newest Python that Debian has: a minute, once.
NEWEST ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/check_container_updates/newest-python

.PHONY: demo test test-fast test-newest test-engine29 test-signers lint bench clean

demo: $(VENV)/.run
	@$(BIN)/python check_container_updates.py --demo; code=$$?; echo; \
	case $$code in \
	0) echo "exit code 0: OK, every container is up to date" ;; \
	1) echo "exit code 1: WARNING, as Icinga would show it: the demo has containers that are outdated" ;; \
	2) echo "exit code 2: CRITICAL, as Icinga would show it: the demo has containers that nobody should run" ;; \
	*) echo "exit code $$code: UNKNOWN, the check could not be made"; exit 1 ;; \
	esac

test: $(VENV)/.test
	@tests/functional/install-daemons
	$(BIN)/pytest -n auto --dist worksteal --ignore=tests/functional
	$(BIN)/pytest -m "not engine29 and not signers" tests/functional

test-fast: $(VENV)/.test
	$(BIN)/pytest -n auto --dist worksteal --ignore=tests/functional

# The fast tests of what depends on Python and its libraries, on the newest Python that Debian has; as root.
test-newest:
	@tests/functional/newest-python $(NEWEST)

test-engine29: $(VENV)/.test $(ENGINE29)/dockerd $(ENGINE29)/containerd $(ENGINE29)/containerd-shim-runc-v2
	@tests/functional/install-daemons
	CONTAINER_UPDATES_ENGINE29=$(ENGINE29) $(BIN)/pytest -m engine29 tests/functional

test-signers: $(VENV)/.test $(SIGNERS)/2.6.4/cosign $(SIGNERS)/3.1.2/cosign $(SIGNERS)/registry
	@tests/functional/install-daemons
	CONTAINER_UPDATES_SIGNERS=$(SIGNERS) $(BIN)/pytest -m signers tests/functional

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test
	@tests/functional/install-daemons
	CONTAINER_UPDATES_SIGNERS=$(SIGNERS) $(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info

# Made again where it was interrupted.
$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: setup.cfg | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[table,versions]"
	@touch $@

$(VENV)/.test: setup.cfg | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[table,versions,packages,test]"
	@touch $@ $(VENV)/.run

$(VENV)/.lint: setup.cfg | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[table,versions,packages,test,lint]"
	@touch $@ $(VENV)/.test $(VENV)/.run

$(ENGINE29)/dockerd:
	GOBIN=$(ENGINE29) CGO_ENABLED=0 go install $(MOBY)

$(ENGINE29)/containerd $(ENGINE29)/containerd-shim-runc-v2:
	GOBIN=$(ENGINE29) CGO_ENABLED=0 go install $(CONTAINERD)/$(notdir $@)@$(CONTAINERD_VERSION)

$(SIGNERS)/%/cosign:
	GOBIN=$(@D) CGO_ENABLED=0 go install github.com/sigstore/cosign/v$(firstword $(subst ., ,$*))/cmd/cosign@v$*

$(SIGNERS)/registry: tests/functional/referrers-registry/main.go
	cd tests/functional/referrers-registry && CGO_ENABLED=0 go build -o $@ .
