"""Finding runs: one filter language for Python, command line and HTTP, and the SQL that answers it."""
