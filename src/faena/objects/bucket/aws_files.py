"""The files in which Amazon's own tools keep who asks, and where: `~/.aws/credentials` and `~/.aws/config`."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

_LARGEST = 1 << 20
_KEYS = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}


def found(environment: Mapping[str, str]) -> dict[str, str]:
    """What they say of the profile that the environment names; empty where that has keys of its own."""
    profile = environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE") or "default"
    home = Path(environment.get("HOME") or "~").expanduser() / ".aws"
    config = Path(environment.get("AWS_CONFIG_FILE") or home / "config")
    section = _section(config, profile if profile == "default" else f"profile {profile}")
    told: dict[str, str] = {}
    if not (environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")) and "region" in section:
        told["region"] = section["region"]
    if environment.get("AWS_ACCESS_KEY_ID"):
        return told
    credentials = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials")
    keys = {**section, **_section(credentials, profile)}
    return told | {name: keys[key] for key, name in _KEYS.items() if keys.get(key)}


def _section(path: Path, name: str) -> dict[str, str]:
    """Empty where there is no such file or section, or it cannot be read: other ways to sign in are tried then."""
    parser = configparser.RawConfigParser()
    try:
        with path.open() as file:
            parser.read_string(file.read(_LARGEST))
        return dict(parser[name])
    except (OSError, ValueError, KeyError, configparser.Error):
        return {}
