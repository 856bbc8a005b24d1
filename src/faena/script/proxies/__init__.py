"""Faena's handles and v1's names where this interpreter cannot load them: proxies of objects of a helper process.

The helper (`faena.helper`) runs on the Python that has Faena, and is started at the first name that needs it. This
side is in the standard library.
"""
