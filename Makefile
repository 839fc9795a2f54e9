# The module is built with --crate-type cdylib alone. If Cargo.toml named it beside the library, link-time optimisation would be off, and
# builds with different features would overwrite each other's library.
TARGET := wasm32-wasip1
BUILT := target/$(TARGET)/release/azure_workload_identity_policy.wasm
SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock Makefile

# Compressed relocations save 5 % of the module. The initial memory is enough for a large pod, so that the guest need not ask for
# more. Less inlining makes the module smaller; `make bench` shows what it costs.
LINK := -C link-arg=--compress-relocations -C link-arg=--initial-memory=1572864 -C llvm-args=--inline-threshold=80

# The real kwctl if it is on PATH, else azwi-policy, which takes the same flags and gives the same answers.
PROGRAM := target/debug/azwi-policy
KWCTL := $(or $(shell command -v kwctl),$(PROGRAM))

# The maximum size of the annotated module without the README, in bytes. Each PolicyServer fetches and compiles them. Raise it
# only with the reason in the same commit; CONTRIBUTING.md says what the bytes are spent on.
SIZE_LIMIT := 434176

.PHONY: all
all: annotated-policy.wasm

.PHONY: target
target:
	@command -v rustup >/dev/null || { echo "error: rustup is not on PATH: install Rust with it, or add the target $(TARGET) by hand" >&2; exit 1; }
	@rustup target list --installed | grep -qx $(TARGET) || rustup target add $(TARGET)

# The places of panics hold paths. Without those of this machine, everyone builds the same module: `make reproducible`. The standard
# library's sources are on the machine if rust-src is installed. Flags are separated by a character that no path has.
FLAGS = CARGO_ENCODED_RUSTFLAGS="$$(printf -- '--remap-path-prefix=%s=/cargo\037--remap-path-prefix=%s=/rustc/%s' \
	"$${CARGO_HOME:-$$HOME/.cargo}" "$$(rustc --print sysroot)/lib/rustlib/src/rust" "$$(rustc -vV | sed -n 's/^commit-hash: //p')")"
BUILD = $(FLAGS) cargo rustc --release --locked --lib --package azure-workload-identity-policy --target $(TARGET) --crate-type cdylib

policy.wasm: $(SOURCES) | target
	$(BUILD) -- $(LINK)
	cp $(BUILT) $@

# Cargo knows best whether the program is up to date.
.PHONY: program
program:
	cargo build --locked --package azwi-policy

$(PROGRAM): | program

annotated-policy.wasm: policy.wasm policy-metadata.yml README.md | $(filter $(PROGRAM),$(KWCTL))
	$(KWCTL) annotate --metadata-path policy-metadata.yml --usage-path README.md --output-path $@ policy.wasm

# Shows the policy at work on the scenario of January 2022, without a cluster.
.PHONY: run
run: annotated-policy.wasm program
	$(PROGRAM) preview --policy examples/january-2022/policy.yaml --set azureTenantID=contoso.com examples/january-2022

.PHONY: test
test: fmt-check lint size-check unit-tests example-tests e2e-tests-if-possible playground-test-if-possible deny-if-possible fuzz-smoke-if-possible \
	reproducible release-test-if-possible

.PHONY: unit-tests
unit-tests: annotated-policy.wasm
	cargo test --locked --workspace

# The examples do what their azwi-test.yaml say.
.PHONY: example-tests
example-tests: annotated-policy.wasm program
	$(PROGRAM) test examples

# Rewrites the outputs in docs and cli/tests/transcripts with what the program prints now: review the difference.
.PHONY: snapshots
snapshots: annotated-policy.wasm
	SNAPSHOTS=overwrite cargo test --locked --package azwi-policy --test transcripts

# Rewrites docs/messages.md with the messages of the policy: review the difference.
.PHONY: messages
messages:
	MESSAGES=overwrite cargo test --locked --package azure-workload-identity-policy --lib manual

# Rewrites what the Helm chart has of other files: review the difference.
.PHONY: chart
chart:
	CHART=overwrite cargo test --locked --package azwi-policy --test repository chart -- --skip rendered

.PHONY: size-check
size-check: policy.wasm policy-metadata.yml | $(filter $(PROGRAM),$(KWCTL))
	@$(KWCTL) annotate --metadata-path policy-metadata.yml --output-path target/without-readme.wasm policy.wasm
	@size=$$(wc -c < target/without-readme.wasm); \
	if [ $$size -gt $(SIZE_LIMIT) ]; then \
		echo "error: annotated module without README: expected at most $(SIZE_LIMIT) bytes (SIZE_LIMIT in the Makefile), found $$size; CONTRIBUTING.md says what they are spent on" >&2; \
		exit 1; \
	fi

# The module with the names of its functions, for a look at their sizes.
target/with-names.wasm: $(SOURCES) | target
	$(BUILD) --target-dir target/with-names --config 'profile.release.strip="debuginfo"' -- $(LINK)
	cp target/with-names/$(TARGET)/release/azure_workload_identity_policy.wasm $@

# The library of the program for the page of the playground: JavaScript and WebAssembly.
PAGE := target/playground/program
PAGE_TARGET := wasm32-unknown-unknown
PAGE_SOURCES := $(shell find src cli/src playground/program/src -type f) cli/Cargo.toml playground/program/Cargo.toml \
	playground/program/Cargo.lock
BINDGEN_VERSION := $(shell sed -n 's/^wasm-bindgen = "=\(.*\)"$$/\1/p' playground/program/Cargo.toml)
BINDGEN := target/tools/wasm-bindgen-$(BINDGEN_VERSION)/bin/wasm-bindgen

# The maximum size of the page's program, gzipped, in bytes. All of the page is to be at most 1.2 MB.
PAGE_PROGRAM_LIMIT := 768000

# Expressions of policies nest as deep as 250 levels: that takes more stack than the usual megabyte.
PAGE_LINK := -C link-arg=-zstack-size=8388608

$(BINDGEN):
	cargo install --locked wasm-bindgen-cli --version $(BINDGEN_VERSION) --root target/tools/wasm-bindgen-$(BINDGEN_VERSION)

$(PAGE)/azwi_playground.js: $(PAGE_SOURCES) Makefile $(BINDGEN)
	@rustup target list --installed | grep -qx $(PAGE_TARGET) || rustup target add $(PAGE_TARGET)
	RUSTFLAGS="$(PAGE_LINK)" cargo build --release --locked --manifest-path playground/program/Cargo.toml \
		--target $(PAGE_TARGET) --target-dir target/playground
	$(BINDGEN) --target web --out-dir $(PAGE) target/playground/$(PAGE_TARGET)/release/azwi_playground.wasm
	@size=$$(gzip -9 -c $(PAGE)/azwi_playground_bg.wasm | wc -c); \
	if [ $$size -gt $(PAGE_PROGRAM_LIMIT) ]; then \
		echo "error: the program of the playground, gzipped: expected at most $(PAGE_PROGRAM_LIMIT) bytes (PAGE_PROGRAM_LIMIT in the Makefile), found $$size" >&2; \
		rm -r $(PAGE); \
		exit 1; \
	fi

.PHONY: playground-program
playground-program: $(PAGE)/azwi_playground.js

# What a review costs, and a preview from start to end. BENCH has the arguments of the first benchmark: --quick, and NAME=FILE for
# another module to compare. PROGRAMS has those of the second: --quick, and NAME=FILE for another program.
.PHONY: bench
bench: policy.wasm annotated-policy.wasm
	cargo bench --locked --package azwi-policy --bench policy -- $(BENCH)
	cargo bench --locked --package azwi-policy --bench program -- $(PROGRAMS)

.PHONY: e2e-tests
e2e-tests: annotated-policy.wasm $(filter $(PROGRAM),$(KWCTL))
	KWCTL=$(KWCTL) bats e2e.bats

.PHONY: e2e-tests-if-possible
e2e-tests-if-possible: unit-tests
	@if command -v bats >/dev/null && command -v jq >/dev/null; then \
		$(MAKE) --no-print-directory e2e-tests; \
	else \
		echo; \
		echo "The end-to-end tests (e2e.bats) were left out: they need bats and jq on PATH."; \
		echo "To get them on Debian or Ubuntu: apt-get install bats jq; on macOS: brew install bats-core jq. Then: make e2e-tests"; \
	fi

# The steps of the README and the three policies, in the cluster that KUBECONFIG names: cluster.bats says what it needs.
.PHONY: cluster-test
cluster-test:
	@command -v bats >/dev/null || { echo "error: bats is not on PATH: apt-get install bats; brew install bats-core" >&2; exit 1; }
	bats cluster.bats

# Checks the dependencies by deny.toml. The advisories need their database, which is fetched.
.PHONY: deny
deny:
	cargo deny --workspace --locked check licenses bans sources
	@if cargo deny fetch db 2>/dev/null; then \
		cargo deny --workspace --locked check advisories; \
	else \
		echo; \
		echo "The advisories were left out: their database cannot be fetched from here."; \
	fi

.PHONY: deny-if-possible
deny-if-possible:
	@if cargo deny --version >/dev/null 2>&1; then \
		$(MAKE) --no-print-directory deny; \
	else \
		echo; \
		echo "The check of the dependencies (deny.toml) was left out: it needs cargo-deny."; \
		echo "To get it: cargo install --locked cargo-deny. Then: make deny"; \
	fi

FUZZ_TARGETS := payload annotations settings pod
TARGETS := $(FUZZ_TARGETS)

# Seconds for each target.
TIME := 300

# Safe Rust does not need the address sanitizer, and runs faster without it.
.PHONY: fuzz
fuzz:
	@for target in $(TARGETS); do \
		mkdir -p fuzz/corpus/$$target && \
		cargo +nightly fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(TIME) -timeout=10 -verbosity=0 -print_final_stats=1 || exit 1; \
	done

.PHONY: fuzz-smoke
fuzz-smoke:
	$(MAKE) --no-print-directory fuzz TIME=10

.PHONY: fuzz-smoke-if-possible
fuzz-smoke-if-possible:
	@if cargo +nightly fuzz --version >/dev/null 2>&1; then \
		$(MAKE) --no-print-directory fuzz-smoke; \
	else \
		echo; \
		echo "Fuzzing was left out: it needs a nightly toolchain and cargo-fuzz."; \
		echo "To get them: rustup toolchain install nightly --profile minimal; cargo install --locked cargo-fuzz. Then: make fuzz-smoke"; \
	fi

.PHONY: fmt
fmt:
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml
	cargo fmt --manifest-path playground/program/Cargo.toml

.PHONY: fmt-check
fmt-check:
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path playground/program/Cargo.toml --check

.PHONY: lint
lint:
	cargo clippy --locked --workspace --all-targets -- -D warnings

.PHONY: clean
clean:
	cargo clean
	rm -f policy.wasm annotated-policy.wasm policy-sbom.spdx.json azwi-policy-sbom.spdx.json THIRD-PARTY-LICENSES

# The page of the playground: one HTML file with everything in it.
PAGE_FILES := $(shell find playground -name node_modules -prune -o -name program -prune -o -type f -print)
PAGE_EXAMPLES := $(shell find examples test_data/preview -name '*.yaml') docs/settings.schema.json

.PHONY: playground
playground: target/playground/index.html

playground/node_modules: playground/package.json playground/package-lock.json
	npm ci --prefix playground --ignore-scripts --no-audit --no-fund
	touch $@

target/playground/index.html: $(PAGE_FILES) $(PAGE_EXAMPLES) annotated-policy.wasm target/playground/program/azwi_playground.js | playground/node_modules
	npm run --silent --prefix playground build

# The page in Chromium; its program answers as azwi-policy does. CHROMIUM names another browser than the installed one.
.PHONY: playground-test
playground-test: playground program
	npm run --silent --prefix playground test

# The browser: CHROMIUM, or the one that is installed.
.PHONY: playground-test-if-possible
playground-test-if-possible: e2e-tests-if-possible
	@if command -v npm >/dev/null && command -v "$${CHROMIUM:-chromium}" >/dev/null; then \
		$(MAKE) --no-print-directory playground-test; \
	else \
		echo; \
		echo "The tests of the playground were left out: they need Node, npm and Chromium."; \
		echo "To get them on Debian or Ubuntu: apt-get install nodejs npm chromium. Then: make playground-test"; \
	fi

# The pictures of the page in docs.
.PHONY: playground-pictures
playground-pictures: playground
	npm run --silent --prefix playground pictures

# The documentation as a site, with the playground in it. mdBook is built without its web server.
MDBOOK_VERSION := 0.5.4
MDBOOK := target/tools/mdbook-$(MDBOOK_VERSION)/bin/mdbook

$(MDBOOK):
	cargo install --locked mdbook --version $(MDBOOK_VERSION) --no-default-features --features search \
		--root target/tools/mdbook-$(MDBOOK_VERSION)

site/node_modules: site/package.json site/package-lock.json
	npm ci --prefix site --ignore-scripts --no-audit --no-fund
	touch $@

.PHONY: site
site: playground $(MDBOOK) site/node_modules
	node site/build.mjs $(MDBOOK) target/playground/index.html

# Every page and link of the site, in Chromium; CHROMIUM as above.
.PHONY: site-test
site-test: site
	playground/node_modules/.bin/prettier --config playground/.prettierrc.json --check 'site/*.{mjs,js,css,json}' 'site/tests/*.mjs'
	node --test --test-concurrency=1 --test-reporter=spec site/tests/*.test.mjs

# The program, with the module inside, where cargo install puts programs. CARGO_INSTALL_ROOT names another place.
.PHONY: install
install: annotated-policy.wasm
	cargo install --locked --path cli --profile program

# Whoever builds the module gets the same bytes.
.PHONY: reproducible
reproducible: policy.wasm
	release/reproducible.sh

# The bills of materials of a release.
CARGO_SBOM_VERSION := 0.10.0
CARGO_SBOM := target/tools/cargo-sbom-$(CARGO_SBOM_VERSION)/bin/cargo-sbom

$(CARGO_SBOM):
	cargo install --locked cargo-sbom --version $(CARGO_SBOM_VERSION) --root target/tools/cargo-sbom-$(CARGO_SBOM_VERSION)

.PHONY: sboms
sboms: $(CARGO_SBOM)
	PATH="$(abspath $(dir $(CARGO_SBOM))):$$PATH" release/sbom.sh .

# The licences of the crates in the program, which are given out with it.
CARGO_ABOUT_VERSION := 0.9.3
CARGO_ABOUT := target/tools/cargo-about-$(CARGO_ABOUT_VERSION)/bin/cargo-about

$(CARGO_ABOUT):
	cargo install --locked cargo-about --features cli --version $(CARGO_ABOUT_VERSION) --root target/tools/cargo-about-$(CARGO_ABOUT_VERSION)

.PHONY: third-party-licenses
third-party-licenses: $(CARGO_ABOUT)
	cargo fetch --locked
	$(CARGO_ABOUT) generate --locked --offline --fail --manifest-path cli/Cargo.toml --config release/about.toml --output-file THIRD-PARTY-LICENSES \
		release/about.hbs

# The scripts of a release, on a program for this machine that is built quickly instead of well.
.PHONY: release-test
release-test: annotated-policy.wasm $(CARGO_SBOM)
	PATH="$(abspath $(dir $(CARGO_SBOM))):$$PATH" bats release/release.bats

RELEASE_TOOLS := bats buildah jq musl-gcc readelf shellcheck zip

.PHONY: release-test-if-possible
release-test-if-possible: e2e-tests-if-possible
	@missing=$$(for tool in $(RELEASE_TOOLS); do command -v $$tool >/dev/null || echo $$tool; done); \
	if [ -z "$$missing" ]; then \
		$(MAKE) --no-print-directory release-test; \
	else \
		echo; \
		echo "The tests of the release were left out: they need" $$missing "on PATH."; \
		echo "To get all on Debian or Ubuntu: apt-get install bats binutils buildah jq musl-tools shellcheck zip. Then: make release-test"; \
	fi
