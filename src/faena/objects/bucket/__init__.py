"""Objects in a bucket of an object store, with the workspace's folder as their cache."""
