#!/bin/sh
# Builds Heart for this machine, with the packages that this takes (by apt-get, dnf or pacman, which may ask for a password),
# and offers the published checkpoints. Fetches nothing but packages, ggml and checkpoints, and runs nothing that it fetched
# as a script.
set -eu
cd "$(dirname "$0")"

usage() {
  cat <<'HELP'
Usage: ./install.sh [options]

Installs the packages that building takes, builds Heart (the page is part of it), and offers the published checkpoints.

  -y, --yes             Ask nothing: no checkpoints unless --pull
  --device KIND         auto (what is found), cpu, cuda (NVIDIA), vulkan (AMD, Intel, NVIDIA) or hip (AMD)
  --pull                Download the recommended checkpoints (22 GB) into --model-path
  --no-pull             Do not offer them
  --model-path PATH     Folder of the checkpoints (default: ./ckpt)
  --source SOURCE       huggingface, modelscope or the address of a mirror (default: huggingface)
  --prefix PATH         Install heart there too (/usr/local, ~/.local); otherwise it stays in build/
  -h, --help            This help
HELP
}

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

yes=false device=auto pull=ask model_path=./ckpt source=huggingface prefix=
while [ $# -gt 0 ]; do
  case $1 in
    --device | --model-path | --source | --prefix) [ $# -ge 2 ] || fail "$1 needs a value" ;;
  esac
  case $1 in
    -y | --yes) yes=true; shift ;;
    --device) device=$2; shift 2 ;;
    --pull) pull=yes; shift ;;
    --no-pull) pull=no; shift ;;
    --model-path) model_path=$2; shift 2 ;;
    --source) source=$2; shift 2 ;;
    --prefix) prefix=$2; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) echo "install.sh: unknown option $1" >&2; usage >&2; exit 1 ;;
  esac
done

# --- the machine ---
gpu=none
if command -v nvidia-smi > /dev/null 2>&1 && nvidia-smi -L > /dev/null 2>&1; then
  gpu=nvidia
elif ls /dev/dri/renderD* > /dev/null 2>&1; then
  gpu=other
fi
nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2> /dev/null || true)
asked=$device
case $device in
  auto)
    device=cpu
    if [ $gpu = nvidia ] && [ -n "$nvcc" ]; then
      device=cuda
    elif [ $gpu = nvidia ]; then
      device=vulkan
      echo "install.sh: there is an NVIDIA GPU but no CUDA toolkit (nvcc, 12.4 or later), whose kernels are faster" >&2
    elif [ $gpu = other ]; then
      device=vulkan
    fi
    ;;
  cpu | vulkan | hip) ;;
  cuda) [ -n "$nvcc" ] || fail "--device cuda needs the CUDA toolkit (nvcc, 12.4 or later)" ;;
  *) fail "--device is auto, cpu, cuda, vulkan or hip, not '$device'" ;;
esac
echo "install.sh: building for $device"

# --- what building takes ---
mkdir -p build
scripts/install-deps.sh
case $device in
  vulkan | hip) scripts/install-deps.sh $device || true ;;  # configuring tells what is missing
esac

# --- building ---
configure() {
  cmake --preset $preset -DHEART_TESTS=OFF > build/configure.log 2>&1
}
preset=$device
[ $device != cpu ] || preset=release
jobs=$(nproc 2> /dev/null || echo 2)
[ -z "$nvcc" ] || PATH=$PATH:$(dirname "$nvcc")
if ! configure; then
  if [ $device = vulkan ] && [ $asked = auto ]; then
    grep -A 3 'HEART_VULKAN=ON' build/configure.log >&2 || true
    echo "install.sh: no module for the GPU on this system: building for the CPU" >&2
    preset=release
    configure || { cat build/configure.log >&2; exit 1; }
  else
    cat build/configure.log >&2
    exit 1
  fi
fi
cmake --build --preset $preset -j "$jobs"
heart=build/$preset/heart
echo "$preset" > build/chosen  # which of several builds ./start.sh runs
[ -z "$prefix" ] || cmake --install build/$preset --prefix "$prefix"
"$heart" --version

# --- checkpoints ---
if [ $pull = ask ] && [ $yes = false ] && [ -t 0 ]; then
  printf 'Download the checkpoints of HeartMuLa (22 GB) into %s? [y/N] ' "$model_path"
  read -r answer || answer=n
  case $answer in [yY]*) pull=yes ;; esac
fi
if [ $pull = yes ]; then "$heart" pull --to "$model_path" --source "$source"; fi

echo
echo "Heart is built: $heart. A first song: $heart generate --save-path song.flac"
echo "The studio, with its page: ./start.sh"
if [ $pull != yes ]; then echo "It sings with its small built-in model; for HeartMuLa itself: $heart pull"; fi
