"""How much of the server whoever connects may take: connections, bytes of a head, time for each part of a request."""
