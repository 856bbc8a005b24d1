"""What a view shows, as plain values: no I/O."""
