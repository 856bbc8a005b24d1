"""The workspace's server: composes the features, and is a process that starts by itself and leaves when idle."""
