"""Sign-in by OpenID Connect: who an issuer says that somebody is, and whether they may come."""
