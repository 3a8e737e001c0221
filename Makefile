# Everything happens in .venv, made once; a second run is quick. Needs Python 3.11+ with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# ministack, which plays AWS in the tests, pins botocore: so it has an environment of its own.
AWS_VENV := .venv-aws
AWS_READY := $(AWS_VENV)/.ready
AWS_PINS := ministack==1.5.33 boto3==1.43.106 botocore==1.43.106 cryptography==50.0.2 \
	aws-sam-translator==1.115.0

# Tests wait for servers, schedules and killed processes for more than half of their time: five of them fill two cores.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 5 / 2)))
# A worker has whole files, so that it sets up once what their tests share; tests/conftest.py begins with the slowest.
SHARED_OUT := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Python keeps what it has compiled, whatever the environment says: each of some thousand processes would compile again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help check demo demo-service demo-service-aws demo-desk service load demo-ceremony demo-aws bench-aws test slow fuzz coverage \
	mutants bare package region-loss screens lint types bench bench-rain bench-scale bench-admission banners athena vectors clean

# The phone's tools: npm brings them, none of their install scripts run.
PHONE_READY := phone/node_modules/.ready
PHONE_TEST := build/phone-test
PHONE_SOURCES := $(wildcard phone/src/*.ts phone/src/*/*.ts phone/test/*.ts phone/test/*/*.ts) \
	$(wildcard words/movepass_words/*.json words/movepass_words/*.css phone/static/*) wire/movepass_wire/codes.json
PHONE_PROGRAMS := $(wildcard phone/test/*_adapter.ts phone/test/*.test.ts phone/test/*/*.test.ts) \
	phone/test/browser/demo.ts phone/test/browser/reading.ts phone/test/speed/speed.ts phone/test/skipped.ts
PHONE_KINDS := payload verify statuslog-read number-read number-write number-day keys enrolment sync

.PHONY: phone phone-world test-phone differential-phone demo-phone bench-phone bench-phone-speed

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | awk -F'\t' '{ printf "%-18s %s\n", $$1, $$2 }'

demo: $(READY) ## play the main job with the real command; files in build/demo
	$(BIN)/python demo/run.py build/demo

demo-ceremony: $(READY) ## play a ceremony of three custodians, two of whom must sign; files in build/demo-ceremony
	$(BIN)/python demo/ceremony.py build/demo-ceremony

demo-aws: $(READY) $(AWS_READY) ## play the issuing service on AWS with ministack; files in build/demo-aws
	PYTHONPATH=infra:tests $(BIN)/python demo/service.py build/demo-aws

service: $(READY) ## start the site, rules and issuer with a TEST authority and an officer, in build/service; print the address
	$(BIN)/python demo/start_service.py build/service

demo-service: $(READY) $(PHONE_READY) ## play it: a person applies in a browser, an officer decides, a device verifies; files in build/demo-service
	PYTHONPATH=demo:tests $(BIN)/python demo/applying.py build/demo-service

demo-service-aws: $(READY) $(AWS_READY) ## play it on AWS with ministack: apply, decide, issue, verify, withdraw, audit; files in build/demo-service-aws
	PYTHONPATH=infra:demo:tests $(BIN)/python demo/service_aws.py build/demo-service-aws

demo-desk: $(READY) $(PHONE_READY) ## play it: five officers decide 200 cases, an auditor finds a sold pass; files in build/demo-desk
	PYTHONPATH=demo:tests $(BIN)/python demo/desk.py build/demo-desk

screens: $(READY) ## redraw the pictures of docs/officer.md from the command's output
	PYTHONPATH=tests $(BIN)/python demo/officer.py docs/officer

test: $(READY) $(AWS_READY) phone-tools ## run the tests, some minutes; T=tests/wire for one part, K=name for some by name
	$(BIN)/pytest $(SHARED_OUT) -m "not slow" $(T) $(if $(K),-k "$(K)")

# What decides, and the documents that say how.
DECIDING := tests/wire tests/test_vectors.py tests/test_spec.py tests/test_architecture.py tests/keys/test_records.py \
	tests/verifier/test_verify.py tests/issuer/test_approved.py tests/issuer/test_compaction.py

check: lint types ## run lint, types and the tests of what decides, a minute: before every commit
	$(BIN)/pytest -n 2 -m "not slow" $(DECIDING)

slow: $(READY) $(AWS_READY) $(PHONE_READY) ## run the long proofs
	$(BIN)/pytest -n $(WORKERS) -m slow
	MOVEPASS_TEST_STARTS=fresh $(BIN)/pytest $(SHARED_OUT) -m "not slow" tests/cli
	$(MAKE) demo-desk

bare: $(READY) ## prove that a device without extras installs, syncs over HTTP and verifies
	$(BIN)/python tools/bare_device.py

package: $(READY) ## build the Lambda functions' zips for arm64, and try the same on this machine
	$(BIN)/python infra/package.py build/lambda/movepass.zip
	$(BIN)/python infra/package.py build/lambda/service.zip --of service
	$(BIN)/python infra/package.py build/lambda/statistics.zip --of statistics
	$(BIN)/python infra/assets.py build/assets

.PHONY: deploy-aws
deploy-aws: package ## deploy issuer and service with the AWS CLI: CODE=bucket STACK=name PARAMETERS="Name=value …" (docs/aws.md)
	aws cloudformation package --template-file infra/main.yaml --s3-bucket $(CODE) --output-template-file build/packaged.yaml
	aws cloudformation deploy --template-file build/packaged.yaml --stack-name $(STACK) \
		--capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --parameter-overrides $(PARAMETERS)
	aws s3 cp --recursive --cache-control 'public, max-age=31536000, immutable' build/assets s3://$$(aws cloudformation \
		describe-stacks --stack-name $(STACK) --output text \
		--query "Stacks[0].Outputs[?OutputKey=='AssetsBucket'].OutputValue")

phone: $(PHONE_READY) ## build the phone's app as static files in build/phone; docs/phone.md has its variables
	cd phone && node build.js ../build/phone

test-phone: $(READY) $(PHONE_TEST)/.ready $(PHONE_TEST)/publications.json phone-world
test-phone: ## test the phone: vectors, attacks, mutated inputs, the app in three engines; ends with what was not run
	cd phone && npm run --silent check
	cd phone && node --test --test-concurrency=2 --test-force-exit \
		--test-reporter=spec --test-reporter-destination=stdout \
		--test-reporter=$(CURDIR)/$(PHONE_TEST)/skipped.mjs --test-reporter-destination=../$(PHONE_TEST)/skipped.txt \
		../$(PHONE_TEST)/*.test.mjs ../$(PHONE_TEST)/*/*.test.mjs
	$(BIN)/python tests/run_vectors.py --command 'node $(PHONE_TEST)/vectors_adapter.mjs' \
		$(addprefix --only ,$(PHONE_KINDS))
	PHONE_DEVICE='node $(PHONE_TEST)/device_adapter.mjs' PYTHONPATH=tests \
		$(BIN)/pytest -n $(WORKERS) -p phone.attacks tests/attacks
	PYTHONPATH=tests $(BIN)/python -m phone.differential --count 3000 \
		--command 'node $(PHONE_TEST)/differential_adapter.mjs'
	@cat $(PHONE_TEST)/skipped.txt

# The tests of the service walk its site in browsers with the phone's tools; without npm they are SKIPPED, loudly.
.PHONY: phone-tools
phone-tools:
	@command -v npm >/dev/null && $(MAKE) --silent $(PHONE_READY) \
		|| echo "make: npm could not bring the phone's tools; the tests in browsers will be SKIPPED" >&2

demo-phone: $(READY) $(PHONE_TEST)/.ready phone-world ## show passes to a phone's camera; pictures in docs/phone
	cd phone && node ../$(PHONE_TEST)/browser/demo.mjs ../docs/phone

bench-phone: $(READY) $(PHONE_TEST)/.ready phone-world ## measure how often the phone reads abused codes: the table of docs/phone.md
	PYTHONPATH=tools/bench:tests $(BIN)/python tools/bench/phone_reading.py

bench-phone-speed: FLAGS ?= --write
bench-phone-speed: $(READY) $(PHONE_TEST)/.ready phone-world ## measure what an officer waits for on a phone six times slower, as root; a table of docs/phone.md
	PYTHONPATH=tools/bench:tests $(BIN)/python tools/bench/phone_speed.py $(FLAGS)

# An authority, passes and videos made now, since passes last hours; the app with that authority built in, and without.
phone-world: $(READY) $(PHONE_READY)
	PYTHONPATH=tests $(BIN)/python -m phone.world
	cd phone && PHONE_ROOT=../build/phone-world/authority/repository/metadata/1.root.json PHONE_SOURCE=repository \
		node build.js ../build/phone-app
	cd phone && node build.js ../build/phone-blank

differential-phone: $(READY) $(PHONE_TEST)/.ready ## compare the Python verifier with the phone's on 100,000 mutated inputs
	PYTHONPATH=tests $(BIN)/python -m phone.differential --command 'node $(PHONE_TEST)/differential_adapter.mjs'

fuzz: FUZZ_SECONDS ?= 30
fuzz: $(VENV)/.fuzz ## fuzz fifteen targets, FUZZ_SECONDS each (30); summary in build/fuzz/summary.txt
	PYTHONPATH=tools:tests $(BIN)/python -m fuzz --seconds $(FUZZ_SECONDS)

# One of them fills a disk, on which coverage has no room for its own either.
CORE_TESTS := tests/wire tests/keys tests/verifier tests/attacks tests/cli tests/drills tests/interop tests/test_vectors.py \
	--deselect tests/cli/test_bad_input.py::test_a_full_disk_loses_nothing

coverage: $(READY) $(AWS_READY) ## measure the branches of wire, keys and verifier that tests take; page in build/coverage
	rm -rf build/coverage
	$(BIN)/coverage run -m pytest -n auto -m "not slow" $(CORE_TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --quiet --directory build/coverage/html
	$(BIN)/python tools/branches.py

mutants: $(VENV)/.mutants ## change what decides, one thing at a time: do tests notice? Half an hour; build/mutants/summary.txt
	PYTHONPATH=tools:tests $(BIN)/python -m mutants

lint: $(READY) ## check style, imports and the AWS template
	$(BIN)/cfn-lint infra/*.yaml
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(READY) ## check types: mypy, strict
	$(BIN)/mypy

region-loss: $(READY) $(AWS_READY) ## send 5,000 requests, then 5,000 applications, to two regions, one of which is lost in between and comes back
	$(BIN)/pytest -s -m slow tests/aws/test_regions.py tests/aws/test_region_service.py

bench: OUT ?= docs
bench: $(READY) $(AWS_READY) ## measure every claim of size and speed beside others: the tables of docs/benchmarks.md
	$(BIN)/python tools/bench/compaction.py
	$(BIN)/python tools/bench/rules_replay.py
	$(BIN)/python tools/bench/audit.py
	PYTHONPATH=tools/bench:tools:tests:infra $(BIN)/python tools/bench/benchmarks.py $(OUT)

load: MINUTES ?= 5
load: $(READY) ## play the April 2021 hour: 250 applications a second for MINUTES (5) against the service, beside its floor
	PYTHONPATH=tools:tests $(BIN)/python -m load --minutes $(MINUTES)

bench-aws: $(READY) $(AWS_READY) ## load the functions on AWS, which ministack plays, beside bare kms:Sign
	PYTHONPATH=infra:tests $(BIN)/python tools/bench/aws_load.py

bench-scale: OUT ?= build/scale
bench-scale: $(READY) ## simulate national scale, some minutes; OUT=docs updates docs/scale.md
	PYTHONPATH=tools/bench:tests $(BIN)/python -m scale $(OUT)

bench-admission: OUT ?= build/admission
bench-admission: $(READY) ## play April 2021 at the gate and measure the site's handlers, a minute; OUT=docs updates docs/admission.md
	PYTHONPATH=tools/bench:tests $(BIN)/python -m launch $(OUT)

bench-rain: OUT ?= build/rain
bench-rain: $(READY) ## read codes blurred, wet, folded and far away, some minutes; OUT=docs updates docs/rain.md
	PYTHONPATH=tools/bench $(BIN)/python -m rain $(OUT)

banners: $(READY) ## redraw the outcomes' large letters, after a change of their words
	$(BIN)/python tools/make_banners.py

athena: $(READY) ## rewrite infra/reports.yaml and tables of docs/reports.md, after a change of a report or of the data dictionary
	PYTHONPATH=infra $(BIN)/python infra/reports.py

vectors: $(READY) ## rewrite tests/vectors/*.json
	PYTHONPATH=tools:tests $(BIN)/python -m make_vectors

clean: ## remove everything that make has made
	rm -rf phone/node_modules $(VENV) $(AWS_VENV) $(SUPPLY_VENV) $(RELEASE_VENV) build
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

$(VENV)/.fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	touch $@

$(VENV)/.mutants: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[mutants]'
	touch $@

$(AWS_READY): Makefile ## without it the tests against AWS's API are skipped, loudly
	$(PYTHON) -m venv $(AWS_VENV)
	$(AWS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(AWS_PINS) && touch $@ \
		|| echo "make: ministack could not be installed; the tests that need AWS's API will be SKIPPED" >&2

$(PHONE_READY): phone/package.json phone/package-lock.json
	cd phone && npm ci --no-audit --no-fund --ignore-scripts --silent
	touch $@

$(PHONE_TEST)/publications.json: $(READY) tests/phone/two_publications.py
	PYTHONPATH=tests $(BIN)/python -m phone.two_publications $@

$(PHONE_TEST)/.ready: $(PHONE_READY) $(PHONE_SOURCES)
	rm -rf $(PHONE_TEST)/*.mjs $(PHONE_TEST)/browser $(PHONE_TEST)/engines $(PHONE_TEST)/speed
	mkdir -p $(PHONE_TEST)
	ln -sfn ../../phone/node_modules $(PHONE_TEST)/node_modules
	phone/node_modules/.bin/esbuild $(PHONE_PROGRAMS) --bundle --platform=node --format=esm --target=node20 \
		--packages=external --outdir=$(PHONE_TEST) --outbase=phone/test --out-extension:.js=.mjs --log-level=warning
	touch $@

# The supply chain: what looks after it stands on much that nothing else needs, so it has an environment of its own.
SUPPLY_VENV := .venv-supply
SUPPLY_READY := $(SUPPLY_VENV)/.ready
SUPPLY_PINS := cyclonedx-bom==7.5.0 pip-audit==2.10.1 uv==0.13.9
COMPILE := $(SUPPLY_VENV)/bin/uv pip compile pyproject.toml --constraint constraints.txt --generate-hashes \
	--python-platform linux --python-version 3.11 --no-header --no-annotate --quiet

.PHONY: wheels hashes sbom audit

wheels: $(READY) ## download everything that is installed anywhere, compared with hashes/shipped.txt, to build/wheels
	rm -rf build/wheels
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: \
		--requirement hashes/shipped.txt --dest build/wheels
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheels .
	cd build/wheels && sha256sum *.whl > SHA256SUMS

hashes: $(SUPPLY_READY) ## rewrite hashes/*.txt, after a change of constraints.txt or of a dependency
	$(COMPILE) --extra aws --extra camera --extra hsm --extra issuer --extra s3 --extra scan --extra service --extra service-aws > hashes/shipped.txt
	$(COMPILE) --extra aws --no-emit-package click > hashes/functions.txt
	$(COMPILE) --extra service-aws --no-emit-package click > hashes/service.txt
	$(COMPILE) --extra aws --extra statistics --no-emit-package click > hashes/statistics.txt

sbom: $(SUPPLY_READY) ## write bills of materials (CycloneDX) of devices and desks, and of the functions, to build/sbom
	mkdir -p build/sbom
	for what in shipped functions service statistics; do $(SUPPLY_VENV)/bin/cyclonedx-py requirements hashes/$$what.txt \
		--pyproject pyproject.toml --output-reproducible --validate --output-file build/sbom/$$what.json || exit; done

audit: $(SUPPLY_READY) ## ask PyPI for known vulnerabilities; fails if one is known or PyPI has no answer
	$(SUPPLY_VENV)/bin/pip-audit --strict --require-hashes --disable-pip --requirement hashes/shipped.txt

# A release is built and checked by tools that nothing else needs, in versions that give the same bytes everywhere.
RELEASE_VENV := .venv-release
RELEASE_READY := $(RELEASE_VENV)/.ready
RELEASE_PINS := build==1.6.1 setuptools==84.2.1 twine==7.0.0

.PHONY: release

release: $(RELEASE_READY) $(PHONE_READY) sbom ## build sdist, wheel, the phone's app, bills of materials and hashes in build/release
	PYTHONPATH=tools $(RELEASE_VENV)/bin/python -m release build/release \
		--sbom build/sbom/shipped.json --sbom build/sbom/functions.json

$(RELEASE_READY): Makefile
	$(PYTHON) -m venv $(RELEASE_VENV)
	$(RELEASE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(RELEASE_PINS)
	touch $@

$(SUPPLY_READY): Makefile
	$(PYTHON) -m venv $(SUPPLY_VENV)
	$(SUPPLY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(SUPPLY_PINS)
	touch $@
