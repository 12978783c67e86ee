# The front door; Meson does the work. Everything that a target needs from Debian is installed by tools/install-packages.

PREFIX ?= /usr/local
DESTDIR ?=
# What a newer compiler warns of must not keep anybody from building: `make check` is where warnings are errors.
MESON_SETUP = meson setup --buildtype=debugoptimized -Dwerror=false --prefix=$(PREFIX)

all: build/build.ninja
	ninja -C build programs

build/build.ninja:
	tools/install-packages build
	$(MESON_SETUP) build

# A dozen real programs and their verdicts, as a table.
demo: all
	tools/install-packages demo
	examples/demo/run

# Every test, with sanitizers where that makes sense; ends with the line "N passed, N failed".
check: all
	tools/install-packages demo test
	tools/check

# What `make check` shortens, at full length: hours, as root. SUITES=torture leaves out what needs Docker and a cluster.
SUITES ?= torture docker kubernetes
torture: all
	tools/install-packages demo test
	ASSAY_TORTURE=1 meson test -C build $(addprefix --suite ,$(SUITES)) --num-processes 2 --print-errorlogs \
		--timeout-multiplier 20
	tests/model/run --large

# Every fuzzer for SECONDS, one after the other, and a table of what came of it.
SECONDS ?= 60
fuzz:
	tools/install-packages build test
	[ -e build-check/build.ninja ] || meson setup build-check -Db_sanitize=address,undefined -Db_lundef=false
	ninja -C build-check fuzzers
	tools/fuzz build-check $(SECONDS)

# How much of src/ the unit tests and the simulator run through, by line and by branch; fails unless that is every branch of
# src/core.
coverage:
	tools/install-packages build test coverage
	tools/coverage

bench: all
	tools/install-packages bench
	ninja -C build bench

lint: all
	tools/install-packages test
	meson test -C build --suite lint --print-errorlogs

format:
	tools/install-packages format
	git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

install: all
	meson configure build --prefix=$(PREFIX)
	DESTDIR=$(DESTDIR) meson install -C build

# A Debian package of what is built, in build/.
deb: all
	tools/install-packages deb
	tools/make-deb build build

# A container image of assayd, for Docker. Needs a Docker Engine, and the network for Debian's packages.
image:
	docker build -f deploy/docker/Dockerfile --target executor -t assay/executor .

clean:
	rm -rf build build-check build-tsan build-coverage

.PHONY: all demo check torture fuzz coverage bench lint format install deb image clean
