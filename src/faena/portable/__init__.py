"""A run as a folder that is whole by itself: written from one workspace, read into another."""
