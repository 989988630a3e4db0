# The two commands of a fresh machine are `make run` and `make test`; each does its own set-up.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CARGO_TARGET_DIR ?= $(CURDIR)/target
DATA_DIR ?= $(shell if [ "$$(id -u)" = 0 ]; then echo /var/lib/bootwright; else echo "$${XDG_STATE_HOME:-$$HOME/.local/state}/bootwright"; fi)
# The Python environment that set-up makes for suites.
SUITES_PYTHON ?= $(shell bash -c '. setup/common.sh && python_of_suites')
RUN_ARGS ?=
# So long is looked for bytes that an importer of results does not take; there are twenty-four such tests.
FUZZ_MS ?= 15000

.PHONY: help run dev test lint bench crash openapi release build site setup-run setup-test setup-release setup-bench unit fuzz fixtures end2end reproduce clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: setup-run build ## Set up, build, and serve on http://127.0.0.1:3000 and :8000
	"$(CARGO_TARGET_DIR)/debug/bootwright" serve --data-dir "$(DATA_DIR)" --suites-python "$(SUITES_PYTHON)" $(RUN_ARGS)

dev: setup-run ## As run, rebuilt and restarted on each change of a source file
	cargo xtask dev -- serve --data-dir "$(DATA_DIR)" --suites-python "$(SUITES_PYTHON)" $(RUN_ARGS)

site:
	cargo xtask site --profile wasm-quick

build: site
	cargo build -p server

# The unit tests have just looked for a second each: once more, for a moment, shows that the target works.
test: FUZZ_MS = 100
test: setup-test lint unit fuzz end2end ## Set up and pass every test

lint: setup-test site ## Formatting, clippy for server and browser, types of the browser tests, licences
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	setup/lint-browser.sh
	cd end2end && npx --no-install tsc --project .
	setup/deny.sh

unit: build
	cargo xtask test

fuzz: build ## Requests of the API and of machines, files of results and calls of NFS, well-formed and not
	BOLERO_RANDOM_TEST_TIME_MS=$(FUZZ_MS) cargo test --workspace --test results --test nfs --test parsers -- fuzz
	end2end/fuzz.sh "$(CARGO_TARGET_DIR)/debug/bootwright"

end2end: build
	cd end2end && npx --no-install playwright test

bench: setup-test setup-release setup-bench build ## Each figure beside its target
	cargo xtask --target-dir "$(CARGO_TARGET_DIR)/bench" site --profile wasm-release
	benches/figures.py "$(CARGO_TARGET_DIR)/debug/bootwright" "$(CARGO_TARGET_DIR)/bench/site"
	benches/at_scale.py "$(CARGO_TARGET_DIR)/debug/bootwright"
	cargo build -p builder --example kernel
	benches/kernels.py "$(CARGO_TARGET_DIR)/debug/examples/kernel"
	benches/while_compiling.py "$(CARGO_TARGET_DIR)/debug/bootwright"
	benches/variants.py "$(CARGO_TARGET_DIR)/debug/bootwright"
	cargo build --release -p server
	benches/results.py "$(CARGO_TARGET_DIR)/release/bootwright"
	benches/grid.py "$(CARGO_TARGET_DIR)/release/bootwright"
	benches/serving.py "$(CARGO_TARGET_DIR)/release/bootwright"
	benches/storm.py "$(CARGO_TARGET_DIR)/release/bootwright"

openapi: build ## Write docs/openapi.json anew from the handlers
	"$(CARGO_TARGET_DIR)/debug/bootwright" openapi > docs/openapi.json

release: setup-release ## The shipped binary: LTO, wasm-opt, brotli
	cargo xtask site --profile wasm-release
	cargo build --release -p server
	@ls -l "$(CARGO_TARGET_DIR)/release/bootwright"

setup-run setup-test setup-release setup-bench: setup-%:
	@setup/run.sh $*

crash: setup-test build ## kill -9 at 100 seeded instants
	BOOTWRIGHT_CRASH_ROUNDS=100 cargo test -p server --test crash -- --nocapture

reproduce: setup-test ## Compile the test kernels again by the commands of their records, to the same bytes
	BOOTWRIGHT_REPRODUCE=1 cargo test -p builder --test kernels -- real --nocapture

fixtures: ## Make the files of results anew by the runners that write such
	server/tests/fixtures/results/make.sh

clean: ## Remove what was built
	cargo clean
	rm -rf end2end/node_modules frontend/terminal/node_modules xtask/wasm-opt/node_modules
