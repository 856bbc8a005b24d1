"""A true Ray cluster on a host of its own, whose autoscaler starts at zero nodes: `make ray`, which installs Ray."""
