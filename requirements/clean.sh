#!/usr/bin/env bash
# Removes the environment, if setup.sh made it, and what tools left in the checkout. Workspaces stay.
set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
venv=${VENV:-.venv}
if [ -e "$venv/.greenlight-lock" ]; then
  rm -rf -- "$venv"
elif [ -e "$venv" ]; then
  echo "clean: $venv was not made by this project and stays." >&2
fi
rm -rf -- .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist greenlight.egg-info
find greenlight pipeline components serving benchmarks docs tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
