#!/usr/bin/env bash
# Makes the environment that builds the documentation, .venv/site: what it needs is no part of a run or of the tests.
#
#   requirements/site.sh      after setup.sh; VENV=DIR as for setup.sh
set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=requirements/pip_mirror.sh
. requirements/pip_mirror.sh
venv=${VENV:-.venv}
venv=${venv%/}
lend_pip_settings_to_uv "$venv"
if ! "$venv/site/bin/python" -c '' 2>/dev/null; then "$venv/bin/python" -m venv --clear --without-pip "$venv/site"; fi
UV_PYTHON_DOWNLOADS=never "$venv/bin/uv" pip sync --quiet --require-hashes --python "$venv/site/bin/python" requirements/site.txt
