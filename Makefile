# Every target is one call of run.py, which does the same where make is missing. Words for the command go into ARGS:
#   make demo ARGS="--keep"        make test ARGS="tests/unit/accounting -x"
PYTHON ?= python3
ARGS ?=

.PHONY: help demo test check chaos conformance bench lock install install-check clean
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

help demo test check chaos conformance bench lock install install-check clean:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "ml-connector needs Python 3.11 or newer, and there is no $(PYTHON) here: install it, or name another with PYTHON=..." >&2; exit 2; }
	@$(PYTHON) run.py $@ $(ARGS)
