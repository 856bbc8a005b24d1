"""A node on another machine than its server: what it needs comes by bytes, what it makes goes back so."""
