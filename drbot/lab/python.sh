#!/usr/bin/env bash
# Makes .venv with the locked packages. Called by make; says what it installs and where.
set -euo pipefail
python=${1:-python3}
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
    echo "drbot needs Python 3.11, 3.12 or 3.13; $("$python" --version 2>&1) was found. Try: make PYTHON=python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print(f"python3.{sys.version_info[1]}-venv")')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing $package with apt-get."
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package"; } >/dev/null
    else
        echo "Python's venv module is missing. Install it first: sudo apt-get install $package" >&2
        exit 1
    fi
fi
.venv/bin/python -m pip --version >/dev/null 2>&1 || { rm -rf .venv; echo "Making .venv (Python packages stay in this folder)."; "$python" -m venv .venv; }
echo "Installing the packages of requirements-dev.lock into .venv (about a minute the first time)."
.venv/bin/python -m pip install --quiet --disable-pip-version-check uv
.venv/bin/uv pip sync --quiet --compile-bytecode --require-hashes --python .venv/bin/python requirements-dev.lock
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --editable .
