"""Handles as a notebook shows them: small tables of escaped text, whose links open."""
