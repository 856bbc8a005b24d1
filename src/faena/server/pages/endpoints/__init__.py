"""The list of endpoints, and the page of one."""
