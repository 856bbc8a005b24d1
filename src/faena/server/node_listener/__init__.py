"""Where nodes on other machines reach the server: TCP with TLS, shut until asked for, and 401 for who has no token."""
