#!/usr/bin/env bash
# Makes the project's environment: picks the TFX generation this machine can run, finds a Python for it, installs the
# locked packages. Does nothing when the environment is ready.
#
#   requirements/setup.sh             make it, or bring it up to date
#   requirements/setup.sh --tests     the same, with what the tests and linters use; later updates keep it
#   requirements/setup.sh --serve     only what a model server uses; without --serve, the next update adds the rest
#   requirements/setup.sh --explain   say which generation, Python and folder it would take, and change nothing
#
#   GPU=1        TensorFlow with CUDA (Linux); later updates keep it
#   TEXT=1       tensorflow-text, for SentencePiece modules; later updates keep it
#   VENV=DIR     where the environment is kept (default .venv; relative to the checkout)
#   PYTHON=FILE  the Python to build it with (default: the one it was built with, or the first on PATH that fits)
# GREENLIGHT_PLATFORM ("Linux x86_64") and GREENLIGHT_GLIBC ("2.36") stand in for what the machine says of itself; the
# tests of the choice set them.
set -euo pipefail
unset CDPATH PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_USER # each would lead the installers astray

fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 2
}

# --- which TFX generation -------------------------------------------------------------------------------------------

# The C library's version, e.g. 2.36; nothing where it is not glibc.
glibc_version() {
  if [ -n "${GREENLIGHT_GLIBC+set}" ]; then
    printf '%s' "$GREENLIGHT_GLIBC"
  else
    getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc //p'
  fi
}

at_least() { # at_least 2.41 2.39: is the first version the second or newer?
  local major=${1%%.*} minor=${1#*.}
  minor=${minor%%.*}
  [ "$major" -gt "${2%%.*}" ] || { [ "$major" -eq "${2%%.*}" ] && [ "$minor" -ge "${2#*.}" ]; }
}

# Sets platform, generation, its reason, and the Python versions it runs on. The bounds are those of ml-metadata's wheels.
choose_generation() {
  local glibc
  platform=${GREENLIGHT_PLATFORM:-$(uname -s) $(uname -m)}
  case $platform in
    "Darwin arm64") generation=1.21 reason="macOS on arm64" ;;
    "Darwin x86_64") generation=1.16 reason="macOS on x86_64" ;;
    "Linux x86_64")
      glibc=$(glibc_version)
      case $glibc in
        [0-9]*.[0-9]*) ;;
        *) fail "TFX needs a Linux with glibc, and this one has another C library; use Debian, Ubuntu or Fedora." ;;
      esac
      if at_least "$glibc" 2.39; then
        generation=1.21 reason="glibc $glibc is 2.39 or newer"
      elif at_least "$glibc" 2.28; then
        generation=1.16 reason="glibc $glibc is older than 2.39"
      else
        fail "TFX needs glibc 2.28 or newer and this machine has $glibc; use Debian 10, Ubuntu 20.04 or anything newer."
      fi
      ;;
    *) fail "TFX has no packages for $platform; use Linux on x86_64 or macOS." ;;
  esac
  case $generation in
    1.21) versions="3.13 3.12 3.11" ;;
    1.16) versions="3.11" ;;
  esac
}

# --- which Python ---------------------------------------------------------------------------------------------------

# Runs the Python $1 and prints "VERSION FILE" when it fits the generation. Running it is the test: a pyenv shim exists
# for versions that were never chosen, and fails. A virtual environment's Python answers with the one it was made of.
probe() {
  "$1" - "$versions" <<'PROBE' 2>/dev/null
import struct, sys, sysconfig
fits = ("%d.%d" % sys.version_info[:2]) in sys.argv[1].split()
plain = sys.implementation.name == "cpython" and struct.calcsize("P") == 8 and not sysconfig.get_config_var("Py_GIL_DISABLED")
if not (fits and plain):
    sys.exit(1)
print("%d.%d.%d" % sys.version_info[:3], getattr(sys, "_base_executable", None) or sys.executable)
PROBE
}

# Prints what the Python $1 lacks for building an environment; nothing when it is complete.
lacks() {
  "$1" - <<'PROBE' 2>/dev/null
import importlib.util, os, sysconfig
if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
    print("venv")
elif not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
    print("headers")
PROBE
}

# What to install, said for the package managers most people have; $@ are Debian's package names.
install_hint() {
  if command -v apt-get >/dev/null 2>&1; then
    printf 'for example "sudo apt-get install %s"' "$*"
  elif command -v dnf >/dev/null 2>&1; then
    printf 'for example "sudo dnf install python%s-devel gcc-c++"' "${versions%% *}"
  elif command -v brew >/dev/null 2>&1; then
    printf 'for example "brew install python@%s"' "${versions%% *}"
  else
    printf 'with your system'"'"'s package manager or from python.org'
  fi
}

# Sets python (a file) and python_version to the first Python that fits and is complete.
find_python() {
  local version candidate found missing name incomplete="" incomplete_version=""
  local names=()
  if [ -n "${PYTHON:-}" ]; then
    names=("$PYTHON")
  else
    # An environment keeps the Python that it was made with: whoever named one need not name it again after each update.
    candidate=$(stamped python || true)
    if [ -n "$candidate" ]; then names=("$candidate"); fi
    for version in $versions; do names+=("python$version"); done
    names+=(python3 python)
  fi
  for name in "${names[@]}"; do
    while IFS= read -r candidate; do
      found=$(probe "$candidate") || continue
      missing=$(lacks "$candidate")
      if [ "$missing" = headers ] && with serve; then missing=""; fi # a server's packages come built
      if [ -z "$missing" ]; then
        python_version=${found%% *} python=${found#* }
        return
      fi
      if [ -z "$incomplete" ]; then
        incomplete=$missing incomplete_version=${found%% *}
      fi
    done < <(type -aP "$name")
  done
  version=${incomplete_version%.*}
  case $incomplete in
    venv) fail "Python $incomplete_version has no venv and ensurepip modules: install them, $(install_hint "python$version-venv")." ;;
    headers) fail "Python $incomplete_version has no C headers (Python.h): install them, $(install_hint "python$version-dev")." ;;
  esac
  version=${versions%% *}
  [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is not a working Python $(spoken_versions), which TFX $generation needs here ($reason)."
  fail "No Python $(spoken_versions) was found, which TFX $generation needs here ($reason): install one," \
    "$(install_hint "python$version" "python$version-venv" "python$version-dev"), or name its file with PYTHON=FILE."
}

spoken_versions() { # "3.11", or "3.13, 3.12 or 3.11"
  case $versions in
    *" "*) printf '%s or %s' "$(printf '%s' "${versions% *}" | sed 's/ /, /g')" "${versions##* }" ;;
    *) printf '%s' "$versions" ;;
  esac
}

need_compiler() { # pyfarmhash and crcmod come as sources
  local name
  for name in "${CXX:-}" c++ g++ clang++; do
    if [ -n "$name" ] && type -P "${name%% *}" >/dev/null; then return; fi
  done
  fail "No C++ compiler was found, which two packages are built with: install one, $(install_hint g++)."
}

# --- the environment ------------------------------------------------------------------------------------------------

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# Names everything the environment's content depends on: its own folder, which its scripts hold, the checkout's, which
# the editable install holds, and what is to be installed.
digest() {
  {
    printf '%s\n' "$root" "$venv" "$extras"
    cat requirements/setup.sh requirements/uv.txt "$packages" pyproject.toml
    if with tests; then cat "requirements/tests-$generation.txt" requirements/schemas.txt; fi
    if with gpu; then cat "requirements/gpu-$generation.txt"; fi
    if with text; then cat "requirements/text-$generation.txt"; fi
  } | sha256
}

with() { # with tests | with gpu | with text: is it asked for, or there already?
  case " $extras " in *" $1 "*) ;; *) return 1 ;; esac
}

# Sets packages to the lock of what the environment is for, and extras to what it has or is to have beside these: "",
# "tests", "gpu text", "gpu tests"; or "serve", "text serve" for a model server, which has none of the other packages of a
# run.
choose_extras() {
  local known name
  known=" $(stamped extras) $* "
  case " $* " in *" serve "*) known=${known/ tests / } ;; *) known=${known/ serve / } ;; esac
  extras=""
  packages="requirements/tfx-$generation.txt"
  case $known in *" serve "*) packages="requirements/serve-$generation.txt" ;; esac
  for name in gpu text serve tests; do
    case $known in *" $name "*) extras="${extras:+$extras }$name" ;; esac
  done
  if with gpu && [ "${platform%% *}" != Linux ]; then
    fail "GPU=1 is for Linux: the packages of TensorFlow for ${platform%% *} have no CUDA."
  fi
}

stamped() { # stamped digest | stamped identity | stamped extras | stamped python: its file
  case $1 in
    digest) sed -n 1p "$stamp" 2>/dev/null || true ;;
    identity) sed -n 2p "$stamp" 2>/dev/null || true ;;
    extras) sed -n 3p "$stamp" 2>/dev/null || true ;;
    python)
      local known
      known=$(stamped identity)
      case $known in
        "tfx-$generation on Python "*" in $venv")
          known=${known#"tfx-$generation on Python "* } # without the version too
          printf '%s\n' "${known%" in $venv"}"
          ;;
      esac
      ;;
  esac
}

ready() {
  [ "$(stamped digest)" = "$wanted" ] || return 1
  [ -x "$venv/bin/greenlight" ] && "$venv/bin/python" -c '' 2>/dev/null || return 1
  [ -z "${PYTHON:-}" ] || [ "$(stamped identity)" = "$(identity "$(probe "$PYTHON")")" ]
}

# What cannot change without making the environment anew.
identity() { printf 'tfx-%s on Python %s in %s' "$generation" "$1" "$venv"; }

# Waits until no other setup works on this environment. The kernel drops the lock with its holder, so that none can be
# left behind; file descriptor 9 stays open in this shell, and with it the lock that Python takes on it.
take_lock() {
  local content=
  if [ -e "$venv" ]; then content=$(ls -A "$venv"); fi
  # Asked after the folder was listed: the lock is the first thing that another setup makes in it.
  if [ -n "$content" ] && [ ! -e "$lock" ]; then
    fail "$venv exists and was not made by this project: remove it, or choose another folder with VENV=DIR."
  fi
  mkdir -p "$venv"
  exec 9>>"$lock"
  "$python" - "$venv" <<'LOCK'
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print(f"Another setup is at work in {sys.argv[1]}; waiting for it.", flush=True)
    fcntl.flock(9, fcntl.LOCK_EX)
except OSError:
    pass  # a network file system without locks: two setups at once are then the user's to avoid
LOCK
}

pip_install() {
  "$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: "$@"
}

# `uv pip COMMAND ...`: with its progress on a terminal, silent elsewhere.
uv_pip() {
  local quiet=(--quiet)
  if [ -t 2 ]; then quiet=(--color auto); fi
  UV_PYTHON_DOWNLOADS=never "$venv/bin/uv" pip "$1" "${quiet[@]}" --python "$venv/bin/python" "${@:2}"
}

install_packages() {
  local pinned=("$packages")
  if with tests; then pinned+=("requirements/tests-$generation.txt"); fi
  # Always the pinned uv, also where there is another one: one resolver and one behavior on every machine, for a second.
  pip_install -r requirements/uv.txt
  lend_pip_settings_to_uv "$venv"
  uv_pip sync --require-hashes --build-constraints "${pinned[0]}" "${pinned[@]}"
  if with gpu; then
    uv_pip uninstall tensorflow-cpu
    pip_install -r "requirements/gpu-$generation.txt"
  fi
  if with text; then pip_install -r "requirements/text-$generation.txt"; fi
  if with tests; then pip_install --upgrade --target "$venv/schemas" -r requirements/schemas.txt; fi
  uv_pip install --offline --no-deps --no-build-isolation --editable .
  leave_out_what_only_builds
}

# TensorFlow's headers, a fifth of its size, are for building C++ operations.
leave_out_what_only_builds() {
  rm -rf "$venv"/lib/python*/site-packages/tensorflow/include
}

# Where Python is told to write no byte code, each start would compile TensorFlow anew, which takes several times as long as
# to load it: it is written once, here. Elsewhere the first run does so.
write_byte_code() {
  [ -n "${PYTHONDONTWRITEBYTECODE:-}" ] || return 0
  local import='import contextlib, importlib, sys
for name in sys.argv[1:]:
    with contextlib.suppress(Exception):
        importlib.import_module(name)'
  (
    unset PYTHONDONTWRITEBYTECODE
    export TF_USE_LEGACY_KERAS=1
    "$venv/bin/python" -c "$import" tensorflow tf_keras tensorflow_hub tensorflow_datasets &
    "$venv/bin/python" -c "$import" matplotlib.pyplot pipeline.engine.stages pipeline.engine.beam_orchestrator serving.server
    wait
  ) >/dev/null 2>&1
}

build() {
  local started=$SECONDS size="2.2 GB"
  if with tests; then size="2.7 GB"; fi
  if with serve; then size="1.1 GB"; fi
  if with gpu; then size="4 GB"; fi
  if [ "$(stamped identity)" = "$(identity "$python_version $python")" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    echo "Bringing $venv up to date (TFX $generation, Python $python_version)."
    rm -f "$stamp"
  else
    echo "Setting up $venv: TFX $generation ($reason) on Python $python_version; about half a minute and $size."
    find "$venv" -mindepth 1 -maxdepth 1 ! -name "${lock##*/}" -exec rm -rf {} +
    "$python" -m venv "$venv"
    echo '*' >"$venv/.gitignore" # git and ruff keep out of it, wherever it is
  fi
  install_packages
  write_byte_code
  # Written last and whole: an environment without it was never finished and is made anew.
  printf '%s\n%s\n%s\n' "$wanted" "$(identity "$python_version $python")" "$extras" >"$stamp.new"
  mv "$stamp.new" "$stamp"
  echo "The environment is ready ($((SECONDS - started)) s)."
  command -v greenlight >/dev/null || echo "For the command \`greenlight\` in this shell: export PATH=$(printf '%q' "$venv/bin"):\$PATH"
}

explain() {
  local state=missing
  if ready; then state=ready; elif [ -e "$lock" ]; then state="to be updated"; fi
  find_python
  printf 'generation: %s (%s)\npython: %s %s\nenvironment: %s (%s)\n' \
    "$generation" "$reason" "$python_version" "$python" "$venv" "$state"
}

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=requirements/pip_mirror.sh
. requirements/pip_mirror.sh
root=$(pwd -P)
venv=${VENV:-.venv}
venv=${venv%/}
case $venv in /*) ;; *) venv=$root/${venv#./} ;; esac
stamp=$venv/.greenlight-stamp
lock=$venv/.greenlight-lock

choose_generation
asked=()
if [ -n "${GPU:-}" ]; then asked+=(gpu); fi
if [ -n "${TEXT:-}" ]; then asked+=(text); fi
case ${1:-} in --tests | --serve) asked+=("${1#--}") ;; esac
choose_extras ${asked[@]+"${asked[@]}"}
wanted=$(digest)
case ${1:-} in
  --explain) explain ;;
  "" | --tests | --serve)
    if ! ready; then
      find_python
      with serve || need_compiler # a server's packages come built
      take_lock
      ready || build
    fi
    ;;
  *) fail "unknown argument $1; it takes --explain, --tests, --serve or nothing." ;;
esac
