"""Kills processes of a workspace made for it, and measures what is lost: the ground of `faena drill` and of the kill
campaign in tests/faults.
"""
