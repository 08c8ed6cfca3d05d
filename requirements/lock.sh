#!/usr/bin/env bash
# Writes the locks in this folder from its *.in files, with the environment's pinned uv. Versions already locked stay,
# unless --upgrade is given. The locks name packages and hashes only: no registry's address, no header, no date.
#
#   requirements/lock.sh [--upgrade]      VENV=DIR as for setup.sh
set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=requirements/pip_mirror.sh
. requirements/pip_mirror.sh
venv=${VENV:-.venv}
lend_pip_settings_to_uv "$venv"

compile() { # compile NAME OPTION ...: NAME.in -> NAME.txt; further FILE.in are read, too
  local name=$1
  UV_PYTHON_DOWNLOADS=never "$venv/bin/uv" pip compile --quiet --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links --python "$venv/bin/python" "${@:2}" \
    "requirements/$name.in" --output-file "requirements/$name.txt" >/dev/null
  echo "requirements/$name.txt: $(grep -c '==' "requirements/$name.txt") packages"
}

for generation in 1.16 1.21; do
  changes=(--override "requirements/overrides-$generation.txt" --excludes "requirements/excludes-$generation.txt")
  compile "tfx-$generation" requirements/project.in requirements/serve.in "requirements/serve-$generation.in" "${changes[@]}" \
    --python-version 3.11 --universal "$@"
  compile "serve-$generation" requirements/serve.in --constraint "requirements/tfx-$generation.txt" "${changes[@]}" \
    --python-version 3.11 --universal "$@"
  compile "tests-$generation" --constraint "requirements/tfx-$generation.txt" --python-version 3.11 --universal "$@"
  compile "gpu-$generation" --no-deps --python-version 3.11 --universal "$@"
  compile "text-$generation" --no-deps --python-version 3.11 --universal "$@" # it asks for tensorflow, with CUDA on Linux
done
compile schemas --no-deps --python-version 3.11 --universal "$@"
compile mutants --no-deps --python-version 3.11 --universal "$@"
compile uv --python-version 3.11 --universal "$@"
compile site --python-version 3.11 --universal "$@"
