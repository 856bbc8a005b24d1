"""Files of data sets whose addresses have died, as their publishers gave them."""
