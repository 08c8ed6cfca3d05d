# shellcheck shell=bash
# uv reads no pip settings; a machine whose only way to packages is a mirror set up for pip shall still work.
lend_pip_settings_to_uv() { # lend_pip_settings_to_uv VENV
  local settings index
  [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}${UV_CONFIG_FILE:-}" ] || return 0
  settings=$("$1/bin/python" -m pip config list 2>/dev/null || true)
  pip_setting() { printf '%s\n' "$settings" | sed -nE "s/^(global|install|:env:)\.$1='(.*)'\$/\2/p" | tail -n 1; }
  index=$(pip_setting index-url)
  if [ -n "$index" ]; then export UV_DEFAULT_INDEX=$index; fi
  if [ -z "${SSL_CERT_FILE:-}" ] && [ -n "$(pip_setting cert)" ]; then SSL_CERT_FILE=$(pip_setting cert) && export SSL_CERT_FILE; fi
}
