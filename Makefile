# Heart. `make demo` makes a first song, `make test` proves that everything works, `make build` leaves build/release/heart.
# Each installs what is missing (Debian, Ubuntu) and is quick the second time.

.PHONY: demo build test deps test-deps release-tests package-tests service-tests web-tests cuda-build hip-build vulkan-tests arm-tests avx512-tests asan-tests tsan-tests fuzz-tests format check-format tidy clean

JOBS ?= $(shell nproc)
CTEST = ctest --output-on-failure --no-tests=error -j $(JOBS)

demo: build
	@build/release/heart generate --save-path demo.flac --spectrogram demo.png --seed 11
	@echo
	@echo "Your first song: $(CURDIR)/demo.flac (and a picture of it: demo.png)"
	@echo "It comes from a tiny built-in model. For HeartMuLa itself, see \"The real weights\" in README.md."

build: deps
	@cmake --preset release -DHEART_TESTS=OFF > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build --preset release -j $(JOBS)

test: test-deps check-format release-tests package-tests cuda-build hip-build arm-tests avx512-tests asan-tests tsan-tests fuzz-tests
	@echo "All tests passed."

release-tests: test-deps
	cmake --preset release -DHEART_TESTS=ON
	cmake --build --preset release -j $(JOBS)
	cd build/release && $(CTEST)

# What would be installed, found by another program, and packed.
package-tests: test-deps
	scripts/check-package build/release

# The Debian package's service, under a systemd of its own; as root, with debootstrap and systemd-container. SUITE is where the
# package was built: bookworm or trixie.
SUITE ?= bookworm
service-tests: package-tests
	cd build/release && cpack -G DEB -B service
	scripts/check-service build/release/service/heart_*.deb $(SUITE)

# The page: types, units, whether web/dist is what its sources give, and journeys in a real Chromium against the program.
web-tests: test-deps
	@test -f build/release/build.ninja || cmake --preset release > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	cmake --build --preset release -j $(JOBS) --target heart_command
	scripts/web-tests

# The CUDA module compiles without warnings, where there is a compiler for it. Running it takes a GPU: scripts/bench-gpu.
cuda-build: test-deps
ifneq ($(shell command -v nvcc),)
	cmake --preset cuda -B build/cuda-alone -DHEART_TESTS=OFF -DHEART_WERROR=ON -DCMAKE_CUDA_ARCHITECTURES=80-real
	cmake --build build/cuda-alone -j $(JOBS) --target heart_cuda
else
	@echo "heart: no nvcc on this machine, the CUDA module is not compiled"
endif

# The same for AMD's GPUs.
hip-build: test-deps
ifneq ($(shell command -v hipcc),)
	cmake --preset hip -B build/hip-alone -DHEART_TESTS=OFF -DHEART_WERROR=ON -DCMAKE_HIP_ARCHITECTURES=gfx1100
	cmake --build build/hip-alone -j $(JOBS) --target heart_hip
else
	@echo "heart: no hipcc on this machine, the HIP module is not compiled"
endif

# The models on Vulkan, held to the reference's vectors: by Mesa's driver for the CPU, or by VULKAN_DEVICE, a number of
# `vulkaninfo --summary`. Half an hour, and more than Debian 12 has. Left out is the one test that ggml's kernels miss: they
# turn by f32 powers, which are 5e-4 off at positions that heads of 384 never see (the depth decoder has 8).
VULKAN_DEVICE ?= 0
vulkan-tests:
	scripts/install-deps.sh vulkan-tests
	cmake --preset vulkan -DHEART_TESTS=ON
	cmake --build --preset vulkan -j $(JOBS) --target ggml-vulkan parity_tests
	cmake -E create_symlink $(CURDIR)/build/vulkan/libheart-vulkan.so build/vulkan/tests/libheart-vulkan.so
	GGML_VK_VISIBLE_DEVICES=$(VULKAN_DEVICE) HEART_TEST_DEVICE=vulkan build/vulkan/tests/parity_tests --gtest_brief=1 \
	  --gtest_filter=-HeartMuLaParity.RopeTablesAtPublishedHeadSizes

# The suite again with the address and undefined-behaviour sanitizers, and warnings as errors; but for the tests of whether
# songs are music, which go through nothing that the command's tests do not.
asan-tests: test-deps
	cmake --preset asan
	cmake --build --preset asan -j $(JOBS)
	cd build/asan && ASAN_OPTIONS=detect_leaks=1 HEART_KILLS=4 $(CTEST) -E music_tests

# The tests that use threads, with the thread sanitizer.
tsan-tests: test-deps
	cmake --preset tsan
	cmake --build --preset tsan -j $(JOBS) --target thread_tests server_http_tests server_jobs_tests
	build/tsan/tests/thread_tests --gtest_filter='*Threads*:Concat*:Prelu*'
	build/tsan/tests/server_http_tests --gtest_brief=1
	build/tsan/tests/server_jobs_tests --gtest_brief=1

# The CPU kernels as 64-bit ARM compiles them, run under emulation; on ARM itself the other tests do that.
arm-tests: test-deps
ifneq ($(shell uname -m),aarch64)
	cmake -S tests/kernels-alone -B build/arm -G Ninja --toolchain $(CURDIR)/cmake/aarch64.cmake
	cmake --build build/arm -j $(JOBS)
	qemu-aarch64-static build/arm/kernel_tests --gtest_brief=1
endif

# The CPU kernels for AVX-512 where the processor has none, their instructions by functions; elsewhere the suite runs them.
avx512-tests: test-deps
ifeq ($(shell uname -m),x86_64)
	@if grep -qw avx512_vnni /proc/cpuinfo; then echo "heart: this machine has AVX-512, its kernels were tested with the others"; else \
	  cmake -S tests/kernels-alone -B build/avx512 -G Ninja -DHEART_AVX512_BY_SIMDE=ON && \
	  cmake --build build/avx512 -j $(JOBS) && \
	  build/avx512/kernel_tests --gtest_brief=1 --gtest_filter='*/avx512*'; fi
endif

# Hostile input of every kind, for a third of a minute each; the corpus is what earlier runs found worth keeping.
FUZZ_TARGETS = request_parts http_request multipart json jwt torch_file sentence_pieces
FUZZ_SECONDS ?= 20
fuzz-tests: test-deps
	cmake -S tests/fuzz -B build/fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++-14
	cmake --build build/fuzz -j $(JOBS)
	printf '%s\n' $(FUZZ_TARGETS) | xargs -P $(JOBS) -I NAME scripts/fuzz build/fuzz NAME $(FUZZ_SECONDS)
	@grep -H number_of_executed_units build/fuzz/*.log

deps:
	@mkdir -p build
	@scripts/install-deps.sh

test-deps:
	@mkdir -p build
	@scripts/install-deps.sh test

SOURCES = git ls-files '*.cpp' '*.h' '*.hpp' '*.c' '*.cu' '*.cuh'

format:
	$(SOURCES) | xargs clang-format-14 -i

check-format: test-deps
	$(SOURCES) | xargs clang-format-14 --dry-run --Werror

# clang-tidy needs the compile commands only, and those of a build of its own: clang cannot read gcc's precompiled headers.
tidy: test-deps
	cmake --preset tidy
	git ls-files 'src/*.cpp' 'apps/*.cpp' | xargs -P $(JOBS) -n 1 clang-tidy-14 -p build/tidy --quiet

clean:
	rm -rf build
