"""Endpoints whose fronts are on this machine: held for the server, whether or not it is heard of."""
