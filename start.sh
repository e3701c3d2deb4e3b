#!/bin/sh
# Starts Heart Studio: one process that serves everything on one port.
set -eu
cd "$(dirname "$0")"

usage() {
  cat <<'HELP'
Usage: ./start.sh [options]

  --model-path PATH     Folder with the models (default: ./ckpt if it is there, else the built-in demo model)
  --version VERSION     Which language model of the folder (default: 3B)
  --fp16                Matrices of the language model as 16-bit floats
  --dev                 Log more
  --backend-port PORT   Port of page and API (default: 8000)
  --frontend-port PORT  Not needed any more: one port serves all
  -h, --help            This help

Settings can also stand in ./.env (see .env.example): HEARTMULA_MODEL_PATH, HEARTMULA_VERSION, HEARTMULA_FP16, DEV_MODE,
BACKEND_PORT, JWT_SECRET_KEY, OPENAI_API_KEY, OPENAI_BASE_URL. Options win.
HELP
}

fail() {
  echo "start.sh: $1" >&2
  exit 1
}

if [ -f ./.env ]; then
  set -a
  . ./.env
  set +a
fi

model_path=${HEARTMULA_MODEL_PATH:-}
version=${HEARTMULA_VERSION:-3B}
fp16=${HEARTMULA_FP16:-false}
dev=${DEV_MODE:-false}
port=${BACKEND_PORT:-8000}

while [ $# -gt 0 ]; do
  case $1 in
    --model-path | --version | --backend-port | --frontend-port)
      [ $# -ge 2 ] || fail "$1 needs a value"
      ;;
  esac
  case $1 in
    --model-path) model_path=$2; shift 2 ;;
    --version) version=$2; shift 2 ;;
    --fp16) fp16=true; shift ;;
    --dev) dev=true; shift ;;
    --backend-port) port=$2; shift 2 ;;
    --frontend-port)
      echo "start.sh: --frontend-port has no effect: page and API are both on port $port" >&2
      shift 2
      ;;
    -h | --help) usage; exit 0 ;;
    *) echo "start.sh: unknown option $1" >&2; usage >&2; exit 1 ;;
  esac
done

if [ -z "$model_path" ] && [ -d ./ckpt ]; then model_path=./ckpt; fi
if [ -n "$model_path" ] && [ ! -d "$model_path/HeartMuLa-oss-$version" ]; then
  fail "no models in $model_path/HeartMuLa-oss-$version; fetch them with: heart pull --to $model_path --version $version; or leave --model-path out for the demo model"
fi

# The kind that ./install.sh built last; without it, what was built last by hand.
if [ -s build/chosen ]; then
  heart=build/$(cat build/chosen)/heart
else
  heart=$(ls -t build/release/heart build/vulkan/heart build/cuda/heart 2> /dev/null | head -n 1)
fi
if [ ! -x "$heart" ]; then
  echo "start.sh: building Heart first" >&2
  make build
  heart=build/release/heart
fi

# Everything that was decided here goes on as options; the rest of the environment heart reads itself.
unset HEARTMULA_MODEL_PATH HEARTMULA_VERSION HEARTMULA_FP16 BACKEND_PORT
set -- serve --data-dir web/data --version "$version" --port "$port"
[ -z "$model_path" ] || set -- "$@" --model-path "$model_path"
case $fp16 in [Tt][Rr][Uu][Ee]) set -- "$@" --mula-dtype float16 ;; esac
case $dev in [Tt][Rr][Uu][Ee]) set -- "$@" --log-level debug ;; esac
exec "$heart" "$@"
