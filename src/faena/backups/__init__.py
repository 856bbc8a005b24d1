"""Whole copies of a workspace, made while it works, and workspaces made from them."""
