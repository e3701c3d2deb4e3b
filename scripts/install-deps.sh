#!/bin/sh
# Installs what building Heart needs on Debian, Ubuntu, Fedora or Arch, and on the first two what testing it needs. Safe to
# run again: it does nothing when all is there.
#   scripts/install-deps.sh          what `make build` needs
#   scripts/install-deps.sh test     and what `make test` needs on top
#   scripts/install-deps.sh hip      what the preset hip needs
#   scripts/install-deps.sh vulkan   what the preset vulkan needs
#   scripts/install-deps.sh vulkan-tests   what `make vulkan-tests` needs
#   scripts/install-deps.sh web      and what `make web-tests` needs on top
set -eu
cd "$(dirname "$0")/.."
mode=${1:-}

build_packages="g++ cmake ninja-build git ca-certificates pkg-config
  libfmt-dev nlohmann-json3-dev libcli11-dev libutf8proc-dev
  libsndfile1-dev libsoxr-dev libtag1-dev libkissfft-dev libpng-dev libjpeg-dev zlib1g-dev libssl-dev
  libsoci-dev libsqlite3-dev libsodium-dev libcrypt-dev libcurl4-openssl-dev libcairo2-dev libarchive-dev libhnswlib-dev
  dpkg-dev file"
# Boost's plain package is too old in Debian 12: the first of these that the system knows.
boost_packages="libboost1.81-dev libboost1.83-dev libboost1.88-dev libboost-dev"
test_packages="libgtest-dev librapidcheck-dev clang-format-14 clang-tidy-14
  clang-14 libclang-rt-14-dev curl jq sqlite3 openssl"
hip_packages="hipcc libamdhip64-dev libhipblas-dev"
vulkan_packages="libvulkan-dev spirv-headers glslc"
# Kernels for 64-bit ARM are compiled and run on other processors too.
[ "$(uname -m)" = aarch64 ] || test_packages="$test_packages g++-aarch64-linux-gnu qemu-user-static googletest libsimde-dev"

# Runs a command as root.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        command -v sudo >/dev/null 2>&1 || { echo "heart: run as root or install sudo; to be run: $*" >&2; exit 1; }
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# Fedora and Arch have other names for the same, and SOCI at times not at all (cmake then fetches it). A package manager
# that does not know one name installs nothing: only those are asked for that it knows.
install_elsewhere() {
    if command -v dnf >/dev/null 2>&1; then
        wanted="gcc-c++ cmake ninja-build git pkgconf-pkg-config fmt-devel json-devel cli11-devel utf8proc-devel
          libsndfile-devel soxr-devel taglib-devel kiss-fft-devel libpng-devel libjpeg-turbo-devel zlib-devel openssl-devel
          soci-devel soci-sqlite3-devel sqlite-devel libsodium-devel libxcrypt-devel libcurl-devel cairo-devel
          libarchive-devel boost-devel"
        vulkan="vulkan-loader-devel vulkan-headers spirv-headers-devel glslc"
        command="dnf install -y"
        there() { rpm -q "$1"; }
        known() { dnf -q list "$1"; }
    elif command -v pacman >/dev/null 2>&1; then
        wanted="gcc cmake ninja git pkgconf fmt nlohmann-json cli11 libutf8proc libsndfile libsoxr taglib kissfft libpng
          libjpeg-turbo zlib openssl soci sqlite libsodium libxcrypt curl cairo libarchive boost"
        vulkan="vulkan-icd-loader vulkan-headers spirv-headers shaderc"
        command="pacman -S --needed --noconfirm"
        there() { pacman -Q "$1"; }
        known() { pacman -Si "$1"; }
    else
        echo "heart: this system has no apt-get, dnf or pacman. Please install the equivalents of:" \
            "$build_packages libboost-dev" >&2
        exit 1
    fi
    case $mode in
        '') ;;
        vulkan) wanted="$wanted $vulkan" ;;
        *) echo "heart: what '$mode' needs is known for Debian and Ubuntu only; building does without" >&2 ;;
    esac
    missing="" unknown=""
    for p in $wanted; do there "$p" >/dev/null 2>&1 || missing="$missing $p"; done
    [ -n "$missing" ] || return 0
    # A new system has no lists of packages yet.
    [ "${command%% *}" != pacman ] || pacman -Si gcc >/dev/null 2>&1 || as_root pacman -Sy
    packages=""
    for p in $missing; do
        if known "$p" >/dev/null 2>&1; then packages="$packages $p"; else unknown="$unknown $p"; fi
    done
    [ -z "$unknown" ] ||
        echo "heart: ${command%% *} does not know$unknown. What building misses without, configuring tells." >&2
    [ -n "$packages" ] || return 0
    echo "heart: installing$packages"
    # shellcheck disable=SC2086
    as_root $command $packages
}

if ! command -v apt-get >/dev/null 2>&1; then
    install_elsewhere
    exit 0
fi

install() {
    missing=""
    for p in "$@"; do
        dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q "install ok installed" || missing="$missing $p"
    done
    [ -n "$missing" ] || return 0
    echo "heart: installing$missing"
    as_root apt-get update -q
    # shellcheck disable=SC2086
    as_root apt-get install -y -q --no-install-recommends $missing
}

# Also a package that others only speak of is known to `apt-cache show`: what counts is a version to install.
can_be_had() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [0-9]'; }

boost_package() {
    for p in $boost_packages; do
        if dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q "install ok installed"; then echo "$p" && return; fi
    done
    # A new system has no lists of packages yet.
    can_be_had libboost-dev || as_root apt-get update -q >&2 || true
    for p in $boost_packages; do
        if can_be_had "$p"; then echo "$p" && return; fi
    done
    echo libboost-dev
}

# shellcheck disable=SC2086
install $build_packages "$(boost_package)"
# shellcheck disable=SC2086
case $mode in
    test) install $test_packages "$(boost_package | sed 's/boost/boost-context/')" ;;
    hip) install $hip_packages ;;
    vulkan) install $vulkan_packages ;;
    vulkan-tests) install $vulkan_packages libgtest-dev librapidcheck-dev mesa-vulkan-drivers ;;
esac

# Debian's npm and Chromium are large: only where there is no other.
if [ "$mode" = web ]; then
    command -v npm >/dev/null 2>&1 || install npm
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        [ -z "$name" ] || ! command -v "$name" >/dev/null 2>&1 || exit 0
    done
    install chromium
    exit 0
fi

# npm is only the last way to ggml's source (cmake/ResolveGgml.cmake): wanted where git cannot reach it.
ggml_is_here() { ls build/_ggml/*/ggml/CMakeLists.txt >/dev/null 2>&1; }
git_reaches_ggml() {
    GIT_TERMINAL_PROMPT=0 timeout 20 git ls-remote -q --exit-code https://github.com/ggml-org/llama.cpp.git refs/tags/v0.5.0 >/dev/null 2>&1
}
if ! ggml_is_here && ! command -v npm >/dev/null 2>&1 && ! git_reaches_ggml; then
    install npm
fi
