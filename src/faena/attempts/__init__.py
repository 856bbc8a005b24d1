"""The attempt folder on disk, and its way to the server. What the runner, a follower and a handle share."""
