"""The workspace's gateway to browsers: TCP on loopback, shut until somebody asks, and 401 for whoever has no key."""
