SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down demo test screenshots scale fmt lint build sam-build publish-template clean

# One place for everything that cargo builds, wherever it is called from.
export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
export SAM_CLI_TELEMETRY := 0
# Tests against the stack mostly wait for it, so more of them than there are processors run side by side.
export RUST_TEST_THREADS ?= 8

FUNCTIONS := $(CARGO_TARGET_DIR)/debug
# The processor that `make sam-build` builds for: arm64 or x86_64.
ARCHITECTURE ?= arm64

# A stack whose day has ten seconds, and where each role has a grant of its own.
BRISK = BrokerCount=2,GrantsPerBroker=20,GrantCharacters=200,ProofIntervalSeconds=10,FullProofIntervalSeconds=40,$\
	ProofRetrySeconds=3,InviteLifetimeSeconds=3,LookLifetimeSeconds=2,PlanLifetimeSeconds=2,$\
	ProofSweepExpression=rate(1 minute),FreshnessExpression=rate(1 minute),BackupGraceSeconds=2

# Stacks whose calls are broken one by one. Each role fills a grant there too, so that rows do not meet, and no sweep
# disturbs them.
FAULTS = PropagationDeadlineSeconds=300,BrokerCount=5,GrantsPerBroker=25,GrantCharacters=220,ProofIntervalSeconds=604800

LOCAL_PYTHON = $$(infra/venv.sh local infra/local/requirements.txt)/bin/python
# The AWS CLI, with which tests use what Drawbridge hands out. `aws` is in its own environment for its pinned botocore.
AWS_BIN = $$(infra/venv.sh aws infra/local/requirements-aws.txt)/bin
LINT_BIN = $$(infra/venv.sh lint infra/requirements-lint.txt)/bin
# What drives a browser through the customer's page.
BROWSER_BIN = $$(infra/venv.sh browser infra/requirements-browser.txt)/bin
PYTEST = pytest -q -p no:cacheprovider tests/browser
BUILD_BIN = $$(infra/venv.sh build infra/requirements-build.txt)/bin

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: build ## Start a local AWS with Drawbridge on it, or update the one that runs
	@echo "== Local stack"
	@python=$(LOCAL_PYTHON) && "$$python" infra/local/stack.py up --dir .local --functions "$(FUNCTIONS)"

down: ## End the local AWS that `make up` started
	@python=$(LOCAL_PYTHON) && "$$python" infra/local/stack.py down --dir .local

demo: build ## Onboard a customer on a local AWS of its own, and show how
	@echo "== Demonstration"
	@python=$(LOCAL_PYTHON) && "$$python" infra/local/stack.py run --dir .local/demo --functions "$(FUNCTIONS)" -- \
		"$$python" infra/local/demo.py --stack .local/demo/stack.json --drawbridge "$(FUNCTIONS)/drawbridge"

# The build comes before the tests and with the same selection of packages and targets, so that the stack can be
# deployed from it and cargo compiles nothing twice. What the functions were seen to call is judged at the end.
test: ## Everything that must pass: format, templates, clippy, and all tests, on a local AWS of their own
	@echo "== Format"
	@cargo fmt --all --check
	@$(MAKE) --no-print-directory lint
	@echo "== Clippy"
	@cargo clippy --workspace --all-targets -- -D warnings
	@echo "== Build"
	@cargo build --workspace --all-targets
	@echo "== Tests, against a local stack"
	@infra/chromium.sh > /dev/null
	@python=$(LOCAL_PYTHON) && aws=$(AWS_BIN) && export BROWSER_BIN=$(BROWSER_BIN) && \
	PATH="$$aws:$$PATH" "$$python" infra/local/stack.py run --dir .local/test --functions "$(FUNCTIONS)" \
		--with tiny:BrokerCount=2,GrantsPerBroker=1,GrantCharacters=259 \
		--with "brisk:$(BRISK)" \
		--with "faults:$(FAULTS)" --break-calls faults \
		--with "grants:$(FAULTS)" --break-calls grants --moto -- \
		bash -c '"$$BROWSER_BIN"/$(PYTEST) && cargo test --workspace && cargo test --workspace --test calls -- --ignored'

screenshots: build ## Pictures of the customer's page in every state, into docs/onboarding
	@echo "== Screenshots"
	@infra/chromium.sh > /dev/null
	@python=$(LOCAL_PYTHON) && export BROWSER_BIN=$(BROWSER_BIN) && \
	"$$python" infra/local/stack.py run --dir .local/screenshots --functions "$(FUNCTIONS)" -- \
		bash -c '"$$BROWSER_BIN"/$(PYTEST)/test_screenshots.py --screenshots docs/onboarding'

scale: build ## A run over 50 accounts with 40 tables each, while functions are killed at random
	@echo "== Scale"
	@python=$(LOCAL_PYTHON) && "$$python" infra/local/stack.py run --dir .local/scale --functions "$(FUNCTIONS)" \
		--with scale: -- cargo test --workspace --test scale -- --ignored --nocapture

fmt: ## Format the code
	@cargo fmt --all

lint: ## Check the CloudFormation templates
	@echo "== Templates"
	@bin=$(LINT_BIN) && \
	"$$bin/cfn-lint" infra/template.yaml infra/customer-role.yaml && \
	"$$bin/sam" validate --lint --region us-east-1 --template-file infra/template.yaml

build: ## Compile everything for this machine
	@echo "== Build"
	@cargo build --workspace --all-targets

sam-build: ## Compile the functions for AWS into .aws-sam/build, ready for `sam deploy`
	@echo "== Build for AWS ($(ARCHITECTURE))"
	@lint=$(LINT_BIN) && build=$(BUILD_BIN) && \
	PATH="$$build:$$lint:$$PATH" sam build --beta-features --region us-east-1 \
		--template-file infra/template.yaml --build-dir .aws-sam/build \
		--parameter-overrides Architecture=$(ARCHITECTURE)

publish-template: ## Put the customer's template into a bucket: BUCKET=… [PREFIX=drawbridge] [CHECK=1]
	@aws=$(AWS_BIN) && PATH="$$PATH:$$aws" infra/publish-template.sh "$(BUCKET)" "$(or $(PREFIX),drawbridge)"

clean: ## End what runs and remove everything that was built
	@if [[ -d .local ]]; then \
		python=$(LOCAL_PYTHON) && \
		for dir in .local .local/demo .local/screenshots .local/scale .local/scale/scale .local/test .local/test/faults \
			.local/test/grants .local/test/tiny .local/test/brisk; do \
			"$$python" infra/local/stack.py down --dir "$$dir"; \
		done; \
	fi
	@rm -rf .local .aws-sam
	@cargo clean
