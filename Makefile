# Every target is one verb of bootstrap.py, so that the steps are written once and work on any platform.
PYTHON ?= python3

.PHONY: run test check format bench replay screenshots clean

run: ; @$(PYTHON) bootstrap.py run
test: ; @$(PYTHON) bootstrap.py test
check: ; @$(PYTHON) bootstrap.py check
format: ; @$(PYTHON) bootstrap.py format
bench: ; @$(PYTHON) bootstrap.py bench
replay: ; @$(PYTHON) bootstrap.py replay
screenshots: ; @$(PYTHON) bootstrap.py screenshots
clean: ; @$(PYTHON) bootstrap.py clean
