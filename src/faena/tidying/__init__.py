"""What goes and what stays: deletions that can be undone, retention rules, collection of bytes, disk use."""
