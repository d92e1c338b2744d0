# Every target goes through setup.py's sister, bootstrap.py: one script makes the virtual environment on any platform.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check format bench replay screenshots docs clean

run: ; $(PYTHON) bootstrap.py run
