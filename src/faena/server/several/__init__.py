"""Several equal processes of one shared server, with one database of PostgreSQL: one of them leads."""
