"""Scripts that start in an interpreter which has their packages loaded: docs/decisions/24-warm-interpreters.md."""
