"""What of v1's experimental parts is covered."""
