# The front door; Meson does the work. Everything that a target needs from Debian is installed by tools/install-packages.

PREFIX ?= /usr/local
DESTDIR ?=
# What a newer compiler warns of must not keep anybody from building: `make check` is where warnings are errors.
MESON_SETUP = meson setup --buildtype=debugoptimized -Dwerror=false --prefix=$(PREFIX)

all: build/build.ninja
	ninja -C build

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

# What `make check` shortens, at full length: an hour or two, as root.
torture: all
	tools/install-packages demo test
	ASSAY_TORTURE=1 meson test -C build --suite docker --print-errorlogs --timeout-multiplier 20

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

clean:
	rm -rf build build-check build-tsan

.PHONY: all demo check torture bench lint format install clean
