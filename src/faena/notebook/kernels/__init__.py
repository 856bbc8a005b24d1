"""Kernels on the Pythons and packages of another time: where Faena's handles are proxies."""
