"""Why a notice was not brought."""

from __future__ import annotations


class NotBrought(Exception):
    """Its text says why, for people. It is tried again."""


class NeverBrought(NotBrought):
    """It is not tried again."""
