"""Scripts of several processes: which ranks a node has, how they are started, and how they ended."""
