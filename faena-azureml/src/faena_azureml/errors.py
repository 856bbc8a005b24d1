"""Errors of v1 that nothing here raises: names for `except`."""

from __future__ import annotations

from faena.kernel.errors import FaenaError


class ProjectSystemException(FaenaError):
    """v1: a project folder cannot be used."""


class ActivityCanceledException(FaenaError):
    """v1: the run that was waited for was canceled."""


class DiscoveryUrlNotFoundException(FaenaError):
    """v1: the cloud's address book does not know a service."""
