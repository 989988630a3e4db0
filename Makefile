# The two commands of a fresh machine are `make run` and `make test`; each does its own set-up.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CARGO_TARGET_DIR ?= $(CURDIR)/target
DATA_DIR ?= $(shell if [ "$$(id -u)" = 0 ]; then echo /var/lib/bootwright; else echo "$${XDG_STATE_HOME:-$$HOME/.local/state}/bootwright"; fi)
RUN_ARGS ?=

.PHONY: help run build test lint unit release setup-run setup-test clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: setup-run build ## Set up, build, and serve what machines boot from on :8000
	"$(CARGO_TARGET_DIR)/debug/bootwright" serve --data-dir "$(DATA_DIR)" $(RUN_ARGS)

build:
	cargo build -p server

test: setup-test lint unit ## Set up and pass every test

lint: ## Formatting, clippy, licences
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	setup/deny.sh

unit: build
	cargo test --workspace

release: setup-run ## The shipped binary: LTO
	cargo build --release -p server
	@ls -l "$(CARGO_TARGET_DIR)/release/bootwright"

setup-run setup-test: setup-%:
	@setup/run.sh $*

clean: ## Remove what was built
	cargo clean
