# Two commands do all the set-up on a fresh Debian machine with git, make and Swift:
#   make run    system packages, build, and the whole pipeline on the embedded phantom cohort
#   make test   system packages, build, and the tests
# Both can be repeated: what is there already is left alone.

SWIFT_FLAGS := -c release
PACKAGES := libyaml-dev libtiff-dev libhdf5-dev libopenblas-dev liblapacke-dev libpng-dev libturbojpeg0-dev \
	libsqlite3-dev libnifti-dev libtorch-dev libgloo-dev libjs-vega pkg-config python3
CYTO_PIPE := .build/release/cyto-pipe
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
MISSING = $(shell for p in $(PACKAGES); do \
	dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done)

.PHONY: run test build packages lint format mouse clean

run: build
	$(CYTO_PIPE) run pipelines/full.yaml

# No test looks into a module's private parts: compiled as the programs are, the modules serve both.
test: build
	swift test $(SWIFT_FLAGS) --disable-testable-imports

build: packages
	swift build $(SWIFT_FLAGS)

# The reconstruction of a real mouse brain; the folder with its sections is not part of the repository.
DATA ?= ../shared/data/mouse-nissl
mouse: build
	$(CYTO_PIPE) run pipelines/mouse-nissl.yaml --set params.data=$(abspath $(DATA))

packages:
	@missing="$(MISSING)"; if [ -n "$$missing" ]; then \
		echo "installing: $$missing"; \
		$(SUDO) apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing; fi

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

format:
	swift format --in-place --recursive Package.swift Sources Tests

clean:
	rm -rf .build
