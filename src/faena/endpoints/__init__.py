"""Endpoints: registered models that answer over HTTP. What answers is `faena.scoring`, kept alive from here."""
