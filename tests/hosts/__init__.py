"""Hosts that share neither disk, home nor temporary folder, on one machine; and what happens when a link between them
is cut."""
