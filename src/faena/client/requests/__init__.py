"""Typed requests to a workspace's server, a module for each subject; `faena.client.api` has them all."""
