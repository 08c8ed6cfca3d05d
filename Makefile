# Greenlight's commands. `make help` lists them; VENV=DIR keeps the environment elsewhere.
.DEFAULT_GOAL := help
VENV ?= .venv
export VENV

PYTEST = TF_USE_LEGACY_KERAS=1 "$$VENV/bin/python" -m pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

.PHONY: help setup setup-tests run test test-all proof-flink proof-spark proof-stores proof-clients mutants figures lint docs lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  VENV=DIR      keep the environment in DIR instead of .venv'
	@echo '  PYTHON=FILE   build the environment with this Python'
	@echo '  GPU=1         TensorFlow with CUDA, on Linux'
	@echo '  TEXT=1        tensorflow-text, for SentencePiece modules'
	@echo '  ARGS="..."    hand arguments on: make run ARGS="--workspace DIR", make test ARGS="-k gate"'

setup: ## make the environment, or bring it up to date; nothing to do when it is ready
	@requirements/setup.sh

setup-tests: ## the same, with what the tests and linters use
	@requirements/setup.sh --tests

run: setup ## the pipeline, from 25,000 reviews to a promoted model
	@"$$VENV/bin/greenlight" run $(ARGS)

test: setup-tests ## the tests that answer within minutes: all but the proofs
	@$(PYTEST) -m "not proof" $(ARGS)

test-all: setup-tests ## all tests, the proofs too: whole pipelines, Kubeflow's steps, worker processes, a database, a browser
	@$(PYTEST) $(ARGS)

proof-flink: setup-tests ## the Beam stages on Apache Flink, in one process and in several; needs Java, and Maven for some repositories
	@TF_USE_LEGACY_KERAS=1 "$$VENV/bin/python" -m pytest -m flink tests/e2e/flink $(ARGS)

proof-spark: setup-tests ## the same on Apache Spark
	@TF_USE_LEGACY_KERAS=1 "$$VENV/bin/python" -m pytest -m spark tests/e2e/spark $(ARGS)

proof-stores: setup-tests ## version stores on S3 and Google Cloud Storage, by a local server from PyPI
	@TF_USE_LEGACY_KERAS=1 "$$VENV/bin/python" -m pytest -m stores tests/e2e/stores $(ARGS)

proof-clients: setup-tests ## clients in JavaScript, Go and Java against a real server; needs Node, Go, Java with Maven, and their registries
	@TF_USE_LEGACY_KERAS=1 "$$VENV/bin/python" -m pytest -m clients tests/clients $(ARGS)

mutants: setup-tests ## change the code a little, many times: do the tests notice? ARGS="splits", ARGS="--sample 50"
	@requirements/mutants.sh
	@PYTHONPATH="tests:$$VENV/mutants" "$$VENV/bin/python" -m mutation.run $(ARGS)

figures: setup-tests ## measure the README's figures anew, about half an hour on a quiet machine: ARGS="--only serving"
	@"$$VENV/bin/python" -m benchmarks.readme $(ARGS)

lint: setup-tests ## style (ruff, shellcheck), wording (codespell) and types (mypy)
	@"$$VENV/bin/ruff" check .
	@"$$VENV/bin/ruff" format --check .
	@"$$VENV/bin/shellcheck" --external-sources requirements/*.sh .ci/run .ci/smoke .ci/package .ci/other_generation
	@git ls-files '*.py' '*.md' '*.html' '*.js' '*.toml' | xargs "$$VENV/bin/codespell" -D- -D .ci/words.txt
	@"$$VENV/bin/mypy"

docs: setup ## the documentation as a site, in build/site; a link or an anchor that leads nowhere fails
	@requirements/site.sh
	@NO_MKDOCS_2_WARNING=1 "$$VENV/site/bin/mkdocs" build --strict # with --quiet it counts no warnings

lock: setup ## lock the packages anew after a change of requirements/*.in; UPGRADE=1 takes the newest of all
	@requirements/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## remove the environment and caches; workspaces and their models stay
	@requirements/clean.sh
