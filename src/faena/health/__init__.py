"""Looks at a machine and a workspace without the server's help, and proves by killing that nothing is lost."""
