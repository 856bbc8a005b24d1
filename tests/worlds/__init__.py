"""Packages of other years, built as of their date and trained a little, on the interpreters of this machine."""
