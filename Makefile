# Thin: each target sets up what it needs. Needs git, make, Python >= 3.11 with venv; a C compiler makes it fast.
VENV   := .venv
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python3.14; do \
	    $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
DATA   ?=
OUT    ?= demo-out

.PHONY: demo test test-all browser bench lint docs protos clean

demo: $(VENV)/.ready ## three nodes on this machine, from nothing to a report; DATA=DIR takes your tables
	$(VENV)/bin/vfl demo --out "$(OUT)" $(if $(DATA),--data "$(DATA)")

test: $(VENV)/.ready-test ## the default suite
	$(VENV)/bin/python -m pytest -m "not slow"

test-all: $(VENV)/.ready-test browser ## everything, the crash matrix, the sanitizer builds and a real browser included
	$(VENV)/bin/python -m pytest

browser: ## Chromium, Chinese fonts and pdftotext, with which the report is looked at
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null \
	    && command -v pdftotext >/dev/null \
	    || { apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk poppler-utils; } \
	    || { echo "install Chromium, Noto CJK fonts and poppler-utils / 请安装 Chromium、Noto CJK 字体与 poppler-utils"; exit 1; }

bench: $(VENV)/.ready-test ## measure the kernels on this machine
	$(VENV)/bin/python -m benchmarks.paillier
	$(VENV)/bin/python -m benchmarks.psi

lint: $(VENV)/.ready-dev ## ruff, mypy --strict, import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

protos: $(VENV)/.ready-dev ## generate vfl/pb/v1 anew
	$(VENV)/bin/python protos/generate.py

docs: $(VENV)/.ready-dev ## generate the pages that are made from code
	$(VENV)/bin/python -m vfl.data.errors_table > docs/errors.md
	$(VENV)/bin/python -m vfl.data.catalogue_page > docs/catalogue.md
	$(VENV)/bin/python -m vfl.data.dictionary > docs/data-dictionary.md
	for page in boosted-trees scorecards; do \
	    $(VENV)/bin/python -m vfl.protocols.tables $$page > docs/protocols/$$page.md || exit 1; done

clean:
	rm -rf $(VENV) build dist *.egg-info demo-out .vfl-* .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed / 需要带 venv 的 Python 3.11 以上版本"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# An editable install compiles the kernels beside their sources; without a compiler it goes on without them.
$(VENV)/.ready: pyproject.toml setup.py $(wildcard vfl/_native/*.[ch] vfl/_psi/*.[ch]) | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	@$(VENV)/bin/python -c 'from vfl.crypto.backends import describe as d; c = d(); print(f"Paillier: {c.name} ({c.reason.en} / {c.reason.zh})")'
	@touch $@

$(VENV)/.ready-test: $(VENV)/.ready
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
