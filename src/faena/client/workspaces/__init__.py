"""How a workspace is found and opened; what every handle stands on."""
