"""What pip's own configuration says of where packages come from, as pip's variables.

pip's order (its documentation, "Configuration"): files of the system, of the user, of the virtual environment, then the
file that PIP_CONFIG_FILE names; each overrides those before it, and variables override them all. Options of `pip
install` stand in `[global]` and `[install]`.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_SECTIONS = ("global", "install")
_OPTIONS = {
    "index-url": "PIP_INDEX_URL",
    "extra-index-url": "PIP_EXTRA_INDEX_URL",
    "find-links": "PIP_FIND_LINKS",
    "trusted-host": "PIP_TRUSTED_HOST",
    "no-index": "PIP_NO_INDEX",
    "cert": "PIP_CERT",
    "proxy": "PIP_PROXY",
}


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """pip's variables: those of `environ`, and what its files say where there is none. Unreadable files say nothing."""
    found: dict[str, str] = {}
    for path in filter(Path.exists, _files(environ)):  # mostly none is there
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in _SECTIONS:
            if parser.has_section(section):
                found |= {
                    _OPTIONS[name.replace("_", "-")]: " ".join(value.split())
                    for name, value in parser.items(section)
                    if name.replace("_", "-") in _OPTIONS
                }
    return found | {name: environ[name] for name in _OPTIONS.values() if environ.get(name)}


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:  # pip's way of having none
        return
    for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep):
        yield Path(folder, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    home = Path(environ.get("HOME", "~")).expanduser()
    yield home / ".pip" / "pip.conf"
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")
    yield Path(sys.prefix, "pip.conf")
    if named:
        yield Path(named)
