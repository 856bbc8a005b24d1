"""Where browsers sign in and out."""

from __future__ import annotations

SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"
BEGIN = "/sign-in/issuer"
BACK = "/sign-in/callback"
"""Where an issuer sends browsers back to: it is told this address beforehand, by whoever sets it up."""
