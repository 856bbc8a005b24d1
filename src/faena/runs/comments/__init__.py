"""What people say of a run, one after the other."""
