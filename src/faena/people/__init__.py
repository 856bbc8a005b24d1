"""People of a shared server: who may do what, the tokens that they show, and who did what."""
