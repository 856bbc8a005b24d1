"""Faena's own code in the interpreter of a run that is Python 3.6: a copy of it that this Python can compile."""
