# visionbot: `make run` starts it, `make test` checks it. All targets: `make help`.

PYTHON ?= python3
# For a smaller download without CUDA: make run TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu
TORCH_INDEX_URL ?=

BIN := .venv/bin
INSTALLED := .venv/.installed
INSTALLED_DEV := .venv/.installed-dev
SYNAPSE := .synapse/.installed
SYNAPSE_PINS := tests/emulators/matrix/constraints.txt
AUDIT := .audit/.installed
AUDIT_PINS := tests/operations/audit/constraints.txt
NODE := .node/.installed
NODE_PINS := tests/e2e/node/package.json
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
TORCH := $(shell grep '^torch==' constraints.txt)
TORCH_INDEX := $(if $(TORCH_INDEX_URL),--extra-index-url $(TORCH_INDEX_URL))
BROWSER_PACKAGES := chromium fonts-noto-cjk fonts-noto-color-emoji

.DEFAULT_GOAL := help
.PHONY: help run install chat test check reliability audit sbom browser synapse node prometheus nginx postgres strace demo-model clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

run: $(INSTALLED)  ## install if needed, start the bot, open the web page
	@exec $(BIN)/visionbot run --open

install: $(INSTALLED)  ## install into .venv, start nothing

chat: $(INSTALLED)  ## install if needed, talk in the terminal
	@exec $(BIN)/visionbot chat

test: $(INSTALLED_DEV) browser synapse node prometheus nginx postgres strace  ## run all tests
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# Long: all tests, 200 kills on each database, a thousand people, ten minutes without a pause.
reliability: $(INSTALLED_DEV) browser synapse node prometheus nginx postgres strace  ## provoke all faults, write docs/reliability.md (two hours)
	rm -rf build/reliability
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --rows=build/reliability/rows.json
	$(BIN)/python -m tests.faults.kill_loop --kills 200 --out build/reliability/sqlite
	$(BIN)/python -m tests.faults.kill_loop --kills 200 --postgres --out build/reliability/postgres
	$(BIN)/python -m bench.load --out build/reliability/load
	$(BIN)/python -m bench.soak --out build/reliability/soak
	$(BIN)/python -m tests.faults.report build/reliability

check: $(INSTALLED_DEV)  ## ruff, mypy and the import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

# Random numbers that are no secret are drawn everywhere but in bot/ and handlers/ (B311).
audit: $(AUDIT)  ## known faults: bandit over our code, pip-audit over all that is installed
	.audit/bin/bandit -q -c pyproject.toml -r bot handlers
	.audit/bin/bandit -q -c pyproject.toml -s B101,B311,B403,B404,B615 -r inference bench
	@sh tests/operations/audit/vulnerabilities.sh .audit/bin/pip-audit constraints.txt

sbom: $(INSTALLED) $(AUDIT)  ## write build/sbom.cdx.json: what visionbot is made of (CycloneDX)
	@mkdir -p build
	@.audit/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --sv 1.6 \
	  --output-reproducible -o build/environment.cdx.json
	@.audit/bin/python tests/operations/audit/sbom.py build/environment.cdx.json \
	  .venv/lib/python3*/site-packages build/sbom.cdx.json

demo-model: $(INSTALLED_DEV)  ## train the demo model from scratch (an hour or two on two idle cores; resumes)
	# keeps a kernel for each shape it has met, which training uses many of
	ONEDNN_PRIMITIVE_CACHE_CAPACITY=8192 $(BIN)/python -m inference.demo.train

clean:  ## remove .venv, .audit, .synapse, .node, .prometheus, .nginx, .postgres, .strace, build/ and caches; data/ stays
	rm -rf .venv .audit .synapse .node .prometheus .nginx .postgres .strace build
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis *.egg-info

# torch goes first, alone: it is the largest, and the only one that has an index of its own.
$(INSTALLED): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "visionbot needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Installing into .venv; the first time this takes some minutes."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf .venv && $(PYTHON) -m venv .venv; } || \
	  { rm -rf .venv; \
	    echo "$(PYTHON) cannot make .venv. On Debian and Ubuntu: sudo apt install python3-venv" >&2; \
	    exit 1; }
	$(PIP_INSTALL) $(TORCH_INDEX) $(TORCH)
	$(PIP_INSTALL) -e .
	@touch $@

$(INSTALLED_DEV): $(INSTALLED)
	$(PIP_INSTALL) -e '.[dev,train]'
	@touch $@

# The tools of `make audit` and `make sbom`, in an environment of their own: their pins are not ours.
$(AUDIT): $(AUDIT_PINS)
	@$(PYTHON) -m venv --clear .audit
	@.audit/bin/python -m pip install --disable-pip-version-check --quiet -c $(AUDIT_PINS) \
	  bandit pip-audit cyclonedx-bom
	@touch $@

# Without Chromium the tests of the web page are skipped, which pytest says; in CI that is a failure.
browser:
	@command -v chromium >/dev/null && exit 0; \
	sudo=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
	if [ -f /etc/debian_version ] && { [ -z "$$sudo" ] || $$sudo true 2>/dev/null; }; then \
	  $$sudo apt-get update -qq && \
	  $$sudo apt-get install -y -qq --no-install-recommends $(BROWSER_PACKAGES); \
	fi; \
	command -v chromium >/dev/null && exit 0; \
	echo "NOTICE: no chromium: the tests of the web page will be skipped." \
	  "On Debian: sudo apt-get install $(BROWSER_PACKAGES)" >&2; \
	[ "$${CI:-}" != true ]

# A Matrix homeserver in an environment of its own: its pins are not ours. Without it the tests of
# Matrix are skipped, which pytest says; in CI that is a failure.
synapse:
	@[ $(SYNAPSE) -nt $(SYNAPSE_PINS) ] && exit 0; \
	{ $(PYTHON) -m venv --clear .synapse && \
	  .synapse/bin/python -m pip install --disable-pip-version-check --quiet -c $(SYNAPSE_PINS) \
	    matrix-synapse && \
	  touch $(SYNAPSE); } && exit 0; \
	rm -rf .synapse; \
	echo "NOTICE: Synapse cannot be installed: the tests of Matrix will be skipped." >&2; \
	[ "$${CI:-}" != true ]

# What tests need of npm: axe-core for the pages, the openai package for the API. Without it those
# tests are skipped, which pytest says; in CI that is a failure.
node:
	@[ $(NODE) -nt $(NODE_PINS) ] && exit 0; \
	mkdir -p .node && cp $(NODE_PINS) .node/package.json && \
	npm install --prefix .node --ignore-scripts --no-audit --no-fund --silent && \
	touch $(NODE) && exit 0; \
	rm -rf .node; \
	echo "NOTICE: npm packages cannot be installed: the tests that need them will be skipped." \
	  "On Debian: sudo apt-get install npm" >&2; \
	[ "$${CI:-}" != true ]

# A program of Debian's, unpacked into a folder and not installed, since its package starts a service.
# Without it the tests that need it are skipped, which pytest says; in CI that is a failure.
define unpacked  # package, program, what is skipped, which libraries it needs
	@command -v $(notdir $(2)) >/dev/null && exit 0; \
	[ -x .$(1)/$(2) ] && exit 0; \
	mkdir -p .$(1) && cd .$(1) && \
	{ apt-get download -qq $(1) $(4) 2>/dev/null || { \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
	  $$sudo apt-get update -qq && apt-get download -qq $(1) $(4); }; } && \
	for package in *.deb; do dpkg -x "$$package" . || exit 1; done && exit 0; \
	rm -rf ../.$(1); \
	echo "NOTICE: no $(1): $(3) will be skipped. On Debian: sudo apt-get install $(1)" >&2; \
	[ "$${CI:-}" != true ]
endef

prometheus:
	$(call unpacked,prometheus,usr/bin/promtool,the test of board and alerts)

nginx:
	$(call unpacked,nginx,usr/sbin/nginx,the tests of what stands in front of the bot)

strace:
	$(call unpacked,strace,usr/bin/strace,the test of a disk that fails,libunwind8)

# The same for a server. Whether it is new enough the tests look at.
postgres:
	@ls /usr/lib/postgresql/*/bin/initdb .postgres/usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit 0; \
	command -v initdb >/dev/null && exit 0; \
	mkdir -p .postgres && cd .postgres && { \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
	  apt-cache show postgresql >/dev/null 2>&1 || $$sudo apt-get update -qq; \
	  server=$$(apt-cache depends postgresql | sed -n 's/.*Depends: \(postgresql-[0-9]*\)$$/\1/p'); \
	  libraries=$$(apt-cache depends "$$server" | sed -n 's/.*Depends: \(lib[a-z].*\)/\1/p' | \
	    grep -Ev '^lib(c6|gcc|stdc|llvm)'); \
	  client=$$(echo "$$server" | sed 's/-/-client-/'); \
	  apt-get download -qq "$$server" "$$client" libsasl2-2 $$libraries; \
	} && for package in *.deb; do dpkg -x "$$package" . || exit 1; done && rm -f ./*.deb && exit 0; \
	rm -rf ../.postgres; \
	echo "NOTICE: no PostgreSQL: the tests on it will be skipped." \
	  "On Debian: sudo apt-get install postgresql" >&2; \
	[ "$${CI:-}" != true ]
