"""`faena sweep`: sweeps described by options or by a file, followed, looked at and changed."""
