"""HTTP/1.1 for a front: connections within bounds, requests whole, answers in their order, each with one write."""
