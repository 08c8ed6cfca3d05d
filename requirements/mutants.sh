#!/usr/bin/env bash
# Installs what mutation testing takes into a folder of its own, .venv/mutants, beside the environment of the tests.
# Does nothing when it is there. VENV=DIR as for setup.sh.
set -euo pipefail
unset CDPATH PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_USER
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
folder=${VENV:-.venv}/mutants
if ! cmp -s requirements/mutants.txt "$folder/lock.txt"; then
  rm -rf -- "$folder"
  "${VENV:-.venv}/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-deps --require-hashes \
    --only-binary :all: --target "$folder" -r requirements/mutants.txt
  cp requirements/mutants.txt "$folder/lock.txt"
fi
